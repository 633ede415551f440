"""Renovation: applications and what is built."""
