"""What managers want to change in the tree of divisions, and what was changed (spec 01 §Divisions).

A change is *staged*: a line of ``region_change`` says how a division shall be, and nothing else
knows of it until it is published (立即生效). What was published leaves that table and stays in
``region_history``, so that an old code or name is still found.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import JSON, Boolean, Index, Integer, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from app.access.divisions.regions import CODE_LENGTH, Level, LevelType, Region
from app.core.choices import Choices
from app.core.clock import now
from app.core.db import Model
from app.core.types import CodeType, NfcText, PathType, UtcDateTime, UuidType

#: What a manager can set of a division itself, in the order of the form.
VALUES = ("name", "code", "national_code", "sort", "department", "parent_id")


class ChangeKind(Choices):
    """What shall become of a division."""

    ADD = "add", "新增"
    CHANGE = "change", "修改"
    MERGE = "merge", "合并"
    DELETE = "delete", "删除"


class RegionChange(Model):
    """A pending change; at most one a division. ``region_id`` of a new one is its future key.

    Of ADD and CHANGE the columns say the whole wanted state; of MERGE ``into_id`` is the division
    that takes everything over. ``path`` is the division inside which all of it happens: who may
    maintain that one may see, cancel and publish the change.
    """

    __tablename__ = "region_change"
    __table_args__ = (
        Index("ix_region_change_place", "path", "level"),
        Index("ix_region_change_parent", "parent_id"),
        Index("ix_region_change_code", "level", "code"),
        Index("ix_region_change_into", "into_id"),
    )

    region_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    kind: Mapped[ChangeKind] = mapped_column(CodeType(ChangeKind), nullable=False)
    level: Mapped[Level] = mapped_column(LevelType, nullable=False)
    path: Mapped[str] = mapped_column(PathType, nullable=False)
    parent_id: Mapped[int] = mapped_column(Integer, nullable=False)
    code: Mapped[str] = mapped_column(NfcText(CODE_LENGTH), nullable=False)
    national_code: Mapped[str] = mapped_column(NfcText(CODE_LENGTH), nullable=False)
    name: Mapped[str] = mapped_column(NfcText(60), nullable=False)
    sort: Mapped[int] = mapped_column(Integer, nullable=False)
    department: Mapped[str] = mapped_column(NfcText(40), nullable=False)
    into_id: Mapped[int | None] = mapped_column(Integer)
    forced: Mapped[bool] = mapped_column(Boolean, nullable=False, default=False)
    version: Mapped[int] = mapped_column(SmallInteger, nullable=False, default=1)
    made_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False, default=now)
    made_by: Mapped[uuid.UUID] = mapped_column(UuidType, nullable=False)
    made_by_name: Mapped[str] = mapped_column(NfcText(128), nullable=False)


class RegionHistory(Model):
    """What a division was called and where it stood before a change; of ADD, its beginning.

    ``into_id`` is the division that stands for it now: itself, or the one it was merged into; None
    once that is gone. ``path`` is where that one lies, of a deleted one where it lay.
    ``changes`` is {column: [old, new]}.
    """

    __tablename__ = "region_history"
    __table_args__ = (
        Index("ix_region_history_region", "region_id", "at"),
        Index("ix_region_history_into", "into_id"),
        Index("ix_region_history_parent", "parent_id"),
        Index("ix_region_history_code", "code"),
        Index("ix_region_history_name", "name"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    region_id: Mapped[int] = mapped_column(Integer, nullable=False)
    into_id: Mapped[int | None] = mapped_column(Integer)
    kind: Mapped[ChangeKind] = mapped_column(CodeType(ChangeKind), nullable=False)
    level: Mapped[Level] = mapped_column(LevelType, nullable=False)
    path: Mapped[str] = mapped_column(PathType, nullable=False)
    parent_id: Mapped[int | None] = mapped_column(Integer)
    code: Mapped[str] = mapped_column(NfcText(CODE_LENGTH), nullable=False)
    name: Mapped[str] = mapped_column(NfcText(60), nullable=False)
    full_name: Mapped[str] = mapped_column(NfcText(200), nullable=False)
    changes: Mapped[dict[str, Any]] = mapped_column(JSON, nullable=False)
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False, default=now)
    account_id: Mapped[uuid.UUID | None] = mapped_column(UuidType)
    account_name: Mapped[str | None] = mapped_column(NfcText(128))


#: Changes that leave a name or code behind which somebody may still use.
LEFT_BEHIND = (ChangeKind.CHANGE, ChangeKind.MERGE)


def wanted(region: Region) -> dict[str, Any]:
    """The values of a published division as a change would say them."""
    return {name: getattr(region, name) for name in VALUES}


_KEYS = uuid.UUID("0d1f6a0e-7a53-4b3e-8f0e-5d7c2d5a9b11")


def audit_key(region_id: int) -> uuid.UUID:
    """The key under which the audit log keeps what happened to one division."""
    return uuid.uuid5(_KEYS, str(region_id))
