"""Fixtures of the core tests."""

from tests.databases import database_url, engine, postgresql_server

__all__ = ["database_url", "engine", "postgresql_server"]
