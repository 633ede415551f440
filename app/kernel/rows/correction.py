"""Bulk corrections of one field, what became of each record, and what is kept as a rule for later ones."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from app.core.choices import Choices
from app.core.clock import now, uuid7
from app.core.db import Model
from app.core.types import CodeType, NfcText, PathType, UtcDateTime, UuidType

LONGEST_REASON = 200
LONGEST_VALUE = 1000


class Fate(Choices):
    """What became of a record of a correction."""

    WAITING = "waiting", "待处理"
    CHANGED = "changed", "已更正"
    SKIPPED = "skipped", "未更正"
    UNDONE = "undone", "已撤销"
    STAYS = "stays", "未撤销"


class Correction(Model):
    """One field of the records that a list found, corrected by an account: ``pairs`` are the old values and
    the new ones as forms have them (``{"all": true}``: whatever is said); ``asked`` the list's address,
    ``subject`` that in words. ``path`` is the area of the account; whoever looks asks for it.
    """

    __tablename__ = "correction"
    __table_args__ = (Index("ix_correction_made", "register", "made_at"),)

    id: Mapped[uuid.UUID] = mapped_column(UuidType, primary_key=True, default=uuid7)
    register: Mapped[str] = mapped_column(String(32), nullable=False)
    field: Mapped[str] = mapped_column(String(64), nullable=False)
    pairs: Mapped[list[list[Any]]] = mapped_column(JSON, nullable=False)
    asked: Mapped[list[list[str]]] = mapped_column(JSON, nullable=False)
    subject: Mapped[str] = mapped_column(NfcText(1000), nullable=False)
    reason: Mapped[str] = mapped_column(NfcText(LONGEST_REASON), nullable=False)
    region_id: Mapped[int] = mapped_column(ForeignKey("region.id"), nullable=False)
    path: Mapped[str] = mapped_column(PathType, nullable=False)
    account_id: Mapped[uuid.UUID] = mapped_column(UuidType, nullable=False)
    account_name: Mapped[str] = mapped_column(NfcText(128), nullable=False)
    #: What the account had seen: what was changed later is left alone.
    seen_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False)
    made_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False, default=now)
    done_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    undone_by: Mapped[str | None] = mapped_column(NfcText(128))
    undone_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    job_id: Mapped[uuid.UUID | None] = mapped_column(UuidType)


class CorrectedRow(Model):
    """One record of a correction: what it said ``before`` in all fields that the correction changed, the
    ``version`` that it had then, and why it was left alone.
    """

    __tablename__ = "corrected_row"
    __table_args__ = (Index("ix_corrected_row_fate", "correction_id", "fate", "position"),)

    correction_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("correction.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    record_id: Mapped[uuid.UUID] = mapped_column(UuidType, nullable=False)
    fate: Mapped[Fate] = mapped_column(CodeType(Fate), nullable=False, default=Fate.WAITING)
    before: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    version: Mapped[int | None] = mapped_column(Integer)
    note: Mapped[str | None] = mapped_column(NfcText(300))


class StandingRule(Model):
    """A correction that holds for what is saved and imported later at or below ``path``: where ``field``
    would become ``old`` it becomes ``new``. Who made it, when, why; who switched it off.
    """

    __tablename__ = "standing_rule"
    __table_args__ = (Index("ix_standing_rule_register", "register", "off_at"),)

    id: Mapped[uuid.UUID] = mapped_column(UuidType, primary_key=True, default=uuid7)
    register: Mapped[str] = mapped_column(String(32), nullable=False)
    field: Mapped[str] = mapped_column(String(64), nullable=False)
    old: Mapped[Any] = mapped_column(JSON, nullable=False)
    new: Mapped[Any] = mapped_column(JSON(none_as_null=True), nullable=True)
    reason: Mapped[str] = mapped_column(NfcText(LONGEST_REASON), nullable=False)
    region_id: Mapped[int] = mapped_column(ForeignKey("region.id"), nullable=False)
    path: Mapped[str] = mapped_column(PathType, nullable=False)
    account_name: Mapped[str] = mapped_column(NfcText(128), nullable=False)
    made_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False, default=now)
    off_by: Mapped[str | None] = mapped_column(NfcText(128))
    off_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


__all__ = ["CorrectedRow", "Correction", "Fate", "StandingRule"]
