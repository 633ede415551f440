"""Fixtures of the whole suite.

``pytest`` runs on SQLite, ``pytest --db sqlite,postgresql`` on both: each test of pages on one
of them, all others on each (:func:`on_one`). PostgreSQL comes from TEST_DATABASE_URL (a server where
databases may be made) or from the wheel that the dev lock names.

- ``app``     the program on a database that nobody else uses and that is as after the deploy step
- ``session`` its database session inside an application context, for tests below the web layer
- ``client``  Flask's test client; don't mix it with ``session``: open ``app.app_context()`` around
  what you arrange, and close it before the request, or both share one ``g``
- ``server``  a real process over HTTP, with ``server.app`` on the same database
- ``page``    a Playwright page in Chromium, Chinese, 1366 px; fails the test on console errors
- ``engine``  on an empty database of that kind, without the program
- ``assert_accessible(page)`` no axe-core violation; ``assert_accessible(page, "color-contrast")`` of one rule
"""

from __future__ import annotations

import gc
import itertools
import os
import shutil
import tempfile
import uuid
import zlib
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, QueuePool, create_engine

from tests.databases import (
    KINDS,
    Databases,
    Writes,
    administration,
    create_hostile,
    server_url,
    sqlalchemy_url,
    start_postgresql,
)
from tests.running import audited
from tests.running.applications import dispose, make_app

#: The fixtures of what runs beside the tests: servers and Chromium.
pytest_plugins = ["tests.running.servers", "tests.running.browser"]

_SHARED = "ANJU_TEST_FOLDER"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--db", default="sqlite", help="sqlite, postgresql or both with a comma")


def pytest_configure(config: pytest.Config) -> None:
    audited.install()
    unknown = set(kinds(config)) - set(KINDS)
    if unknown:
        raise pytest.UsageError(f"--db: {', '.join(sorted(unknown))}; there are {', '.join(KINDS)}")
    if hasattr(config, "workerinput"):
        return
    folder = Path(tempfile.mkdtemp(prefix="anju-tests-"))
    folder.chmod(0o755)  # PostgreSQL may run as another user
    os.environ[_SHARED] = str(folder)
    os.environ["TEMPLATE_CACHE_DIR"] = str(folder / "templates")  # of all applications and servers
    (folder / "templates").mkdir()
    if "postgresql" in kinds(config) and "TEST_DATABASE_URL" not in os.environ:
        config.stash[_postgresql] = start_postgresql(folder / "postgresql")


def pytest_unconfigure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput") or _SHARED not in os.environ:
        return
    if server := config.stash.get(_postgresql, None):
        server.cleanup()
        del os.environ["TEST_DATABASE_URL"]
    shutil.rmtree(os.environ.pop(_SHARED), ignore_errors=True)


_postgresql = pytest.StashKey[Any]()


def kinds(config: pytest.Config) -> list[str]:
    return [kind.strip() for kind in config.getoption("--db").split(",") if kind.strip()]


def pytest_collection_finish() -> None:
    """What is imported stays: to look through it for garbage again and again is a seventh of a run."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)  # as tools/gunicorn.py does, and for its reasons


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "db_kind" in metafunc.fixturenames:
        metafunc.parametrize("db_kind", kinds(metafunc.config), scope="session", indirect=True)


#: Who asks for one of these asks for pages, answers or files over HTTP. Rights, areas, records and lists have
#: tests of their own below them, which run on every database.
OVER_HTTP = frozenset({"as_account", "browser", "client", "program", "system"})


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> Generator[None]:
    """Leave out the cases of :func:`on_one` that are for another database. Those
    that drive Chromium are marked and come first, so that no long one is last.
    """
    known, left_out = kinds(config), []
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)
        callspec = getattr(item, "callspec", None)  # which tests without a database lack
        kind = callspec.params.get("db_kind") if callspec else None
        if kind is not None and on_one(item, known) not in (None, kind):
            left_out.append(item)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        gone = set(left_out)
        items[:] = [item for item in items if item not in gone]
    yield  # -m and -k choose, and cases are grouped by database
    items.sort(key=lambda item: item.get_closest_marker("browser") is None)


def on_one(item: pytest.Item, known: list[str]) -> str | None:
    """The database that a case is for, None: each. What only one database does is marked ``only_on``. A
    test over HTTP runs on one of them, by its name, so that each database answers half of the pages; so
    does one marked ``one_database``, and not one marked ``both_databases`` (the mark nearest to the test
    counts). With ``turn=0`` and ``turn=1`` it goes by the parameters alone: of two tests with the same
    ones, each runs on another database. A module whose tests share a server has one.
    """
    if only := item.get_closest_marker("only_on"):
        return str(only.args[0])
    callspec: Any = getattr(item, "callspec", None)
    asked: set[str] = set(getattr(item, "fixturenames", ()))
    marks = (m for m in item.iter_markers() if m.name in ("one_database", "both_databases"))
    mark = next(marks, None)
    if mark.name == "both_databases" if mark else OVER_HTTP.isdisjoint(asked):
        return None
    name, turn = item.nodeid.replace(callspec.params["db_kind"], ""), 0
    if "server" in asked:  # which all tests of a module share
        name = name.partition("::")[0]
    if mark and "turn" in mark.kwargs:
        name, turn = name.partition("[")[2], mark.kwargs["turn"]
    return known[(zlib.crc32(name.encode()) + turn) % len(known)]


# --- what a run cost ------------------------------------------------------------------------------


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """A line a folder: its cases, and the seconds of all workers together."""
    cases: Counter[str] = Counter()
    seconds: Counter[str] = Counter()
    for report in itertools.chain.from_iterable(terminalreporter.stats.values()):
        if not isinstance(report, pytest.TestReport):
            continue
        folder = report.nodeid.partition("::")[0].rpartition("/")[0]
        cases[folder] += report.when == "call"
        seconds[folder] += report.duration
    if len(cases) > 1:
        terminalreporter.section("cases and seconds of all workers")
        for folder, n in seconds.most_common():
            terminalreporter.line(f"{cases[folder]:6}  {n:7.0f} s  {folder}")


# --- databases ------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def db_kind(request: pytest.FixtureRequest) -> str:
    """``sqlite`` or ``postgresql``: every test that asks for it, or for ``app``, runs on each."""
    return request.param


@pytest.fixture(scope="session")
def databases() -> Databases:
    return Databases(Path(os.environ[_SHARED]) / "databases")


@pytest.fixture
def database_url(db_kind: str, tmp_path: Path) -> Iterator[str]:
    """An empty database, for tests that need no application."""
    if db_kind == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    name = f"anju_empty_{uuid.uuid4().hex[:12]}"
    create_hostile(name)
    yield sqlalchemy_url(server_url(), name)
    with administration() as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on an empty database."""
    made = create_engine(database_url)
    yield made
    made.dispose()


