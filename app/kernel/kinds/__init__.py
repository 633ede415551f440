"""Kinds of fields: what their values look like, and how they are mended."""
