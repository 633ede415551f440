"""The pages of divisions."""
