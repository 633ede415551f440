"""What a search in the background found: the keys of its records, in the order of its list.

The records themselves are read when the result is looked at, within the area that the account has
by then: see :mod:`app.kernel.lists.searches`.
"""

from __future__ import annotations

import uuid

from sqlalchemy import Index, Integer
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Model
from app.core.types import UuidType

#: Kind of the jobs whose results these are.
KIND = "ledger.search"


class ResultRow(Model):
    """The record at a position (from 1) of what the job ``search_id`` found."""

    __tablename__ = "result_row"
    __table_args__ = (Index("ix_result_row_record", "search_id", "record_id", unique=True),)

    search_id: Mapped[uuid.UUID] = mapped_column(UuidType, primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    record_id: Mapped[uuid.UUID] = mapped_column(UuidType, nullable=False)
