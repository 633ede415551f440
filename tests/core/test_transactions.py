"""One click is one transaction: what belongs to it, what outlives it, and who may end one."""

from __future__ import annotations

import ast
import io
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import event, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.access.limits import LimitCount
from app.access.scope import joined, unscoped
from app.core.clock import now
from app.core.db import begin_reading, db, read_only, set_read_only
from app.core.errors import Invalid, NotFound, TryAgain
from app.core.files.storage import storage
from app.core.transactions import apart, attempt, orphaned, stored, transaction, twice

ROOT = Path(__file__).parents[2]
#: Files of ``app`` that still end transactions themselves; each family that is rewritten leaves.
STILL = frozenset(
    {
        "app/access/audit/log.py",
        "app/admin/accounts/bulk_job.py",
        "app/admin/accounts/exporting.py",
        "app/admin/audit/exporting.py",
        "app/admin/divisions/exporting.py",
        "app/admin/divisions/importing.py",
        "app/commands.py",
        "app/core/db.py",
        "app/core/jobs/table.py",
        "app/core/jobs/worker.py",
        "app/core/transactions.py",
        "app/demo/load.py",
        "app/deploy.py",
        "app/kernel/exchange/ledger_export.py",
        "app/kernel/exchange/marked.py",
        "app/kernel/exchange/notes.py",
        "app/kernel/exchange/pipeline.py",
        "app/kernel/households/exchange/importing.py",
        "app/kernel/households/filling.py",
        "app/kernel/lists/searches.py",
        "app/modules/craftsmen/certificates.py",
        "app/modules/renovation/backfill.py",
        "app/modules/renovation/dossier/overdue.py",
        "app/modules/renovation/plan_years.py",
        "app/modules/surveys/own_houses.py",
        "app/modules/surveys/resettling.py",
        "app/modules/unsafe_homes/backfill.py",
        "app/web/frame/errors.py",
        "app/web/frame/shell.py",
    }
)


def ending() -> set[str]:
    """The files in which something is called ``commit`` or ``rollback``."""
    return {
        str(path.relative_to(ROOT))
        for path in (ROOT / "app").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("commit", "rollback")
    }


def test_only_the_files_that_are_named_end_transactions() -> None:
    assert ending() == STILL


def count(name: str, n: int = 1) -> LimitCount:
    """Any row will do: one of counts, which nothing else looks at."""
    row = LimitCount(name=name, key="test", n=n, since=now())
    db.session.add(row)
    db.session.flush()
    return row


NO = Invalid("no", [])


@contextmanager
def refusal() -> Iterator[None]:
    """What is refused within ends the transaction."""
    with pytest.raises(Invalid) as raised:
        yield
    assert raised.value is NO


def is_there(key: str) -> bool:
    try:
        storage().open(key).close()
    except NotFound:
        return False
    return True


def counted() -> set[str]:
    with read_only(), unscoped("tests look") as session:
        return set(session.scalars(select(LimitCount.name)))


@pytest.fixture
def request_like(app: Flask):
    """As within a request: reading, until somebody says otherwise."""
    with app.app_context():
        begin_reading()
        yield
        db.session.rollback()
        set_read_only(value=False)


@pytest.mark.usefixtures("request_like")
def test_what_is_done_inside_is_there_together_or_not_at_all() -> None:
    with transaction():
        count("one")
        count("two")
        assert counted() == set()
    assert counted() == {"one", "two"}
    with refusal(), transaction():
        count("three")
        raise NO
    assert counted() == {"one", "two"}


@pytest.mark.usefixtures("request_like")
def test_a_step_that_is_refused_leaves_what_was_done_before_it() -> None:
    def step() -> None:
        count("step")
        raise NO

    with transaction():
        count("save")
        refused = attempt(step)
        count("after")
    assert isinstance(refused, Invalid)
    assert counted() == {"save", "after"}


@pytest.mark.usefixtures("request_like")
def test_what_came_in_elsewhere_is_tried_once_more_or_told() -> None:
    with unscoped("somebody else") as session:
        session.add(LimitCount(name="once", key="test", n=7, since=now()))
        session.commit()
    with pytest.raises(TryAgain), transaction():
        count("once")
    tries = []

    def find_or_count() -> int:
        tries.append(len(tries))
        with transaction():
            found = db.session.get(LimitCount, ("once", "test")) if len(tries) > 1 else None
            return (found or count("once")).n

    assert twice(find_or_count) == 7
    assert tries == [0, 1]


@pytest.mark.usefixtures("request_like")
def test_nobody_ends_it_inside_and_none_begins_in_another() -> None:
    with pytest.raises(RuntimeError, match="an action commits"), transaction():
        db.session.commit()
    with pytest.raises(RuntimeError, match="within a transaction"), transaction(), transaction():
        pass
    assert counted() == set()


@pytest.mark.usefixtures("request_like")
@pytest.mark.parametrize("fails", [False, True])
def test_what_is_done_apart_outlives_a_refusal_and_fails_nothing(fails: bool) -> None:
    def note() -> None:
        with unscoped("a note of its own") as session:
            session.add(LimitCount(name="note", key="test", n=1, since=now()))
            session.commit()

    def break_down() -> None:
        raise IntegrityError("INSERT", {}, Exception("it cannot"))

    def act() -> None:
        with transaction():
            count("save")
            apart(break_down)
            apart(note)
            assert counted() == set()
            if fails:
                raise NO

    with refusal() if fails else nullcontext():
        act()
    assert counted() == ({"note"} if fails else {"save", "note"})


@pytest.mark.usefixtures("request_like")
def test_files_follow_their_rows() -> None:
    old, kept = (storage().put(io.BytesIO(b"x"), "txt") for _n in range(2))
    with refusal(), transaction():
        new = storage().put(io.BytesIO(b"new"), "txt")
        stored(new)
        orphaned([kept])
        raise NO
    assert [is_there(key) for key in (old, kept, new)] == [True, True, False]
    with transaction():
        new = storage().put(io.BytesIO(b"new"), "txt")
        stored(new)
        orphaned([old])
    assert [is_there(key) for key in (old, kept, new)] == [False, True, True]


@pytest.mark.usefixtures("request_like")
def test_who_is_joined_sees_what_is_not_committed_and_ends_nothing() -> None:
    with transaction():
        mine = count("mine")
        with joined("tests write elsewhere", writes=True) as session:
            assert session.scalar(select(LimitCount.n)) == 1
            session.add(LimitCount(name="theirs", key="test", n=1, since=now()))
            session.get_one(LimitCount, ("mine", "test")).n = 5
            session.commit()
        assert counted() == set()
        assert mine.n == 5
    assert counted() == {"mine", "theirs"}
    with refusal(), transaction(), joined("tests", writes=True) as session:
        session.add(LimitCount(name="undone", key="test", n=1, since=now()))
        session.flush()
        raise NO
    assert counted() == {"mine", "theirs"}


@pytest.mark.usefixtures("request_like")
def test_the_lock_is_taken_by_the_transaction_alone() -> None:
    begun = []

    def note(_c: object, _cursor: object, text: str, *_more: object) -> None:
        if text.startswith("BEGIN"):
            begun.append(text)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        db.session.scalar(select(LimitCount.n))
        with transaction():
            db.session.scalar(select(LimitCount.n))
        db.session.scalar(select(LimitCount.n))
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    if db.engine.dialect.name == "sqlite":
        assert begun == ["BEGIN", "BEGIN IMMEDIATE", "BEGIN"]
    else:
        assert begun == []
    assert isinstance(db.session(), Session)
