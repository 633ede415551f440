"""Columns of the look-back survey. Source: 2024 notice, annex 1, manual 1.2.1; spec 02."""

from __future__ import annotations

from sqlalchemy import Index

from app.core.db import Model, only_where
from app.kernel.declare import fields as f
from app.kernel.rows.record import indexes
from app.modules.homes.choices import Living
from app.modules.homes.family import Home
from app.modules.surveys.fields import Survey


class Lookback(Survey, Model):
    """One survey of one poverty-exit household; there is exactly one row for each household."""

    __tablename__ = "lookback"
    __table_args__ = (
        *indexes("lookback"),
        Index("ix_lookback_grade", "grade", "path", "id"),
        Index("ix_lookback_parcel", "parcel_number"),
        Index("ix_lookback_parcel_state", "parcel_state", "path", "id"),
        Index("ix_lookback_split", "path", "id", **only_where("standing IS NOT NULL")),
        Index("ix_lookback_to_resurvey", "path", "id", **only_where("to_resurvey")),
        Index("ix_lookback_new_place", "new_place", **only_where("new_place IS NOT NULL")),
    )

    living = f.variant(Home.living, leaves_out=(Living.NONE,))
