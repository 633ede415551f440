"""The tables that every register has in common."""
