"""Tables from files that pytest-benchmark saved; needs nothing else of the suite."""
