"""Requests that a client may send twice: its ``Idempotency-Key`` says that they are one.

The line is written before the request is done and completed after it, so that two at the same
moment are not both done. It names what came of the first, and holds nothing of what was sent.
"""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import ColumnElement, SmallInteger, String, delete, select, update
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import now
from app.core.db import Model, db, upsert
from app.core.errors import BadInput, Conflict
from app.core.i18n import _
from app.core.jobs.table import JobContext, daily_job
from app.core.types import UtcDateTime, UuidType

KEPT = dt.timedelta(days=1)
#: A request that is not done after so long has died; it may be sent again.
_GIVEN_UP = dt.timedelta(minutes=2)


class Repeat(Model):
    """One key of one account: ``digest`` of method, address and body; once it is done its status and
    ``result``, the key of what it made.
    """

    __tablename__ = "repeat"

    account_id: Mapped[uuid.UUID] = mapped_column(UuidType, primary_key=True)
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), nullable=False)
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False, default=now)
    status: Mapped[int | None] = mapped_column(SmallInteger)
    result: Mapped[uuid.UUID | None] = mapped_column(UuidType)


def begin(account_id: uuid.UUID, key: str, digest: str) -> Repeat | None:
    """None: it is the first, and to be done now; else what came of the first. Commits.

    :raises BadInput: the key stood for another request.
    :raises Conflict: the first one is still being done.
    """
    given_up = Repeat.status.is_(None) & (Repeat.at <= now() - _GIVEN_UP)
    insert = upsert(db.session, Repeat).values(
        account_id=account_id, key=key, digest=digest, at=now()
    )
    taken = insert.on_conflict_do_update(
        index_elements=["account_id", "key"],
        set_={"digest": digest, "at": now(), "status": None, "result": None},
        where=given_up | (Repeat.at <= now() - KEPT),
    ).returning(Repeat.key)
    first = db.session.scalar(taken) is not None
    query = select(Repeat).where(*_is(account_id, key))
    found = None if first else db.session.scalars(query).one()
    if found is not None:
        db.session.expunge(found)
    db.session.commit()
    if found is not None and found.digest != digest:
        raise BadInput(_("这个 Idempotency-Key 已用于另一个请求，请换一个。"))
    if found is not None and found.status is None:
        raise Conflict(_("同一请求正在处理，请稍后再查结果。"))
    return found


def done(account_id: uuid.UUID, key: str, status: int, result: uuid.UUID) -> None:
    """Keep what came of it. Commits."""
    kept = update(Repeat).where(*_is(account_id, key)).values(status=status, result=result)
    db.session.execute(kept)
    db.session.commit()


def failed(account_id: uuid.UUID, key: str) -> None:
    """Nothing came of it: the same key may be sent again. Commits."""
    db.session.execute(delete(Repeat).where(*_is(account_id, key), Repeat.status.is_(None)))
    db.session.commit()


def _is(account_id: uuid.UUID, key: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return Repeat.account_id == account_id, Repeat.key == key


@daily_job("repeats.tidy", title="清理过期的请求编号")
def tidy(_job: JobContext) -> None:
    """Forget keys that are a day old."""
    db.session.execute(delete(Repeat).where(Repeat.at < now() - KEPT))
