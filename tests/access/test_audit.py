"""The audit log is only added to (spec 01): who, what, where, whatever becomes of the request."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import delete, select, update

from app.access import audit
from app.access.audit import Act, AuditEntry
from app.access.scope import acting_as, unscoped
from tests.builders import VILLAGE_CLERK, actor, household


@pytest.fixture
def entry(session: Any) -> AuditEntry:
    _, survey = household()
    with acting_as(actor(VILLAGE_CLERK)) as clerk:
        made = audit.record(session, Act.UPDATE, register="lookback", row=survey, detail={"a": 1})
        session.commit()
    assert (made.account_id, made.path, made.record_id) == (
        clerk.account_id, survey.path, survey.id,
    )  # fmt: skip
    assert clerk.login in (made.account_name or "")
    return made


def test_an_entry_is_not_changed(session: Any, entry: AuditEntry) -> None:
    entry.detail = {"a": 2}
    with pytest.raises(RuntimeError):
        session.commit()


def test_an_entry_is_not_deleted(session: Any, entry: AuditEntry) -> None:
    session.delete(entry)
    with pytest.raises(RuntimeError):
        session.commit()


@pytest.mark.parametrize("statement", [update(AuditEntry).values(register="x"), delete(AuditEntry)])
def test_nor_many_at_once(session: Any, entry: AuditEntry, statement: Any) -> None:
    with unscoped("even past the scope") as everything, pytest.raises(RuntimeError):
        everything.execute(statement)


def test_an_entry_falls_with_its_change(session: Any) -> None:
    audit.record(session, Act.UPDATE)
    session.flush()
    session.rollback()
    assert session.scalars(select(AuditEntry)).all() == []


def test_a_note_stays_whatever_becomes_of_the_request(session: Any) -> None:
    with acting_as(actor(VILLAGE_CLERK)) as clerk:
        audit.note(Act.REFUSED, detail={"url": "/x"})
    session.rollback()
    (noted,) = session.scalars(select(AuditEntry)).all()
    assert (noted.act, noted.path, noted.detail) == (Act.REFUSED, clerk.path, {"url": "/x"})
