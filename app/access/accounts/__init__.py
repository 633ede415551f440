"""Accounts as every request asks for them: names, signing in, tokens, what is unusual."""
