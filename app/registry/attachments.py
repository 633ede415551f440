"""Photos and papers: rows owned by a record, bytes in the store. Reached only through the owner."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import Index, Integer, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from app.access.scope import Scoped
from app.core.clock import now, uuid7
from app.core.db import Model
from app.core.types import NfcText, UtcDateTime, UuidType


class Attachment(Scoped, Model):
    """One file of one field of one record. ``key`` names the bytes in :mod:`app.core.storage`."""

    __tablename__ = "attachment"
    __table_args__ = (Index("ix_attachment_owner", "record_id", "field", "position"),)

    id: Mapped[uuid.UUID] = mapped_column(UuidType, primary_key=True, default=uuid7)
    register: Mapped[str] = mapped_column(String(32), nullable=False)
    record_id: Mapped[uuid.UUID] = mapped_column(UuidType, nullable=False)
    field: Mapped[str] = mapped_column(String(64), nullable=False)
    position: Mapped[int] = mapped_column(SmallInteger, nullable=False, default=0)
    name: Mapped[str] = mapped_column(NfcText(200), nullable=False)
    mime: Mapped[str] = mapped_column(String(64), nullable=False)
    size: Mapped[int] = mapped_column(Integer, nullable=False)
    key: Mapped[str] = mapped_column(String(80), nullable=False, unique=True)
    sha256: Mapped[str] = mapped_column(String(64), nullable=False)
    added_by: Mapped[uuid.UUID] = mapped_column(UuidType, nullable=False)
    added_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False, default=now)
