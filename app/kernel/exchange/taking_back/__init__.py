"""Imports taken back: what one did to rows is kept for 30 days, and undone as a job."""
