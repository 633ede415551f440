"""One click is one transaction: what belongs to it, what outlives it, and who may end one."""

from __future__ import annotations

import ast
import io
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, event, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from app.access.limits import LimitCount
from app.access.scope import joined, unscoped
from app.core.clock import now
from app.core.db import db, read_only, set_read_only
from app.core.errors import Invalid, NotFound, TryAgain
from app.core.files.storage import storage
from app.core.transactions import (
    apart,
    attempt,
    give_up,
    orphaned,
    stored,
    supposed,
    transaction,
    tried,
)
from tests.clicks import click

ROOT = Path(__file__).parents[2]
#: They end a transaction elsewhere: of their own, or of the driver.
ENDS = {
    "app/access/audit/log.py": "a note outlives what it stands beside, on a connection of its own",
    "app/core/db.py": "a ping of a connection that has rested",
    "app/core/transactions.py": "the one place",
}


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
    assert ending() == set(ENDS)


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
        set_read_only(value=True)
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


STATEMENTS = [
    insert(LimitCount).values(name="core", key="test", n=1, since=now()),
    update(LimitCount).values(n=2),
    delete(LimitCount),
    select(LimitCount).with_for_update(),
]


@pytest.mark.usefixtures("request_like")
@pytest.mark.parametrize("statement", STATEMENTS)
@pytest.mark.parametrize("reads", [nullcontext, read_only])
def test_without_it_no_statement_writes_or_locks(statement: Any, reads: Any) -> None:
    with reads(), pytest.raises(RuntimeError, match="without a transaction"):
        db.session.execute(statement)
    assert counted() == set()
    with transaction():
        db.session.execute(statement)


@pytest.mark.usefixtures("request_like")
@pytest.mark.parametrize("reads", [nullcontext, read_only])
def test_without_it_no_row_is_written(reads: Any) -> None:
    with reads(), pytest.raises(RuntimeError, match="without a transaction"):
        count("one")


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
    with read_only(value=False), unscoped("somebody else") as session:
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

    assert tried(find_or_count) == 7
    assert tries == [0, 1]


@pytest.mark.usefixtures("request_like")
def test_what_changed_elsewhere_is_tried_as_often_as_is_said() -> None:
    tries = []

    def lose(name: str, often: int) -> int:
        tries.append(count(name))
        if len(tries) <= often:
            raise StaleDataError
        return len(tries)

    assert tried(partial(click, lose, "won", 2), 3) == 3
    tries.clear()
    with pytest.raises(StaleDataError):
        tried(partial(click, lose, "lost", 3), 3)
    assert len(tries) == 3
    assert counted() == {"won"}


@pytest.mark.usefixtures("request_like")
def test_what_is_only_supposed_is_undone() -> None:
    with supposed():
        assert count("supposed").n == 1
    with transaction():
        count("done")
    assert counted() == {"done"}


@pytest.mark.usefixtures("request_like")
def test_nobody_ends_it_inside_and_none_begins_in_another() -> None:
    with pytest.raises(RuntimeError, match="an action commits"), transaction():
        db.session.commit()
    with pytest.raises(RuntimeError, match="within a transaction"), transaction(), transaction():
        pass
    with pytest.raises(RuntimeError, match="by raising"), transaction():
        give_up()
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
