"""What makes Theano 1.0 run, and fast, on today's machines, for its engine."""
