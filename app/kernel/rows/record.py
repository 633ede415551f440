"""What every record has: a key, a place, a version; what a reviewed one has besides; its history."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any, ClassVar

from sqlalchemy import JSON, Index, Integer, String
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from app.access.scope import Hides, Scoped
from app.core.choices import Choices
from app.core.clock import now, uuid7
from app.core.db import Model
from app.core.types import CodeSetType, CodeType, NfcText, UtcDateTime, UuidType
from app.kernel.declare import feed
from app.kernel.declare import fields as f
from app.kernel.declare.flow import State


class Standing(Choices):
    """How a household that split off stands on the list (spec 02 "Split households"); None: it did
    not split off.
    """

    PENDING = "pending", "分户，主户待审核"
    COUNTED = "counted", "分户"


class Record(f.Declared, Scoped):
    """A row of a register. ``version`` is what a form saw: a save of an older one conflicts."""

    id: Mapped[uuid.UUID] = mapped_column(UuidType, primary_key=True, default=uuid7)
    version: Mapped[int] = mapped_column(Integer, nullable=False, default=1)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False, default=now)
    changed_at: Mapped[dt.datetime] = mapped_column(
        UtcDateTime, nullable=False, default=now, onupdate=now
    )

    #: Does it count for its household? Of registers that renew records, one of several does.
    current: ClassVar[Any] = True
    #: Since when it is hidden, of registers that keep what is deleted (``Lasting``).
    hidden_on: ClassVar[Any] = None
    #: Did its household split off? Records of the list's households know.
    standing: ClassVar[Any] = None

    @property
    def said_at(self) -> dt.datetime:
        """When the record said what it says: its choices show the texts of that time."""
        return self.changed_at

    @property
    def state(self) -> State:
        """A record that nobody reviews is entered as soon as there is one."""
        return State.DRAFT

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:
        return {"version_id_col": cls.__table__.c.version} if hasattr(cls, "__table__") else {}


def indexes(table: str) -> tuple[Index, ...]:
    """What every list of one reviewed record a household needs, and the API that tells what changed."""
    return (
        Index(f"ix_{table}_place", "path", "id"),
        Index(f"ix_{table}_state", "state", "path", "id"),
        Index(f"ix_{table}_household", "household_id", unique=True),
        *feed.indexes(table),
    )


class Owned:
    """A record that belongs to the account that entered it (谁录入谁管理); None: to the managers."""

    entered_by: Mapped[uuid.UUID | None] = mapped_column(UuidType)
    entered_name: Mapped[str] = mapped_column(NfcText(128), nullable=False, default="")


class Keyed:
    """A record of which there is one alone: ``unique_key`` says of what, as its register's ``key`` does
    (:mod:`app.kernel.records.keys`); None while that is not known. Its index decides between two who
    enter the same at one moment.
    """

    unique_key: Mapped[str | None] = mapped_column(String(80))


class Lasting(f.Declared, Hides):
    """A record that nobody erases (永久保存): a delete hides it with its files, and says who did it and why
    (:mod:`app.kernel.records.hiding`). Its register says ``keeps``.
    """

    hidden_on = f.system(f.date("删除日期"))
    hidden_by = f.system(f.text("删除人", 128))
    hidden_why = f.system(f.text("删除原因", 1000))


def unique_key(table: str) -> Index:
    """The index of a ``Keyed`` table; it stands in ``__table_args__``."""
    return Index(f"uq_{table}_key", "unique_key", unique=True)


class OfHousehold(Record):
    """A record about a household. It carries a copy of the head's names and number, so that its
    ledger needs no join; the kernel keeps the copies right.
    """

    household_id: Mapped[uuid.UUID] = mapped_column(UuidType, nullable=False)

    head_name = f.system(f.person("户主姓名"), default="")
    head_id = f.system(f.id_number("身份证号"))
    head_id.length = 32  # a copy of the household's, where wrong numbers come in too
    former_head = f.system(f.person("原户主"))  # the issued head, where another one is head now
    standing = f.system(f.choice("分户情况", Standing))


class NamesHousehold(Record):
    """A record about a household that users make: whom it is about its form says, once or several
    times. ``household_id``: the listed household that has this number, None where none has; the
    kernel finds it at each save (:mod:`app.kernel.records.named_households`). What the household becomes
    later changes nothing of what such a record says.
    """

    household_id: Mapped[uuid.UUID | None] = mapped_column(UuidType)

    head_name = f.person("户主姓名")
    head_id = f.id_number("身份证号")
    head_id.length = 32  # wrong numbers come in too


class Submitted(Record):
    """A record that is entered, submitted, reviewed (spec 00 "States of a record"), whatever it is about."""

    submitted_by: Mapped[uuid.UUID | None] = mapped_column(UuidType)
    submitted_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    decided_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)

    @property
    def said_at(self) -> dt.datetime:
        """Its last submission; a decision or a move changes nothing of what it says."""
        return self.submitted_at or self.changed_at

    state = f.system(f.choice("填报状态", State, leaves_out=("checking",)), default=State.MISSING)

    @property
    def blank(self) -> bool:
        """A form was opened for it, and nothing saved yet."""
        return not self.current and self.state == State.MISSING

    @property
    def superseded(self) -> bool:
        """A later one counts."""
        return not self.current and self.state != State.MISSING


class Reviewed(Submitted, OfHousehold):
    """A record of a household of a list that is submitted and reviewed. Unless a register says other
    ``__table_args__``, a household has one record and lists find it by place and by state.
    """

    @declared_attr.directive
    def __table_args__(cls: Any) -> tuple[Index, ...]:
        return indexes(cls.__tablename__)


class Renewed(Reviewed):
    """A record that nobody changes once it is approved: a later one follows it (spec 03). Of a
    household's records the ``current`` one counts; a new one becomes that when it is first saved
    (app.kernel.records.renewals).
    """

    current = f.system(f.yes_no("最新记录"), default=True)
    predecessor_id: Mapped[uuid.UUID | None] = mapped_column(UuidType)
    year = f.system(f.year("监测年度"))
    #: Is it the newest of its year? A household counts once in a year's figures.
    newest_of_year = f.system(f.yes_no("年度最新记录"), default=False)


class HistoryEntry(Scoped, Model):
    """One step of a record: who, when, from where to where, opinion, and at a submission what
    the record said (``snapshot``: field -> text value as in forms).
    """

    __tablename__ = "history_entry"
    __table_args__ = (Index("ix_history_entry_record", "record_id", "at"),)

    id: Mapped[uuid.UUID] = mapped_column(UuidType, primary_key=True, default=uuid7)
    register: Mapped[str] = mapped_column(String(32), nullable=False)
    record_id: Mapped[uuid.UUID] = mapped_column(UuidType, nullable=False)
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False, default=now)
    step: Mapped[str] = mapped_column(String(32), nullable=False)
    label: Mapped[str] = mapped_column(NfcText(32), nullable=False)
    source: Mapped[State] = mapped_column(CodeType(State), nullable=False)
    target: Mapped[State] = mapped_column(CodeType(State), nullable=False)
    account_id: Mapped[uuid.UUID] = mapped_column(UuidType, nullable=False)
    account_name: Mapped[str] = mapped_column(NfcText(128), nullable=False)
    person: Mapped[str] = mapped_column(NfcText(64), nullable=False, default="")
    phone: Mapped[str] = mapped_column(NfcText(32), nullable=False, default="")
    opinion: Mapped[str | None] = mapped_column(NfcText(1000))
    reasons: Mapped[tuple[str, ...] | None] = mapped_column(CodeSetType)
    snapshot: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    #: The stage that the step concerns, of records that have some (app.kernel.declare.stages).
    stage: Mapped[str | None] = mapped_column(String(32))


class Draft(Model):
    """Autosaved typing of one account on one record: touches no record and no counter."""

    __tablename__ = "draft"

    account_id: Mapped[uuid.UUID] = mapped_column(UuidType, primary_key=True)
    record_id: Mapped[uuid.UUID] = mapped_column(UuidType, primary_key=True)
    register: Mapped[str] = mapped_column(String(32), nullable=False)
    base_version: Mapped[int] = mapped_column(Integer, nullable=False)
    values: Mapped[dict[str, Any]] = mapped_column(JSON, nullable=False)
    saved_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False, default=now)


class Habit(Model):
    """What an account used last in a register, offered again and never counted as typed: values of
    fields (``fields``: name -> text as in forms), and how often it gave each reason for a return.
    """

    __tablename__ = "habit"

    account_id: Mapped[uuid.UUID] = mapped_column(UuidType, primary_key=True)
    register: Mapped[str] = mapped_column(String(32), primary_key=True)
    fields: Mapped[dict[str, Any]] = mapped_column(JSON, nullable=False, default=dict)
    reasons: Mapped[dict[str, int]] = mapped_column(JSON, nullable=False, default=dict)
