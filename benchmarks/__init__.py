"""The measuring side: the grid, how a case is measured, and the cases themselves."""
