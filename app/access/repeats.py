"""Requests that a client may send twice: its ``Idempotency-Key`` says that they are one.

The line is the first write of the transaction that does the request, so that of two at the same
moment the second waits. It names what came of the first, and holds nothing of what was sent.
"""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import ColumnElement, SmallInteger, String, delete, select, update
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import now
from app.core.db import Model, db, upsert
from app.core.errors import BadInput
from app.core.i18n import _
from app.core.jobs.table import JobContext, daily_job
from app.core.types import UtcDateTime, UuidType

KEPT = dt.timedelta(days=1)


class Repeat(Model):
    """One key of one account: ``digest`` of method, address and body, the status of the answer and
    ``result``, the key of what it made.
    """

    __tablename__ = "repeat"

    account_id: Mapped[uuid.UUID] = mapped_column(UuidType, primary_key=True)
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), nullable=False)
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False, default=now)
    status: Mapped[int | None] = mapped_column(SmallInteger)
    result: Mapped[uuid.UUID | None] = mapped_column(UuidType)


def first(account_id: uuid.UUID, key: str, digest: str) -> Repeat | None:
    """The first write of the request's transaction. None: it is the first of its key, and to be done
    now; else what came of the first. One that is being done at this moment is waited for: the key is
    its, until it is done or has come to nothing.

    :raises BadInput: the key stood for another request.
    """
    insert = upsert(db.session, Repeat).values(
        account_id=account_id, key=key, digest=digest, at=now()
    )
    taken = insert.on_conflict_do_update(
        index_elements=["account_id", "key"],
        set_={"digest": digest, "at": now(), "status": None, "result": None},
        where=Repeat.at <= now() - KEPT,
    ).returning(Repeat.key)
    if db.session.scalar(taken) is not None:
        return None
    found = db.session.scalars(select(Repeat).where(*_is(account_id, key))).one()
    if found.digest != digest:
        raise BadInput(_("这个 Idempotency-Key 已用于另一个请求，请换一个。"))
    return found


def done(account_id: uuid.UUID, key: str, status: int, result: uuid.UUID) -> None:
    """Keep what came of it, with it."""
    kept = update(Repeat).where(*_is(account_id, key)).values(status=status, result=result)
    db.session.execute(kept)


def _is(account_id: uuid.UUID, key: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return Repeat.account_id == account_id, Repeat.key == key


@daily_job("repeats.tidy", title="清理过期的请求编号")
def tidy(_job: JobContext) -> None:
    """Forget keys that are a day old."""
    db.session.execute(delete(Repeat).where(Repeat.at < now() - KEPT))
