"""What a list answers with: how many, a page of rows, the cursors that lead on."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from app.core.errors import BadInput
from app.core.i18n import _

CAP = 10_000  # beyond it a count without counters says "10,000+"
SIZES = (20, 50, 100)
_CURSOR = re.compile(r"(\d{1,9})~([0-9a-f]{32})~(.{1,64})")


@dataclass(frozen=True)
class Count:
    """How many rows; ``exact`` False means "more than CAP"."""

    n: int
    exact: bool = True

    def __str__(self) -> str:
        return f"{self.n:,}" if self.exact else f"{CAP:,}+"


@dataclass(frozen=True)
class Page:
    """One page of rows with the cursors of its neighbours; ``first`` is the position from 1.

    A row has ``id``, ``path``, ``state``, the ledger's fields, and of its division ``region_full_name`` and
    ``region_level``.
    """

    rows: Sequence[Row[Any]]
    count: Count
    first: int
    after: str | None
    before: str | None


def read_cursor(text: str | None) -> tuple[int, str, uuid.UUID] | None:
    """Position, value and key of the row that an address names.

    :raises BadInput: no cursor.
    """
    if text is None:
        return None
    match = _CURSOR.fullmatch(text)
    if match is None:
        raise bad_cursor()
    return int(match[1]), match[3], uuid.UUID(match[2])


def bad_cursor() -> BadInput:
    """What is said of an address that nobody was given."""
    return BadInput(_("翻页参数有误，请从列表重新进入。"))


def write_cursor(position: int, row: Row[Any]) -> str:
    """A row's place for an address; it begins with its position from 1."""
    return f"{position}~{row.order_key.hex}~{row.order_value}"
