"""The audit log is only added to (spec 01): who, what, where, whatever becomes of the request."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DBAPIError

from app.access.audit import log as audit
from app.access.audit.log import Act, AuditEntry
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


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entry SET act = 'login'",
        "UPDATE audit_entry SET detail = NULL",
        "UPDATE audit_entry SET account_name = 'nobody', path = '0.'",
        "DELETE FROM audit_entry",
        pytest.param(
            "INSERT OR REPLACE INTO audit_entry SELECT * FROM audit_entry",
            marks=pytest.mark.only_on("sqlite"),
        ),
        pytest.param("TRUNCATE audit_entry", marks=pytest.mark.only_on("postgresql")),
        pytest.param("TRUNCATE audit_entry CASCADE", marks=pytest.mark.only_on("postgresql")),
    ],
)
def test_the_database_itself_keeps_it(session: Any, entry: AuditEntry, statement: str) -> None:
    with pytest.raises(DBAPIError, match="only added to"):
        session.execute(text(statement))
    session.rollback()
    kept = session.execute(select(AuditEntry)).scalars().one()
    assert (kept.act, kept.detail) == (Act.UPDATE, {"a": 1})


def test_an_entry_follows_its_division(session: Any, entry: AuditEntry) -> None:
    session.execute(text("UPDATE audit_entry SET path = '0.01.'"))
    session.commit()
    session.expire_all()
    assert session.scalars(select(AuditEntry.path)).all() == ["0.01."]
