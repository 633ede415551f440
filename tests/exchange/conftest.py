"""Fixtures of the exchange tests."""

from tests.databases import database_url, engine, postgresql_server

__all__ = ["database_url", "engine", "postgresql_server"]
