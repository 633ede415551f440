"""The whole tree of divisions, loaded once a run and database, without the rest of the program."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from app.access.divisions.former import RegionHistory
from app.access.divisions.regions import Region, RegionSeed
from app.access.divisions.seed import load
from app.core.db import Model, db
from tests.databases import Databases, create_hostile, server_url, sqlalchemy_url

TABLES = [Region.__table__, RegionSeed.__table__, RegionHistory.__table__]


@pytest.fixture(scope="session")
def whole_tree(
    db_kind: str, databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Flask]:
    """An application with nothing but all real divisions; tests roll back what they change."""
    url = databases.once(f"tree-{db_kind}", lambda: _load(db_kind, databases.folder))
    if db_kind == "sqlite":  # whose file one worker would lock against the other
        copy = tmp_path_factory.mktemp("tree") / "tree.db"
        shutil.copyfile(databases.folder / "tree.db", copy)
        url = f"sqlite:///{copy}"
    app = _app(url)
    yield app
    with app.app_context():
        db.engine.dispose()


def _load(kind: str, folder: Path) -> str:
    if kind == "sqlite":
        url = f"sqlite:///{folder / 'tree.db'}"
    else:
        name = f"anju_tree_{uuid.uuid4().hex[:8]}"
        create_hostile(name)
        url = sqlalchemy_url(server_url(), name)
    with _app(url).app_context():
        Model.metadata.create_all(db.engine, TABLES)
        load(db.engine)
        db.engine.dispose()
    return url


def _app(url: str) -> Flask:
    app = Flask("tree")
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    db.init_app(app)
    return app
