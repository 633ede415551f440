"""What every kind's values have in common: when one is missing, and how it travels as text."""

from __future__ import annotations

import datetime as dt
from typing import Any

_COLLECTIONS = (list, tuple, dict)


def is_missing(value: Any) -> bool:
    """None, empty text and empty collections are missing; 0 and False are not."""
    return not value and (value is None or value == "" or isinstance(value, _COLLECTIONS))


def to_json(value: Any) -> Any:
    """A value as forms, drafts and the browser hold it: text, a list of texts, or None."""
    if is_missing(value):
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [to_json(v) for v in value]
    if isinstance(value, dict):  # a row of children
        return {name: to_json(part) for name, part in value.items()}
    return str(value)
