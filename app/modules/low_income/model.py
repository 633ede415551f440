"""One row a household that is, or once was, on the list of low-income households."""

from __future__ import annotations

from app.core.db import Model
from app.modules.low_income.fields import Listed


class LowIncome(Listed, Model):
    """What the list says of a household."""

    __tablename__ = "low_income"
