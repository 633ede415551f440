"""What an import said about single rows, kept with its job until that expires."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from sqlalchemy import JSON, Boolean, ForeignKey, Integer, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Model, db
from app.core.transactions import transaction
from app.core.types import NfcText, UuidType


class ImportNote(Model):
    """A rejected or flagged row of one import. ``notes`` is [[column name, message], …];
    ``name`` the head's name, ``household_id`` the household that a flagged row became.
    """

    __tablename__ = "import_note"

    job_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("job.id"), primary_key=True)
    row: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    rejected: Mapped[bool] = mapped_column(Boolean, nullable=False)
    name: Mapped[str] = mapped_column(NfcText(64), nullable=False, default="")
    household_id: Mapped[uuid.UUID | None] = mapped_column(UuidType)
    notes: Mapped[list[list[str]]] = mapped_column(JSON, nullable=False)


def notes_of(
    job_id: uuid.UUID, *, after: int = 0, until: int | None = None, limit: int | None = None
) -> Iterator[ImportNote]:
    """The notes of one import in the order of its rows, streamed; of those between two rows."""
    query = select(ImportNote).where(ImportNote.job_id == job_id).order_by(ImportNote.row)
    if until is not None:
        query = query.where(ImportNote.row <= until)
    last = after
    left = limit
    while left is None or left > 0:
        size = 1000 if left is None else min(1000, left)
        page = list(db.session.scalars(query.where(ImportNote.row > last).limit(size)))
        yield from page
        if len(page) < size:
            return
        last = page[-1].row
        left = None if left is None else left - size
        db.session.expunge_all()


def forget(job_id: uuid.UUID) -> None:
    """Drop the notes of one import."""
    db.session.execute(delete(ImportNote).where(ImportNote.job_id == job_id))


def forget_job(job_id: uuid.UUID) -> None:
    """The job expires: what it said about rows goes with its files."""
    with transaction():
        forget(job_id)


def add(rows: list[dict[str, Any]]) -> None:
    """Keep notes."""
    if rows:
        db.session.execute(ImportNote.__table__.insert(), rows)
