"""What is written is told once, before the commit and before the counters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from sqlalchemy.orm import Session

from app.access.scope import unscoped
from app.kernel import hooks
from app.kernel.declare.flow import State
from app.kernel.figures import counters
from app.modules.surveys.lookback.model import Lookback
from app.modules.surveys.lookback.register import LOOKBACK
from tests.builders import household

Told = list[list[Any]]


@pytest.fixture
def everything(session: Any) -> Iterator[Session]:
    with unscoped("writing is looked at in all rows") as made:
        yield made


@pytest.fixture
def told() -> Iterator[Told]:
    """What a listener is told of surveys, a list each time; it submits every draft that it is told of."""
    before = hooks.written.listeners
    heard: Told = []

    @hooks.written.listen()
    def hear(_registers: tuple[Any, ...], _session: Session, rows: Sequence[Any]) -> None:
        surveys = [row for row in rows if type(row) is Lookback]
        heard.append(surveys)
        for row in surveys:
            row.state = State.SUBMITTED if row.state == State.DRAFT else row.state

    yield heard
    hooks.written.listeners = before


def rows_of(session: Session, number: int) -> list[Any]:
    keys = [household()[1].id for _ in range(number)]
    return [session.get_one(Lookback, key) for key in keys]


def test_rows_are_told_once_a_transaction(everything: Session, told: Told) -> None:
    one, other = rows_of(everything, 2)
    told.clear()
    for state in (State.RETURNED, State.APPROVED):
        one.state = state
        everything.flush()
    everything.delete(other)
    everything.commit()
    assert told == [[one, other]]


def test_nothing_is_told_where_nothing_was_written(everything: Session, told: Told) -> None:
    rows_of(everything, 1)
    told.clear()
    everything.commit()
    assert told == []


def test_what_a_listener_writes_counts_and_is_not_told(everything: Session, told: Told) -> None:
    (row,) = rows_of(everything, 1)
    told.clear()
    row.state = State.DRAFT
    everything.commit()
    assert (told, row.state) == ([[row]], State.SUBMITTED)
    assert counters.kept_counts(everything, LOOKBACK) == counters.live_counts(everything, LOOKBACK)
    everything.commit()
    assert len(told) == 1


def test_what_a_savepoint_took_back_is_not_told(everything: Session, told: Told) -> None:
    one, other = rows_of(everything, 2)
    told.clear()
    one.state = State.RETURNED
    savepoint = everything.begin_nested()
    other.state = State.RETURNED
    everything.flush()
    savepoint.rollback()
    everything.commit()
    assert told == [[one]]


def test_what_is_rolled_back_is_not_told(everything: Session, told: Told) -> None:
    (row,) = rows_of(everything, 1)
    told.clear()
    row.state = State.DRAFT
    everything.flush()
    everything.rollback()
    everything.commit()
    assert told == []
