"""Kinds of fields: one file for each family, one object for each kind."""

from __future__ import annotations

from app.kernel.kinds.children import CHILDREN
from app.kernel.kinds.choice import CHOICE, CODES, MANY, YES_NO
from app.kernel.kinds.date import DATE
from app.kernel.kinds.identity import ACCOUNT, ID_NUMBER, PHONE, USCC
from app.kernel.kinds.kind import Kind, PerKind, Widget
from app.kernel.kinds.number import DECIMAL, INTEGER, MONEY, YEAR
from app.kernel.kinds.person import PERSON
from app.kernel.kinds.photo import FILES
from app.kernel.kinds.region import REGION
from app.kernel.kinds.text import TEXT, TEXTAREA

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        TEXT, PERSON, TEXTAREA, INTEGER, DECIMAL, MONEY, DATE, YEAR, YES_NO, CHOICE, MANY, CODES,
        ID_NUMBER, PHONE, USCC, ACCOUNT, CHILDREN, FILES, REGION,
    )
}  # fmt: skip
"""Every kind by its name."""

__all__ = [
    "ACCOUNT", "CHILDREN", "CHOICE", "CODES", "DATE", "DECIMAL", "FILES", "ID_NUMBER", "INTEGER", "KINDS",
    "MANY", "MONEY", "PERSON", "PHONE", "REGION", "TEXT", "TEXTAREA", "USCC", "YEAR", "YES_NO",
    "Kind", "PerKind", "Widget",
]  # fmt: skip
