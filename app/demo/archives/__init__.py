"""Household archives of the demonstration, and what divisions gave those below them to do."""
