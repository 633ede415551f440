"""Divisions as their managers see them: staged, published, moved, imported."""
