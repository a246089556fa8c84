"""A soak (`make soak`): sessions of the real suite under random faults, judged."""
