"""Many rows at once: what goes in is what single rows would be."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.core.bulk import insert_rows
from app.core.clock import now, uuid7
from app.core.jobs.table import Job, JobState

MOMENT = dt.datetime(2024, 9, 7, 4, 5, 6, tzinfo=dt.UTC)


def job(**values: Any) -> dict[str, Any]:
    return {
        "id": uuid7(),
        "kind": "test",
        "subject": "a\tb\\N\n“引号”'",
        "args": {"列": [1, None]},
        "account_id": None,
        "created": MOMENT,
        **values,
    }


def test_values_come_back_and_defaults_are_filled(session: Session) -> None:
    rows = [job(), job(account_id=uuid7(), subject=" 两端空格 ")]
    insert_rows(session.connection(), Job.__table__, rows)
    found = {one.id: one for one in session.scalars(select(Job))}
    first, second = (found[row["id"]] for row in rows)
    assert (first.subject, first.args) == ("a\tb\\N\n“引号”'", {"列": [1, None]})
    assert (first.account_id, second.account_id) == (None, rows[1]["account_id"])
    assert second.subject == "两端空格"
    assert (first.state, first.attempt, first.files) == (JobState.QUEUED, 0, [])
    assert (first.created, first.checkpoint) == (MOMENT, None)
    session.rollback()


def test_defaults_that_are_made_are_made_for_each_row(session: Session) -> None:
    before = now()
    rows = [{"kind": "test"}, {"kind": "test"}]
    insert_rows(session.connection(), Job.__table__, rows)
    one, other = session.scalars(select(Job))
    assert one.id != other.id
    assert before <= one.created <= now()
    session.rollback()


def test_a_second_row_of_one_key_is_refused_like_any(session: Session) -> None:
    twice = job()
    with pytest.raises(IntegrityError):
        insert_rows(session.connection(), Job.__table__, [twice, twice])
    session.rollback()


def test_no_rows_are_no_statement(session: Session) -> None:
    insert_rows(session.connection(), Job.__table__, [])
    assert session.scalar(select(Job.id)) is None
    session.rollback()
