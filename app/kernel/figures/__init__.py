"""Figures: counters, days, and the numbers of statistics."""
