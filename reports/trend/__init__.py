"""Trend: a case's times over commits and days, and where they changed."""
