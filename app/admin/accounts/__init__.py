"""Accounts as their managers see them: made, changed, granted, listed, exported."""
