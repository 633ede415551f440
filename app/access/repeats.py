"""Requests that may come twice: a key says that they are one. A client of the API sends it as its
``Idempotency-Key``, a form of a page brings the one that the page was made with.

The key's line is the first write of the transaction that does the request, so that of two at the same
moment the second waits. It names what came of the first, and holds nothing of what was sent.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Executable,
    SmallInteger,
    String,
    Table,
    Text,
    bindparam,
    delete,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import now
from app.core.db import Model, db
from app.core.jobs.table import JobContext, daily_job
from app.core.transactions import stored, transaction
from app.core.types import UtcDateTime, UuidType

KEPT = dt.timedelta(days=1)


class Repeat(Model):
    """One key of one account: ``digest`` of method, address and body, the status of the answer and
    ``result``, the key of what it made; of a page's form ``answer``, where it led to. They are known at
    the end of the transaction whose first write the line is, so none is ever read without them.
    """

    __tablename__ = "repeat"

    account_id: Mapped[uuid.UUID] = mapped_column(UuidType, primary_key=True)
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), nullable=False)
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False, default=now)
    status: Mapped[int | None] = mapped_column(SmallInteger)
    result: Mapped[uuid.UUID | None] = mapped_column(UuidType)
    answer: Mapped[str | None] = mapped_column(Text)


_OUTCOME = Repeat.status, Repeat.result, Repeat.answer
_TABLE: Table = Repeat.metadata.tables[Repeat.__tablename__]
_KEEPING = (
    update(_TABLE)
    .where(_TABLE.c.account_id == bindparam("whose"), _TABLE.c.key == bindparam("named"))
    .values(status=bindparam("status"), result=bindparam("result"), answer=bindparam("answer"))
)


@dataclass(frozen=True)
class Sent:
    """A request that may come twice: whose it is, under which key, and a digest of all that it says."""

    account_id: uuid.UUID
    key: str
    digest: str


@dataclass
class Outcome:
    """What came of a request: the status of its answer, and what the answer is made of. Where no
    status is said, nothing came of it that must not come twice: then the key is free again.
    """

    status: int | None = None
    result: uuid.UUID | None = None
    answer: str | None = None


class Repeated(Exception):
    """The request came before."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__("this request came before")
        self.outcome = outcome


class Reused(Exception):
    """The key stood for another request."""


@contextmanager
def once(sent: Sent | None, files: Sequence[str] = ()) -> Iterator[Outcome]:
    """A transaction that is done once for a key: what is put into the outcome is kept with it. A
    request that is being done at this moment is waited for: the key is its, until it is done or has
    come to nothing. Without a key it is a transaction as any other. ``files`` were stored for it.

    :raises Repeated: before anything is done. :raises Reused: likewise.
    """
    with transaction():
        stored(*files)
        outcome = Outcome()
        if sent is not None:
            _take(sent)
        yield outcome
        if sent is not None:
            _keep(sent, outcome)


def require_first(sent: Sent) -> None:
    """For who refuses before it begins, maybe for what the same request did.

    :raises Repeated: it came before, and was done.
    """
    kept = Repeat.digest == sent.digest, Repeat.at > now() - KEPT
    done = db.session.execute(select(*_OUTCOME).where(*_is(sent), *kept)).first()
    if done is not None:
        raise Repeated(Outcome(*done))


def _take(sent: Sent) -> None:
    moment = now()
    values = {"account_id": sent.account_id, "key": sent.key, "digest": sent.digest}
    values |= {"at": moment, "forgotten": moment - KEPT}
    if db.session.scalar(_taking(db.session.get_bind().dialect.name), values) is not None:
        return
    found = select(Repeat.digest, *_OUTCOME).where(*_is(sent))
    digest, *kept = db.session.execute(found).one()
    raise Repeated(Outcome(*kept)) if digest == sent.digest else Reused


@cache  # made once: as much work as asking it
def _taking(dialect: str) -> Executable:
    insert = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(_TABLE)
    row: dict[str, Any] = {name: bindparam(name) for name in ("account_id", "key", "digest", "at")}
    anew = insert.excluded
    return (
        insert.values(row)
        .on_conflict_do_update(
            index_elements=["account_id", "key"],
            set_={
                "digest": anew.digest, "at": anew.at, "status": None, "result": None, "answer": None
            },
            where=_TABLE.c.at <= bindparam("forgotten", type_=_TABLE.c.at.type),
        )
        .returning(_TABLE.c.key)
    )  # fmt: skip


def _keep(sent: Sent, outcome: Outcome) -> None:
    if outcome.status is None:
        db.session.execute(delete(Repeat).where(*_is(sent)))
        return
    values = {"whose": sent.account_id, "named": sent.key, "status": outcome.status}
    values |= {"result": outcome.result, "answer": outcome.answer}
    db.session.execute(_KEEPING, values)


def _is(sent: Sent) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return Repeat.account_id == sent.account_id, Repeat.key == sent.key


@daily_job("repeats.tidy", title="清理过期的请求编号")
def tidy(_job: JobContext) -> None:
    """Forget keys that are a day old."""
    with transaction():
        db.session.execute(delete(Repeat).where(Repeat.at < now() - KEPT))
