"""Rights that end by themselves (依申请开通; spec 01 §Users "on grant").

The province manager lets a city manager enter data for named counties; a county manager lets an
ordinary user of the county spot-check or approve moves. A register that says itself who enters is opened by
a grant that names it alone (:mod:`app.access.entry`). One row for each division, which names it
by its key: a grant follows its division through renaming and moving.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import ColumnElement, Date, ForeignKey, String, bindparam
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.access.actor import Capability
from app.access.divisions.regions import Region
from app.core.clock import now, today, uuid7
from app.core.db import Model
from app.core.types import CodeType, NfcText, UtcDateTime, UuidType


class Grant(Model):
    """One capability of one account in one division, through the day ``ends_on``: for ``register``, None for
    all that the capability is granted for together.
    """

    __tablename__ = "account_grant"

    id: Mapped[uuid.UUID] = mapped_column(UuidType, primary_key=True, default=uuid7)
    account_id: Mapped[int] = mapped_column(
        ForeignKey("ab_user.id", ondelete="CASCADE"), nullable=False, index=True
    )
    capability: Mapped[Capability] = mapped_column(CodeType(Capability), nullable=False)
    register: Mapped[str | None] = mapped_column(String(32))
    region_id: Mapped[int] = mapped_column(ForeignKey("region.id"), nullable=False)
    ends_on: Mapped[dt.date] = mapped_column(Date, nullable=False)
    reason: Mapped[str] = mapped_column(NfcText(200), nullable=False)
    granted_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False, default=now)
    granted_by: Mapped[uuid.UUID | None] = mapped_column(UuidType)
    granted_by_name: Mapped[str | None] = mapped_column(NfcText(128))
    revoked_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)

    region: Mapped[Any] = relationship(Region, lazy="raise")

    @property
    def open(self) -> bool:
        """Does it hold today?"""
        return self.revoked_at is None and self.ends_on >= today()


def is_open() -> ColumnElement[bool]:
    """:attr:`Grant.open` as SQL; the day is that of the execution, however long a statement lives."""
    day = bindparam("grants_on", callable_=today, type_=Date())
    return Grant.revoked_at.is_(None) & (Grant.ends_on >= day)
