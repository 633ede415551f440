"""The table of quotas. A row belongs to its receiver, which may lie above the county."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import ForeignKey, Index, Integer, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from app.access.scope import Anywhere
from app.core.clock import now, uuid7
from app.core.db import Model
from app.core.types import UtcDateTime, UuidType


class Quota(Anywhere, Model):
    """``n`` records of a register, of a year and (where a choice divides it) a kind, that ``giver_id`` gave
    the division of the row to do. One row for each: those of divisions that merge are added up
    (app.kernel.quotas.following), and what a division was given goes with it to another giver.
    """

    __tablename__ = "quota"
    __table_args__ = (
        Index("ix_quota_giver", "giver_id", "register", "year"),
        Index("ix_quota_receiver", "region_id", "register", "year"),
    )

    id: Mapped[uuid.UUID] = mapped_column(UuidType, primary_key=True, default=uuid7)
    register: Mapped[str] = mapped_column(String(32), nullable=False)
    giver_id: Mapped[int] = mapped_column(ForeignKey("region.id"), nullable=False)
    year: Mapped[int] = mapped_column(SmallInteger, nullable=False)
    kind: Mapped[str] = mapped_column(String(24), nullable=False)
    n: Mapped[int] = mapped_column(Integer, nullable=False)
    set_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False, default=now)


__all__ = ["Quota"]
