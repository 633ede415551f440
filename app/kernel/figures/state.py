"""Which figures' counters are complete: the table ``figure`` knows what each was counted by.

A figure that this database has not seen, or whose condition is another now, is filled by a job
(:mod:`app.kernel.households.filling`); until it has, pages, interfaces and exports say so instead of a number. The same
table knows, under the empty name, whether a register that follows a list has a row for each household on it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from decimal import Decimal
from enum import Enum
from typing import Any

from flask import current_app
from sqlalchemy import String, and_, delete, exists, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core.clock import local, now
from app.core.db import Model, db, read_only
from app.core.i18n import _
from app.core.types import UtcDateTime
from app.kernel.declare import choice_lists
from app.kernel.declare.field import Field
from app.kernel.declare.figures import parted
from app.kernel.declare.register import Register, all_registers
from app.kernel.figures import tally
from app.kernel.kinds.kind import Kind
from app.kernel.rows.household import Household

#: The name under which a register's rows for the households on its list are kept, …
ROWS = ""
#: … and which rules its records break.
RULES = "*"
_SECONDS = 10.0  # how long a process believes that figures are not complete yet
_KEY = "incomplete_figures"


#: A figure that had nothing to count was right on every day before.
_ALWAYS = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class FigureState(Model):
    """``filled_at``: since when its counters are counted by its condition. None: they, or its register's
    rows, are not complete yet.
    """

    __tablename__ = "figure"

    register: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(48), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), nullable=False)
    filled_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


# ---- what is declared ------------------------------------------------------------------------


def digests(register: Register) -> dict[str, str]:
    """What each figure is counted by, as a digest; that of the list under :data:`ROWS`."""
    years = register.years
    beside = [register.listed, *((years.name, years.listed) if years else ())]
    beside += [years.by] if years and years.by else []
    kept = register.quality_figures if register.quality.kept else {}
    rules = register.rules.conditions if kept else ()
    found = {
        name: _digest(
            figure.where,
            *beside,
            *([figure.sum] if figure.sum else []),
            *(rules if name in kept else ()),
        )
        for name, figure in register.kept_figures.items()
    }
    over_others = register.shared.values() if kept else ()
    found |= {RULES: _digest(rules, _severities(register), *over_others)} if kept else {}
    return found | ({ROWS: _digest(register.follows)} if register.follows else {})


def _severities(register: Register) -> tuple[tuple[str, str], ...]:
    """Every rule, and how grave it is."""
    return tuple((code, rule.severity) for code, rule in register.rules.declared.items())


def _names(register: Register) -> set[str]:
    """Of what :func:`digests` tells."""
    rules = (RULES,) if register.quality.kept else ()
    return {*register.kept_figures, *rules, *((ROWS,) if register.follows else ())}


def _digest(*parts: Any) -> str:
    return hashlib.sha256(json.dumps([_shape(part) for part in parts]).encode()).hexdigest()


def _shape(value: Any) -> Any:
    """A condition by its structure: the same today and tomorrow, in this process and another."""
    if isinstance(value, Field):
        return ["Ref", value.name]
    if is_dataclass(value):
        parts = (_shape(getattr(value, part.name)) for part in fields(value))
        return [type(value).__name__, *parts]
    if isinstance(value, tuple | list):
        return [_shape(part) for part in value]
    if isinstance(value, Kind):
        return value.name
    if value is None or isinstance(value, str | int | Decimal | dt.date | Enum):
        return str(value)
    raise TypeError(f"{value!r} may be another text in the next process")


# ---- what this database has ------------------------------------------------------------------


def declare(session: Session) -> bool:
    """Note what is declared now, with its place in the counters; gives whether anything is to be filled.
    The caller commits.
    """
    tally.give_slots(session)
    kept = {(row.register, row.name): row for row in session.scalars(select(FigureState))}
    for register in all_registers():
        for name, digest in sorted(digests(register).items()):
            row = kept.get((register.name, name))
            if row is None or row.digest != digest:
                row = session.merge(
                    FigureState(register=register.name, name=name, digest=digest, filled_at=None)
                )
                if _nothing_to_fill(session, register):
                    row.filled_at = _ALWAYS
    session.flush()
    _forget_others(session, kept.keys())
    forget()
    return bool(open_figures(session))


def _nothing_to_fill(session: Session, register: Register) -> bool:
    """No row is counted, and none is to be made."""
    follows = bool(register.follows) and _some(session, Household)
    return not follows and not _some(session, register.model)


def _some(session: Session, model: Any) -> bool:
    return bool(session.scalar(select(exists().select_from(model))))


def _forget_others(session: Session, kept: Any) -> None:
    """Figures that a register no longer declares: should one come back, it is counted anew. Those of a
    register that is not loaded stay.
    """
    for register in all_registers():
        declared = _names(register)
        for _register, name in [key for key in kept if key[0] == register.name]:
            if name not in declared:
                session.execute(delete(FigureState).where(_is(register.name, name)))


def _is(register: str, name: str) -> Any:
    return and_(FigureState.register == register, FigureState.name == name)


def open_figures(session: Session) -> list[tuple[Register, str]]:
    """What is to be filled, by register: its rows first."""
    return _declared({(register, name) for register, name in session.execute(_OPEN)})


_STATES = select(FigureState.register, FigureState.name, FigureState.filled_at)
_OPEN = select(FigureState.register, FigureState.name).where(FigureState.filled_at.is_(None))


def _declared(found: set[tuple[str, str]]) -> list[tuple[Register, str]]:
    return [
        (register, name)
        for register in all_registers()
        for name in sorted(_names(register))
        if (register.name, name) in found
    ]


def digest_of(register: Register, names: list[str]) -> str:
    """Another one when the conditions of these figures change: a job that stopped begins anew then."""
    declared = digests(register)
    return _digest(*(declared[name] for name in names))[:16]


def mark_filled(session: Session, register: Register, names: list[str]) -> None:
    """They are complete by the conditions that are declared now. The caller commits."""
    declared = digests(register)
    for name in names:
        session.merge(
            FigureState(register=register.name, name=name, digest=declared[name], filled_at=now())
        )


def reopen(session: Session, register: Register) -> None:
    """Which rules its records break is to be judged again. The caller commits."""
    session.merge(
        FigureState(
            register=register.name, name=RULES, digest=digests(register)[RULES], filled_at=None
        )
    )
    forget()


# ---- what pages say --------------------------------------------------------------------------


@dataclass
class _Known:
    """What this process knows: a deploy comes before it starts, so that once nothing is open it asks
    no more, unless a manager changed what rules ask for.
    """

    open: frozenset[tuple[str, str]]
    since: Mapping[tuple[str, str], dt.date]
    until: float
    version: uuid.UUID | None  # of what managers change: settings that rules ask for among that


def incomplete(register: Register, *, counters: bool = True) -> frozenset[str]:
    """Figures of the register that cannot be told yet: by their ``counters``, or from the rows, of which some
    are still to be made.
    """
    names = frozenset(name for of, name in _known().open if of == register.name)
    if ROWS in names:
        return frozenset(register.kept_figures)
    if RULES in names:
        names |= frozenset(register.quality_figures)
    return names if counters else frozenset()


def counted_on(register: Register, figure: str, day: dt.date) -> bool:
    """Was it counted at the end of that day by what it is counted by today?"""
    since = _known().since.get((register.name, figure))
    return since is not None and since <= day


def _known() -> _Known:
    known: _Known | None = current_app.extensions.get(_KEY)
    version = choice_lists.version()
    late = known is not None and known.open and time.monotonic() > known.until
    if known is None or late or known.version != version:
        with read_only(), db.engine.connect() as connection:  # whatever the caller is writing
            found = {(of, name): at for of, name, at in connection.execute(_STATES)}
        since = {key: local(at).date() for key, at in found.items() if at}
        still = _declared(found.keys() - since.keys())
        still_open = frozenset((r.name, name) for r, name in still)
        known = _Known(still_open, since, time.monotonic() + _SECONDS, version)
        current_app.extensions[_KEY] = known
    return known


def is_complete(register: Register, key: str) -> bool:
    """May the counters of a figure be shown, all of them or those of a year?"""
    return parted(key)[0] not in incomplete(register)


def forget() -> None:
    """Ask again."""
    current_app.extensions.pop(_KEY, None)


def being_counted() -> str:
    """What stands where a number would."""
    return _("统计中")


def explained() -> str:
    """What stands below a table some of whose figures are not complete."""
    return _("“统计中”的数字正在由后台任务统计，完成后自动显示。")
