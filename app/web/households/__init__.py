"""The pages of a household."""
