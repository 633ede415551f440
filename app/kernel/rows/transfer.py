"""A request that a household moves to another division (spec 02 "Moves"), and what was said to it.

A request belongs to two places, so no row of it lies in one: who may read it is said by
:func:`visible`, which every reader asks.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    ForeignKey,
    Index,
    String,
    and_,
    false,
    func,
    or_,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.access.actor import Actor, Capability
from app.access.divisions.regions import Level, in_subtree, within
from app.core.choices import Choices
from app.core.clock import now, uuid7
from app.core.db import Model, only_where
from app.core.types import CodeType, NfcText, PathType, UtcDateTime, UuidType
from app.kernel.declare.register import all_registers

_LABEL = 3  # characters of one step of a path above the village, its dot included


class TransferState(Choices):
    """Where a request stands."""

    WAITING = "waiting", "待审批"
    MOVED = "moved", "已迁入"
    REFUSED = "refused", "未同意"
    WITHDRAWN = "withdrawn", "已撤回"


class Side(Choices):
    """For whom an account answers: one of two counties, or all that lies in both."""

    FROM = "from", "迁出地"
    TO = "to", "迁入地"
    WHOLE = "whole", "共同上级"


class Word(Choices):
    """What was said."""

    ASKED = "asked", "提出申请"
    AGREED = "agreed", "同意"
    REFUSED = "refused", "不同意"
    WITHDRAWN = "withdrawn", "撤回申请"


class Transfer(Model):
    """One request. A household has at most one that waits.

    ``register`` and ``record_id`` name the record whose form asked; ``kept`` is what the form said
    before, as text, which comes back if nothing becomes of it. Where the receiving side asked, the
    record stays as it is, and ``kept`` is what it will say there.
    """

    __tablename__ = "transfer"
    __table_args__ = (
        Index("ix_transfer_from", "from_path", "asked_at"),
        Index("ix_transfer_to", "to_path", "asked_at"),
        Index("ix_transfer_state", "state", "asked_at", "id"),
        Index("ix_transfer_household", "household_id", "asked_at"),
        Index(
            "ix_transfer_waiting", "household_id", unique=True, **only_where("state = 'waiting'")
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(UuidType, primary_key=True, default=uuid7)
    register: Mapped[str] = mapped_column(String(32), nullable=False)
    record_id: Mapped[uuid.UUID] = mapped_column(UuidType, nullable=False)
    household_id: Mapped[uuid.UUID] = mapped_column(UuidType, nullable=False)
    from_region_id: Mapped[int] = mapped_column(ForeignKey("region.id"), nullable=False)
    from_path: Mapped[str] = mapped_column(PathType, nullable=False)
    to_region_id: Mapped[int] = mapped_column(ForeignKey("region.id"), nullable=False)
    to_path: Mapped[str] = mapped_column(PathType, nullable=False)
    state: Mapped[TransferState] = mapped_column(
        CodeType(TransferState), nullable=False, default=TransferState.WAITING
    )
    asked_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False, default=now)
    asked_by: Mapped[uuid.UUID] = mapped_column(UuidType, nullable=False)
    from_agreed_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    to_agreed_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    ended_by: Mapped[Side | None] = mapped_column(CodeType(Side))
    kept: Mapped[dict[str, Any]] = mapped_column(JSON, nullable=False, default=dict)
    #: FROM: its form asked; TO: the village that it is to come to did, by the ID number (spec 03).
    asked_side: Mapped[Side] = mapped_column(CodeType(Side), nullable=False, default=Side.FROM)
    #: Whom alone it is about, where that is a member of the household.
    member_id: Mapped[uuid.UUID | None] = mapped_column(UuidType)


class TransferWord(Model):
    """What one account said to a request, with the person behind it; read through the request."""

    __tablename__ = "transfer_word"
    __table_args__ = (Index("ix_transfer_word_transfer", "transfer_id", "at"),)

    id: Mapped[uuid.UUID] = mapped_column(UuidType, primary_key=True, default=uuid7)
    transfer_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("transfer.id", ondelete="CASCADE"), nullable=False
    )
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False, default=now)
    word: Mapped[Word] = mapped_column(CodeType(Word), nullable=False)
    side: Mapped[Side] = mapped_column(CodeType(Side), nullable=False)
    account_id: Mapped[uuid.UUID] = mapped_column(UuidType, nullable=False)
    account_name: Mapped[str] = mapped_column(NfcText(128), nullable=False)
    person: Mapped[str] = mapped_column(NfcText(64), nullable=False, default="")
    phone: Mapped[str] = mapped_column(NfcText(32), nullable=False, default="")
    opinion: Mapped[str | None] = mapped_column(NfcText(1000))


def visible(actor: Actor) -> ColumnElement[bool]:
    """SQL: the requests that the actor may see. The place that a household leaves sees all of its
    own; the place that it is to come to sees what waits, what came, and what itself refused (spec 01,
    exception c), and whatever became of its own requests.
    """
    theirs = Transfer.state.in_((TransferState.WAITING, TransferState.MOVED))
    told = or_(theirs, Transfer.ended_by == Side.TO, Transfer.asked_side == Side.TO)
    return or_(_leaves(actor), and_(_comes(actor), told))


def side_of(actor: Actor, transfer: Transfer) -> Side | None:
    """For which side the actor may answer now; None: not at all.

    Within a county its county decides. Between counties each answers for itself, and the lowest
    division that both lie in decides alone (spec 02 "Moves").
    """
    if transfer.state != TransferState.WAITING or actor.level > Level.COUNTY:
        return None
    if actor.areas(Capability.APPROVE_MOVE, transfer.register) != (actor.path,):
        return None
    leaves, comes = within(transfer.from_path, actor.path), within(transfer.to_path, actor.path)
    if leaves and comes:
        end = len(actor.path) + _LABEL
        apart = transfer.from_path[:end] != transfer.to_path[:end]
        return Side.WHOLE if apart or actor.level == Level.COUNTY else None
    if actor.level == Level.COUNTY:
        if leaves and transfer.from_agreed_at is None:
            return Side.FROM
        if comes and transfer.to_agreed_at is None:
            return Side.TO
    return None


def waits_for(actor: Actor) -> ColumnElement[bool]:
    """SQL: the requests for which :func:`side_of` names a side."""
    approving = [
        register.name
        for register in all_registers()
        if actor.areas(Capability.APPROVE_MOVE, register.name) == (actor.path,)
    ]
    if not approving or actor.level > Level.COUNTY:
        return false()
    leaves, comes = _leaves(actor), _comes(actor)
    if actor.level == Level.COUNTY:
        mine = or_(
            and_(leaves, comes),
            and_(leaves, ~comes, Transfer.from_agreed_at.is_(None)),
            and_(comes, ~leaves, Transfer.to_agreed_at.is_(None)),
        )
    else:
        end = len(actor.path) + _LABEL
        apart = func.substr(Transfer.from_path, 1, end) != func.substr(Transfer.to_path, 1, end)
        mine = and_(leaves, comes, apart)
    waiting = Transfer.state == TransferState.WAITING
    return and_(waiting, Transfer.register.in_(approving), mine)


def _leaves(actor: Actor) -> ColumnElement[bool]:
    return in_subtree(Transfer.from_path, actor.path)


def _comes(actor: Actor) -> ColumnElement[bool]:
    return in_subtree(Transfer.to_path, actor.path)
