"""The audit log is only added to (spec 01): who, what, where, whatever becomes of the request."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DBAPIError

from app.access.audit import log as audit
from app.access.audit.log import Act, AuditEntry, Refusals
from app.access.scope import acting_as, unscoped
from app.core.clock import now
from tests.builders import VILLAGE_CLERK, actor, household


@pytest.fixture
def entry(session: Any) -> AuditEntry:
    _, survey = household()
    with acting_as(actor(VILLAGE_CLERK)) as clerk:
        made = audit.record(session, Act.UPDATE, register="lookback", row=survey, detail={"row": 1})
        session.commit()
    assert (made.account_id, made.path, made.record_id) == (
        clerk.account_id, survey.path, survey.id,
    )  # fmt: skip
    assert clerk.login in (made.account_name or "")
    return made


def test_an_entry_is_not_changed(session: Any, entry: AuditEntry) -> None:
    entry.detail = {"row": 2}
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


def refused(*urls: str) -> None:
    for url in urls:
        audit.refused(detail={"url": url})


def a_minute_later(session: Any) -> None:
    with unscoped("tests let time go by") as everything:
        everything.execute(update(Refusals).values(since=now() - dt.timedelta(seconds=61)))
        everything.commit()


def test_refusals_are_gathered_by_the_minute_and_account(session: Any) -> None:
    """The first is told at once, and later how many came after it; nobody hides another's."""
    clerk, neighbour = actor(VILLAGE_CLERK), actor(VILLAGE_CLERK)
    with acting_as(clerk):
        refused("/1", "/2", "/3")
    with acting_as(neighbour):
        refused("/4")
    assert told(session, clerk) == [{"url": "/1"}]
    assert told(session, neighbour) == [{"url": "/4"}]
    a_minute_later(session)
    with acting_as(clerk):
        refused("/5", "/6")
    assert told(session, clerk)[1:] == [{"more_refused": 2}, {"url": "/5"}]
    a_minute_later(session)
    audit.tell_the_rest(None)
    audit.tell_the_rest(None)
    assert told(session, clerk)[3:] == [{"more_refused": 1}]
    assert len(told(session, neighbour)) == 1


def told(session: Any, whose: Any) -> list[Any]:
    """What the log says of an account, by the time of which it tells."""
    mine = select(AuditEntry.detail).where(AuditEntry.account_id == whose.account_id)
    said = list(session.scalars(mine.order_by(AuditEntry.at, AuditEntry.id)))
    session.rollback()
    return said


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
    assert (kept.act, kept.detail) == (Act.UPDATE, {"row": 1})


def test_an_entry_follows_its_division(session: Any, entry: AuditEntry) -> None:
    session.execute(text("UPDATE audit_entry SET path = '0.01.'"))
    session.commit()
    session.expire_all()
    assert session.scalars(select(AuditEntry.path)).all() == ["0.01."]
