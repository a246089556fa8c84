"""What makes Theano 1.0 fast on today's machines, beside its engine's file."""
