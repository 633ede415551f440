"""Open sessions: one row for each sign-in, read together with its account at every request.

A session without its row is over. So ending one is deleting a row, and it holds in every worker.
"""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import ForeignKey, String, delete, select, update
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import now
from app.core.db import Model, db
from app.core.types import NfcText, UtcDateTime, UuidType

#: ``seen`` is written at most so often: what it is for can do with minutes.
SEEN_EVERY = dt.timedelta(minutes=5)
_KEPT = dt.timedelta(days=1)


class OpenSession(Model):
    """One sign-in of an account: from which device and address, since when, last seen."""

    __tablename__ = "open_session"

    id: Mapped[uuid.UUID] = mapped_column(UuidType, primary_key=True, default=uuid.uuid4)
    account_id: Mapped[int] = mapped_column(
        ForeignKey("ab_user.id", ondelete="CASCADE"), nullable=False, index=True
    )
    since: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False, default=now)
    seen: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False, default=now)
    address: Mapped[str] = mapped_column(String(64), nullable=False, default="")
    device: Mapped[str] = mapped_column(NfcText(64), nullable=False, default="")


def begin(account_id: int, address: str, device: str) -> OpenSession:
    """A new session; those of the account that ended by themselves go. The caller commits."""
    db.session.execute(
        delete(OpenSession).where(
            OpenSession.account_id == account_id, OpenSession.seen < now() - _KEPT
        )
    )
    made = OpenSession(id=uuid.uuid4(), account_id=account_id, address=address, device=device)
    db.session.add(made)
    return made


def of(account_id: int, idle: dt.timedelta) -> list[OpenSession]:
    """The account's sessions that are alive, last seen first."""
    alive = OpenSession.seen > now() - idle - SEEN_EVERY
    query = select(OpenSession).where(OpenSession.account_id == account_id, alive)
    return list(db.session.scalars(query.order_by(OpenSession.seen.desc(), OpenSession.id)))


def see(key: uuid.UUID) -> None:
    """Note that it is used now; the caller commits."""
    db.session.execute(update(OpenSession).where(OpenSession.id == key).values(seen=now()))


def drop(key: uuid.UUID) -> None:
    """End the session of a browser that shows its key; the caller commits."""
    db.session.execute(delete(OpenSession).where(OpenSession.id == key))


def end(account_id: int, *, only: uuid.UUID | None = None, but: uuid.UUID | None = None) -> int:
    """End the account's sessions (all, one, or all but one); gives how many. The caller commits."""
    query = delete(OpenSession).where(OpenSession.account_id == account_id)
    if only is not None:
        query = query.where(OpenSession.id == only)
    if but is not None:
        query = query.where(OpenSession.id != but)
    return int(db.session.execute(query).rowcount)
