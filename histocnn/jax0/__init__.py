"""What makes JAX 0.10 fast on one network, beside its engine's file."""
