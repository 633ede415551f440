"""Footprints of houses."""
