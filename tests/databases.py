"""Databases for tests: made once by the deploy step, then copied for whoever needs one.

A worker keeps one database of each kind and gets it as it was after each test that wrote: SQLite's file is
copied again in 2 ms, PostgreSQL puts back what was written (:mod:`tests.pristine`). Migrations and the
deploy step take seconds.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import URL, Engine, delete, event, make_url

from tests import pristine
from tools import postgresql

#: Real divisions with every oddity: two ordinary counties, a county directly under its province, a
#: city without counties, a pseudo-city, the XPCC, a development zone.
DIVISIONS = {"610122", "610124", "530129", "429004", "441900", "110101", "659001", "130171"}

KINDS = ("sqlite", "postgresql")


class Databases:
    """Templates and copies below one folder that all workers of a test run share."""

    def __init__(self, folder: Path) -> None:
        from app.core.db import on_sqlite_connect

        self.folder = folder
        self.restoring: dict[str, psycopg.Connection[Any]] = {}
        self.kept: dict[str, str] = {}
        folder.mkdir(parents=True, exist_ok=True)
        # These need not survive a power cut: waiting for the disk would be a third of many a test.
        on_sqlite_connect(lambda connection: connection.execute("PRAGMA synchronous=OFF"))

    def copy(self, kind: str, name: str) -> str:
        """URL of a database ``name`` like the template, or as :meth:`keep` found it; one of that name is
        replaced.
        """
        return self._copy_file(name) if kind == "sqlite" else self._copy_postgresql(name)

    def keep(self, kind: str, name: str) -> None:
        """As database ``name`` is now it is to be restored and copied from now on. Nobody is connected."""
        if kind == "sqlite":
            self.kept[name] = f"sqlite:///{self.folder / f'{name}_kept.db'}"
            shutil.copyfile(self.folder / f"{name}.db", self.folder / f"{name}_kept.db")
            return
        kept = make_url(self.template(kind)).set(database=f"{name}_kept")
        pristine.keep(plain_url(kept.set(database=name)))
        with administration() as server:
            server.execute(
                f'CREATE DATABASE "{kept.database}" TEMPLATE "{name}" STRATEGY FILE_COPY'
            )
        self.kept[name] = kept.render_as_string(hide_password=False)

    def restore(self, kind: str, name: str) -> bool:
        """Make a copy as it was when it was made or kept while connections to it stay open; False: copy it anew."""
        if kind == "sqlite":
            return False
        open_one = self.restoring.get(name)
        if open_one is None or open_one.closed:  # kept open: it knows the catalogue
            url = plain_url(make_url(server_url()).set(database=name))
            open_one = self.restoring[name] = psycopg.connect(url, autocommit=True)
        return pristine.restore(open_one)

    def _copy_file(self, name: str) -> str:
        template = self.kept.get(name) or self.template("sqlite")
        target = self.folder / f"{name}.db"
        for suffix in ("", "-wal", "-shm"):
            target.with_name(target.name + suffix).unlink(missing_ok=True)
        shutil.copyfile(make_url(template).database or "", target)
        return f"sqlite:///{target}"

    def _copy_postgresql(self, name: str) -> str:
        template = make_url(self.kept.get(name) or self.template("postgresql"))
        if opened := self.restoring.pop(name, None):
            opened.close()
        with administration() as server:
            server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            server.execute(
                f'CREATE DATABASE "{name}" TEMPLATE "{template.database}" STRATEGY FILE_COPY'
            )
        return template.set(database=name).render_as_string(hide_password=False)

    def template(self, kind: str) -> str:
        """URL of the template."""
        return self.once(kind, lambda: self._make(kind))

    def once(self, name: str, make: Callable[[], str]) -> str:
        """What ``make`` says, such as the URL of what it made: the first who asks calls it, other workers
        wait.
        """
        done = self.folder / f"{name}.url"
        if not done.exists():
            with (self.folder / f"{name}.lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if not done.exists():
                    done.write_text(make())
        return done.read_text()

    def _make(self, kind: str) -> str:
        if kind == "sqlite":
            url = f"sqlite:///{self.folder / 'template.db'}"
        else:
            name = f"anju_template_{uuid.uuid4().hex[:8]}"
            create_hostile(name)
            url = sqlalchemy_url(server_url(), name)
        fill(url)
        if kind == "postgresql":
            pristine.keep(plain_url(make_url(url)))
        return url


def create_hostile(name: str) -> None:
    """An empty database whose collation sorts unlike bytes, where this server has one: paths and
    codes must not depend on how a server was set up.
    """
    collations = (
        "LOCALE_PROVIDER icu ICU_LOCALE 'zh-CN'",
        "LOCALE 'zh_CN.UTF-8'",
        "LOCALE 'en_US.UTF-8'",
    )
    with administration() as server:
        for collation in (*collations, "LOCALE 'C.UTF-8'", ""):
            try:
                server.execute(
                    f"CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING 'UTF8' {collation}"
                )
            except psycopg.Error:
                if not collation:
                    raise
            else:
                return


def fill(url: str) -> None:
    """Bring an empty database up with the deploy step, on the few divisions that tests use; without
    the jobs that it notes as done, as tests tell of their own jobs.
    """
    from app import create_app
    from app.core.db import db
    from app.core.jobs.table import Job
    from app.deploy import deploy

    app = create_app({"SQLALCHEMY_DATABASE_URI": url, "TESTING": True})
    deploy(app, only_divisions=DIVISIONS)
    with app.app_context():
        db.session.execute(delete(Job))
        db.session.commit()
        db.session.remove()
        db.engine.dispose()  # on SQLite the last one who leaves empties the write-ahead log


def server_url() -> str:
    """The PostgreSQL server of this run, see :func:`start_postgresql`."""
    return os.environ["TEST_DATABASE_URL"]


def sqlalchemy_url(server: str, database: str) -> str:
    url = make_url(server).set(drivername="postgresql+psycopg", database=database)
    return url.render_as_string(hide_password=False)


def plain_url(url: URL) -> str:
    """As psycopg reads it."""
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


@contextmanager
def administration() -> Iterator[psycopg.Connection[Any]]:
    """A connection to the server itself, in autocommit: CREATE and DROP DATABASE need that."""
    with psycopg.connect(plain_url(make_url(server_url())), autocommit=True) as connection:
        yield connection


def start_postgresql(folder: Path) -> Any:
    """Start PostgreSQL from the wheel and name it in TEST_DATABASE_URL."""
    server = postgresql.start(
        folder,
        # A test database need not survive the machine.
        {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"},
        keep=False,
    )
    os.environ["TEST_DATABASE_URL"] = server.get_uri()
    return server


class Writes:
    """Knows whether an engine was used for anything but reading since :meth:`reset`, and whether
    tables were made or changed (``shape``).
    """

    READS = (
        "SELECT",
        "BEGIN",
        "PRAGMA",
        "EXPLAIN",
        "SHOW",
        "SAVEPOINT",
        "RELEASE",
        "ROLLBACK",
        "WITH",
    )

    def __init__(self, engine: Engine) -> None:
        self.seen = self.shape = False
        event.listen(engine, "before_cursor_execute", self._look)

    def _look(self, _connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        text = statement.lstrip().upper()
        if not text.startswith(self.READS) or "FOR UPDATE" in text or text.startswith("WITH"):
            self.seen = True
            self.shape |= text.startswith(("CREATE", "ALTER", "DROP", "TRUNCATE"))

    def reset(self) -> None:
        self.seen = self.shape = False
