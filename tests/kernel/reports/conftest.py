"""Fixtures of the tests of statistics."""

import math
from contextlib import contextmanager

import pytest
from sqlalchemy import event

from app.access.divisions.regions import Level
from app.core.db import db, read_only
from app.kernel.declare import choice_lists
from app.kernel.declare.register import Register, get_register
from tests import builders
from tests.kernel.reports import country


@pytest.fixture
def lookback() -> Register:
    return get_register("lookback")


@pytest.fixture
def settled(arranged, session):
    """The session over the filled country, see :mod:`tests.kernel.reports.country`; nothing is written."""
    assert arranged is country.settle
    with read_only():
        yield session


@pytest.fixture
def statements(monkeypatch):
    """``with statements() as seen:`` the SQL that reads or writes, transactions left out, and what is asked
    again every few seconds where no request tells it.
    """
    monkeypatch.setattr(choice_lists, "_KEEP_SECONDS", math.inf)

    @contextmanager
    def watch():
        choice_lists.version()
        seen = []

        def note(_connection, _cursor, statement, *_rest):
            if not statement.startswith(("BEGIN", "PRAGMA", "COMMIT", "ROLLBACK")):
                seen.append(statement)

        event.listen(db.engine, "before_cursor_execute", note)
        try:
            yield seen
        finally:
            event.remove(db.engine, "before_cursor_execute", note)

    return watch


@pytest.fixture
def county(session):
    return builders.seat(Level.COUNTY)
