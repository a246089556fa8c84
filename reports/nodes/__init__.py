"""Nodes of a cluster that look alike, and how their times differ."""
