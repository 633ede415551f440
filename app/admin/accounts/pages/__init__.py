"""The pages of accounts, and of signing in."""
