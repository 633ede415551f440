"""Filters of a list that an account keeps under a name, for itself or for a division's accounts."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import JSON, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import now, uuid7
from app.core.db import Model
from app.core.types import NfcText, PathType, UtcDateTime, UuidType

LONGEST_NAME = 30


class SavedFilter(Model):
    """``asked`` are the parameters of the list's address, as pairs. ``path``: the division to whose
    accounts, and those of all below, it is shown; None: to its own account alone.
    """

    __tablename__ = "saved_filter"
    __table_args__ = (
        UniqueConstraint("account_id", "register", "menu", "name", name="uq_saved_filter_name"),
        Index("ix_saved_filter_shared", "path", "register", "menu"),
    )

    id: Mapped[uuid.UUID] = mapped_column(UuidType, primary_key=True, default=uuid7)
    account_id: Mapped[uuid.UUID] = mapped_column(UuidType, nullable=False)
    account_name: Mapped[str] = mapped_column(NfcText(128), nullable=False)
    register: Mapped[str] = mapped_column(String(32), nullable=False)
    menu: Mapped[str] = mapped_column(String(32), nullable=False)
    name: Mapped[str] = mapped_column(NfcText(LONGEST_NAME), nullable=False)
    asked: Mapped[list[list[str]]] = mapped_column(JSON, nullable=False)
    path: Mapped[str | None] = mapped_column(PathType)
    saved_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False, default=now)
