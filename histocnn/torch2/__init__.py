"""What makes PyTorch 2 fast on one network, for its engine's and its peer's file."""
