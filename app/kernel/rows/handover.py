"""Requests to take over a record that another account entered (spec 05): asked here, answered there.

The place that a record is to come to sees the request; of the record it sees who and where, nothing
else, until it has come.
"""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import ColumnElement, ForeignKey, Index, String, or_
from sqlalchemy.orm import Mapped, mapped_column

from app.access.actor import Actor
from app.access.divisions.regions import in_subtree
from app.core.choices import Choices
from app.core.clock import now, uuid7
from app.core.db import Model, only_where
from app.core.types import CodeType, NfcText, PathType, UtcDateTime, UuidType


class HandoverState(Choices):
    """How a request stands."""

    WAITING = "waiting", "等待答复"
    AGREED = "agreed", "已同意转出"
    REFUSED = "refused", "未同意转出"
    WITHDRAWN = "withdrawn", "已撤回"


class Handover(Model):
    """One request. ``name`` is the record's, ``number`` its masked ID number; ``county_id`` is where
    it stood when it was asked for.
    """

    __tablename__ = "handover"
    __table_args__ = (
        Index("uq_handover_waiting", "record_id", unique=True, **only_where("state = 'waiting'")),
        Index("ix_handover_from", "from_path", "asked_at"),
        Index("ix_handover_to", "to_path", "asked_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(UuidType, primary_key=True, default=uuid7)
    register: Mapped[str] = mapped_column(String(32), nullable=False)
    record_id: Mapped[uuid.UUID] = mapped_column(UuidType, nullable=False)
    name: Mapped[str] = mapped_column(NfcText(64), nullable=False)
    number: Mapped[str] = mapped_column(NfcText(32), nullable=False, default="")
    from_region_id: Mapped[int] = mapped_column(ForeignKey("region.id"), nullable=False)
    from_path: Mapped[str] = mapped_column(PathType, nullable=False)
    to_region_id: Mapped[int] = mapped_column(ForeignKey("region.id"), nullable=False)
    to_path: Mapped[str] = mapped_column(PathType, nullable=False)
    state: Mapped[HandoverState] = mapped_column(
        CodeType(HandoverState), nullable=False, default=HandoverState.WAITING
    )
    asked_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False, default=now)
    asked_by: Mapped[uuid.UUID] = mapped_column(UuidType, nullable=False)
    asked_name: Mapped[str] = mapped_column(NfcText(128), nullable=False)
    asked_person: Mapped[str] = mapped_column(NfcText(64), nullable=False)
    asked_phone: Mapped[str] = mapped_column(NfcText(32), nullable=False, default="")
    reason: Mapped[str] = mapped_column(NfcText(500), nullable=False)
    answered_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    answered_name: Mapped[str | None] = mapped_column(NfcText(128))
    answered_person: Mapped[str | None] = mapped_column(NfcText(64))
    answered_phone: Mapped[str | None] = mapped_column(NfcText(32))
    answer: Mapped[str | None] = mapped_column(NfcText(500))


def visible(actor: Actor) -> ColumnElement[bool]:
    """SQL: the requests that the actor may see: those of its area, from either side."""
    return or_(in_subtree(Handover.from_path, actor.path), in_subtree(Handover.to_path, actor.path))