@dataclass
class Bed:
    """One application of this worker with its database."""

    app: Flask
    name: str
    kind: str
    writes: Writes


#: Fills a database, inside an application context.
Arrange = Callable[[], object]
Beds = dict[tuple[str, Arrange | None], Bed]


@pytest.fixture(scope="session")
def beds() -> Iterator[Beds]:
    """The applications of this worker by kind and by what filled their database, that of the last test
    last: FAB takes half a second to make one.
    """
    beds: Beds = {}
    yield beds
    for bed in beds.values():
        dispose(bed.app)


@pytest.fixture(scope="session")
def worker() -> str:
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


def make_bed(
    kind: str, name: str, arrange: Arrange | None, databases: Databases, files: Path
) -> Bed:
    from app.core.db import db

    made = make_app(databases.copy(kind, name), files)
    if arrange is not None:
        with made.app_context():
            arrange()
        dispose(made)
        databases.keep(kind, name)
    with made.app_context():
        return Bed(made, name, kind, Writes(db.engine))


def anew(bed: Bed, databases: Databases) -> None:
    """The bed's database as when the bed was made."""
    from app.core.db import db

    with bed.app.app_context():
        pool = db.engine.pool
        left = isinstance(pool, QueuePool) and pool.checkedout()
    if left or bed.writes.shape or not databases.restore(bed.kind, bed.name):
        dispose(bed.app)
        databases.copy(bed.kind, bed.name)


def learn(app: Flask) -> None:
    """What a process asks its database once: else whichever request comes first has one statement more."""
    from app.core.db import db
    from app.kernel.declare.register import all_registers
    from app.kernel.figures import state as figures
    from app.kernel.figures.tally import slot_of

    with app.app_context():
        figures.forget()
        figures.incomplete(all_registers()[0])
        slot_of("household", "total")
        db.session.remove()


@pytest.fixture
def arranged() -> Arrange | None:
    """What ``app`` finds in its database. A file of tests that all begin with the same rows says which
    function makes them: they are made once a worker.
    """
    return None


@pytest.fixture
def app(
    db_kind: str,
    arranged: Arrange | None,
    beds: Beds,
    databases: Databases,
    worker: str,
    tmp_path: Path,
) -> Iterator[Flask]:
    from app.core.db import db
    from app.core.files.storage import init_storage, storage

    last, bed = next(reversed(beds.values()), None), beds.pop((db_kind, arranged), None)
    if bed is None:
        name = f"anju_{worker}_{os.getpid()}_{len(beds)}"
        bed = make_bed(db_kind, name, arranged, databases, tmp_path / "files")
    elif bed.writes.seen:
        anew(bed, databases)
    if bed is not last or bed.writes.seen:
        learn(bed.app)
    beds[db_kind, arranged] = bed
    bed.writes.reset()
    bed.app.config["STORAGE_DIR"] = str(tmp_path / "files")
    init_storage(bed.app)
    with bed.app.app_context():
        storage().prepare()
    yield bed.app
    with bed.app.app_context():
        db.session.remove()


@pytest.fixture
def session(app: Flask) -> Iterator[Any]:
    """The database session, in an application context; no actor acts, so scoped tables show no rows."""
    from app.core.db import db

    with app.app_context():
        yield db.session
        db.session.rollback()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def as_account(app: Flask) -> Callable[..., Any]:
    """``as_account(builders.TOWN_CLERK)``: a new account of that kind, signed in."""

    from tests import builders
    from tests.hands import Hands

    def sign_in(who: Any, place: Any = None) -> Hands:
        return Hands(app, builders.sign_in(app, who, place))

    return sign_in


@pytest.fixture(autouse=True)
def pages_hold_no_lock() -> Iterator[None]:
    """In every test: nobody waits for a page to be made."""
    from tests.core import locks

    locks.made_meanwhile()
    yield
    assert locks.made_meanwhile() == [], (
        "made within a transaction, or while the database is locked"
    )
