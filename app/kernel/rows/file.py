"""Photos and papers: rows owned by a record, bytes in the store. Reached only through the owner.

What a photo says of its own time, place and camera is kept in the row: the stored picture holds
none of it any more.
"""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import DateTime, Double, Index, Integer, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from app.access.scope import Hides, Scoped
from app.core.clock import now, uuid7
from app.core.db import Model
from app.core.types import NfcText, UtcDateTime, UuidType


class Attachment(Scoped, Hides, Model):
    """One file of one field of one record. ``key`` names the bytes in :mod:`app.core.files.storage`,
    ``thumb_key`` those of a small picture of it (NULL in rows from before there were any).

    ``sent_key`` is the sender's name of the file: sent once more, it is the same file.
    ``turned`` is how far it stands turned clockwise from where the camera held it, in degrees.
    ``hidden_on`` is that of its record.
    ``taken_at`` is the camera's own clock, without a zone; ``latitude`` and ``longitude`` are WGS 84.
    """

    __tablename__ = "attachment"
    __table_args__ = (
        Index("ix_attachment_owner", "record_id", "field", "position"),
        Index("uq_attachment_sent", "record_id", "sent_key", unique=True),
        Index("ix_attachment_same", "sha256", "path"),  # app.kernel.beyond.same_photos
    )

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
    thumb_key: Mapped[str | None] = mapped_column(String(80))
    sent_key: Mapped[uuid.UUID | None] = mapped_column(UuidType)
    width: Mapped[int | None] = mapped_column(SmallInteger)
    height: Mapped[int | None] = mapped_column(SmallInteger)
    turned: Mapped[int] = mapped_column(SmallInteger, nullable=False, default=0)
    pages: Mapped[int | None] = mapped_column(SmallInteger)
    taken_at: Mapped[dt.datetime | None] = mapped_column(DateTime)
    latitude: Mapped[float | None] = mapped_column(Double)
    longitude: Mapped[float | None] = mapped_column(Double)
    device: Mapped[str | None] = mapped_column(NfcText(60))

    @property
    def is_photo(self) -> bool:
        return self.mime.startswith("image/")

    @property
    def keys(self) -> list[str]:
        """Every name of its bytes in the store."""
        return [key for key in (self.key, self.thumb_key) if key]
