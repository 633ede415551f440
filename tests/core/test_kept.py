"""What is kept for a transaction ends with it, and a savepoint that is rolled back takes back its part."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from app.core.db import JOINED
from app.core.kept import Kept

words: Kept[list[str]] = Kept(list)
others: Kept[set[str]] = Kept(set)


@pytest.fixture
def alone() -> Iterator[Session]:
    """A session that has begun, on a database without tables."""
    engine = create_engine("sqlite://")
    with Session(engine) as made:
        made.connection()
        yield made
    engine.dispose()


@pytest.mark.parametrize("end", [Session.commit, Session.rollback, Session.close])
def test_it_ends_with_the_transaction(alone: Session, end: Callable[[Session], None]) -> None:
    words.of(alone).append("one")
    others.of(alone).add("other")
    assert (words.of(alone), others.of(alone)) == (["one"], {"other"})
    end(alone)
    alone.connection()
    assert (words.of(alone), others.of(alone)) == ([], set())


def test_a_savepoint_that_is_rolled_back_takes_back_its_part(alone: Session) -> None:
    words.of(alone).append("before")
    outer = alone.begin_nested()
    words.of(alone).append("outer")
    with alone.begin_nested() as inner:
        words.of(alone).append("inner")
        others.of(alone).add("inner")
        inner.rollback()
    assert (words.of(alone), others.of(alone)) == (["before", "outer"], set())
    outer.rollback()
    assert words.of(alone) == ["before"]


def test_what_was_kept_within_a_savepoint_stays_after_it(alone: Session) -> None:
    with alone.begin_nested():
        words.of(alone).append("within")
    assert words.of(alone) == ["within"]


def test_a_savepoint_of_a_joined_session_takes_back_what_it_kept_outside(alone: Session) -> None:
    words.of(alone).append("ours")
    with Session(
        alone.connection(), join_transaction_mode="rollback_only", info={JOINED: alone}
    ) as joined:
        savepoint = joined.begin_nested()
        words.of(alone).append("joined")
        words.of(joined).append("its own")
        savepoint.rollback()
        assert (words.of(alone), words.of(joined)) == (["ours"], [])
    assert words.of(alone) == ["ours"]
