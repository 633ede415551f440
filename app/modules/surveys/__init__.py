"""Surveys of houses, and which of them counts."""
