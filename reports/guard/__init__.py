"""Whether training got slower, and how small a slow-down would have shown."""
