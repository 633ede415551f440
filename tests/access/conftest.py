"""The whole tree of divisions, loaded once a run and database, without the rest of the program."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from app.access.divisions.former import RegionHistory
from app.access.divisions.regions import Region, RegionSeed
from app.access.divisions.seed import load
from app.core.db import Model, db
from tests.databases import administration, create_hostile, server_url, sqlalchemy_url

TABLES = [Region.__table__, RegionSeed.__table__, RegionHistory.__table__]


@pytest.fixture(scope="session")
def whole_tree(db_kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """An application with nothing but all real divisions; tests roll back what they change."""
    name = f"anju_tree_{uuid.uuid4().hex[:8]}"
    if db_kind == "sqlite":
        folder: Path = tmp_path_factory.mktemp("tree")
        url = f"sqlite:///{folder / 'tree.db'}"
    else:
        create_hostile(name)
        url = sqlalchemy_url(server_url(), name)
    app = Flask(name)
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    db.init_app(app)
    with app.app_context():
        Model.metadata.create_all(db.engine, TABLES)
        load(db.engine)
    yield app
    with app.app_context():
        db.engine.dispose()
    if db_kind == "postgresql":
        with administration() as server:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
