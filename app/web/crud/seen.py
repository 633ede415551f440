"""Whether a row still stands as a form showed it: of two who change one row, the second is told."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from sqlalchemy import inspect
from wtforms import HiddenField


class SeenField(HiddenField):
    """A form's digest of the row that it shows."""

    def populate_obj(self, obj: Any, name: str) -> None:
        """It is no column."""


def digest(item: Any, columns: Sequence[str]) -> str:
    """Of what the form's columns hold."""
    held = [_said(getattr(item, column)) for column in columns if hasattr(item, column)]
    return hashlib.sha256(repr(held).encode()).hexdigest()[:32]


def _said(value: Any) -> Any:
    if isinstance(value, list):
        return sorted(map(_said, value), key=str)
    state = inspect(value, raiseerr=False)
    return str(state.identity) if state is not None else str(value)
