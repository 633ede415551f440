"""Demonstration data: accounts of every level, kind and duty, and households in every state.

Made from a fixed seed with dates counted back from today, so that a new installation can be tried
at once. Refused in production.
"""
