"""What a record is one of (``Register.key``): there is one alone of those that say the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from app.access import policy
from app.access.actor import Capability
from app.access.scope import is_hidden
from app.core.db import db
from app.kernel.declare.register import Register
from app.kernel.kinds.values import is_missing, to_json


def of(register: Register, values: Mapping[str, Any]) -> str | None:
    """The key that these values make. None where a part is missing, or is no valid number: then nobody
    can tell what else is the same.
    """
    parts = []
    for name in register.key.split():
        made, value = register.fields[name], values.get(name)
        wrong = made.kind.names_person and not made.kind.valid(str(value))
        if is_missing(value) or wrong:
            return None
        parts.append(str(to_json(value)))
    return "|".join(parts) or None


def find(register: Register, values: Mapping[str, Any]) -> Any:
    """The record of that which these values say, where the actor may enter it; None where there is none."""
    model, key = register.model, of(register, values)
    mine = policy.rows(model, Capability.ENTER, register.name)
    same = select(model).where(model.unique_key == key, mine)
    return None if key is None else db.session.scalar(same)


def follow(register: Register, row: Any) -> None:
    """Keep the row's key as what it says makes it; before it is flushed. What is hidden has none: there may be
    another one meanwhile.
    """
    row.unique_key = (
        None if is_hidden(row) else of(register, {n: getattr(row, n) for n in register.key.split()})
    )
