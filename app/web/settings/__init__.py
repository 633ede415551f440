"""The pages of settings and choices."""
