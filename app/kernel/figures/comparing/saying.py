"""What a record says that others may say too, and whether it is one that breaks rules."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from app.access import settings
from app.kernel.declare.expressions import Fact
from app.kernel.declare.field import Compared, Shared
from app.kernel.declare.flow import State
from app.kernel.declare.register import Register
from app.kernel.figures import shared_values
from app.kernel.figures.shared_values import Value
from app.kernel.kinds.values import is_missing


class Said(NamedTuple):
    """What a record says of a rule, and whose it is; ``concerned``: the finding would be its own."""

    value: Value
    home: str
    concerned: bool


def said_of(register: Register, code: str, row: Any, get: Callable[[Any, str], Any]) -> Said | None:
    """What it says; None where it says nothing that could be the same, or is in no list."""
    rule = register.shared[code]
    values = {name: get(row, name) for name in asked(register, rule)}
    return read(register, code, values, row.id)


def read(register: Register, code: str, values: Mapping[str, Any], key: uuid.UUID) -> Said | None:
    """What the record of this key says with these values."""
    rule, fields = register.shared[code], register.fields
    if not counts(register, values):
        return None
    parts = {name: values[name] for name in rule.fields.split()}
    if any(is_missing(part) for part in parts.values()):
        return None
    if rule.valid and not all(fields[n].kind.valid(str(part)) for n, part in parts.items()):
        return None
    home = values.get(rule.home) if rule.home else None
    value = shared_values.value(rule.kind, f"{register.name}.{code}", *parts.values())
    whose = key.hex if is_missing(home) else str(home)
    return Said(value, whose, rule.where.test(values))


def asked(register: Register, rule: Shared) -> list[str]:
    """The columns that tell what a record says of a rule."""
    names = {*rule.where.names(), *register.listed.names()}
    names |= set() if rule.kind == Compared.PHOTO else set(rule.fields.split())
    names |= {rule.home} if rule.home else set()
    return sorted(names | ({"state"} if "state" in register.model.__fields__ else set()))


def may_break(register: Register, code: str, values: Mapping[str, Any]) -> bool:
    """Is it one of the records that break rules, and this rule?"""
    return counts(register, values) and register.shared[code].where.test(values)


def counts(register: Register, values: Mapping[str, Any]) -> bool:
    """Is it entered, and listed?"""
    entered = "state" not in values or values["state"] not in (None, State.MISSING)
    return entered and register.listed.test(values)


def least_of(session: Session, rule: Shared) -> int:
    """From how many households on the rule is broken."""
    least = rule.least
    return int(settings.value(least.what, None, session) if isinstance(least, Fact) else least)
