"""Judges again which rules stored records break: of a register whose rules are others now, and daily,
for some rules ask which day it is.

A chunk of a county is one statement of SQL, in which the rules are read as conditions; what it finds to
be otherwise than it is kept is locked, written, and added to the counters in one transaction. Who saves a
record meanwhile has judged it anew: that one is left alone.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Text, bindparam, select, tuple_, type_coerce, update
from sqlalchemy.orm import Session

from app.access.divisions.regions import in_subtree
from app.access.scope import hold, joined
from app.core.jobs.table import JobContext, daily_job
from app.core.transactions import transaction
from app.kernel.declare.flow import State
from app.kernel.declare.quality import BROKEN, SEVERITIES
from app.kernel.declare.register import Register, all_registers
from app.kernel.figures import counters, mending
from app.kernel.records import judging
from app.kernel.records import save as records
from app.kernel.rows import facts
from app.kernel.rows.file import Attachment

CHUNK = 2000
_WHY = "which rules records break is judged in all counties"


class Verdict(NamedTuple):
    """Which rules a record breaks, and of which severities, as its columns hold them."""

    broken: str | None
    severities: str | None

    @property
    def codes(self) -> tuple[str, ...]:
        """The rules."""
        return _codes(self.broken)

    @property
    def values(self) -> dict[str, Any]:
        """As the record has them."""
        return {BROKEN: self.codes, SEVERITIES: _codes(self.severities)}


def verdict(register: Register, codes: Collection[str]) -> Verdict:
    """Of a record that breaks these rules."""
    return Verdict(_text(register.rules.ordered(codes)), _text(register.rules.severities(codes)))


@dataclass(frozen=True)
class _Seen:
    """A record as the statement of its chunk saw it."""

    id: Any
    path: str
    version: int
    kept: Verdict
    found: str | None
    rows: bool  # it has rows of children, which Python reads


def registers() -> list[Register]:
    """Those that keep which rules their records break."""
    return [register for register in all_registers() if register.quality.kept]


def county(register: Register, place: Any) -> int:
    """Judge all records of a county; gives how many were kept otherwise.

    :raises TryAgain: divisions are being moved there.
    """
    changed, after = 0, None
    while True:
        with transaction(), joined(_WHY, writes=True) as session:
            hold(session, {(place.id, place.path)}, {place.id})
            seen = _chunk(session, register, place.path, after)
            if wrong := _wrong(session, register, seen):
                changed += _settle(session, register, wrong)
        if len(seen) < CHUNK:
            return changed
        after = seen[-1].path, seen[-1].id


def everywhere(register: Register) -> int:
    """Judge all its records; gives how many were kept otherwise."""
    with joined(_WHY) as session:
        places = mending.counties(session)
    return sum(county(register, place) for place in places)


def wrong(session: Session, register: Register) -> list[str]:
    """In words, each record that breaks other rules than are kept with it."""
    places = mending.counties(session)
    held = mending.held(session, register, places)
    return [
        f"{register.name} {key}: {one.kept.broken} is kept, {right.broken} is right"
        for place in places
        if place.path in held
        for key, (one, right) in _wrong_in(session, register, place)
    ]


def _wrong_in(
    session: Session, register: Register, place: Any
) -> Iterator[tuple[Any, tuple[_Seen, Verdict]]]:
    after = None
    while seen := _chunk(session, register, place.path, after):
        after = seen[-1].path, seen[-1].id
        yield from _wrong(session, register, seen).items()


def _chunk(
    session: Session, register: Register, path: str, after: tuple[str, Any] | None
) -> Sequence[_Seen]:
    model = register.model
    columns: list[ColumnElement[Any]] = [
        model.id, model.path, model.version, *_kept(model),
        judging.in_sql(register, facts.at(register.rules.outer_of_place, path, session)),
        judging.by_python(register),
    ]  # fmt: skip
    found = select(*columns).where(in_subtree(model.path, path))
    if after is not None:
        found = found.where(tuple_(model.path, model.id) > after)
    lines: Sequence[Any]
    lines = session.execute(found.order_by(model.path, model.id).limit(CHUNK)).all()
    return [
        _Seen(line[0], line[1], line[2], Verdict(line[3], line[4]), line[5], line[6])
        for line in lines
    ]


def _kept(model: Any) -> tuple[ColumnElement[Any], ...]:
    return tuple(type_coerce(getattr(model, name), Text) for name in (BROKEN, SEVERITIES))


def _wrong(
    session: Session, register: Register, seen: Sequence[_Seen]
) -> dict[Any, tuple[_Seen, Verdict]]:
    """What is kept of a record and should not be: by its key what was seen, and what is right."""
    by_python = _by_python(session, register, [one.id for one in seen if one.rows])
    known: dict[str | None, Verdict] = {}
    wrong = {}
    for one in seen:
        broken = by_python[one.id] if one.rows else one.found
        if broken not in known:
            known[broken] = verdict(register, _codes(broken))
        if known[broken] != one.kept:
            wrong[one.id] = one, known[broken]
    return wrong


def _by_python(session: Session, register: Register, keys: Sequence[Any]) -> dict[Any, str | None]:
    """What is right of these records, as Python judges them."""
    files: dict[Any, list[Attachment]] = defaultdict(list)
    theirs = (Attachment.register == register.name, Attachment.record_id.in_(keys))
    for file in session.scalars(select(Attachment).where(*theirs)) if keys else ():
        files[file.record_id].append(file)
    rows = (
        session.scalars(select(register.model).where(register.model.id.in_(keys))) if keys else ()
    )
    return {row.id: _judged(register, row, files[row.id]) for row in rows}


def _judged(register: Register, row: Any, files: Sequence[Attachment]) -> str | None:
    if row.state == State.MISSING:
        return None
    return _text(judging.codes(register, records.evaluate(register, row, files=files)))


def _text(codes: Collection[str]) -> str | None:
    """As the column holds them."""
    return f",{','.join(codes)}," if codes else None


def _codes(text: str | None) -> tuple[str, ...]:
    return tuple(text.strip(",").split(",")) if text else ()


def _settle(
    session: Session, register: Register, wrong: Mapping[Any, tuple[_Seen, Verdict]]
) -> int:
    """Keep what is right of the records that nobody changed since; gives how many these are."""
    model = register.model
    asked = sorted(asked_beside(register))
    lock = select(
        model.id, model.version, model.county_id, model.path, *_kept(model),
        *(getattr(model, name) for name in asked),
    ).where(model.id.in_(list(wrong))).order_by(model.id).with_for_update()  # fmt: skip
    new: list[dict[str, Any]] = []
    groups: Counter[Any] = Counter()
    for key, version, county_id, path, *rest in session.execute(lock):
        seen, right = wrong[key]
        if (version, *rest[:2]) == (seen.version, *seen.kept):
            new.append({"of": key} | right.values)
            groups[county_id, path, tuple(rest[2:]), seen.kept, right] += 1
    if new:
        keep(session, register, new)
    count(session, register, asked, groups)
    return len(new)


def keep(session: Session, register: Register, new: Sequence[Mapping[str, Any]]) -> None:
    """Write the verdicts of records, ``of`` their keys: that is no new version of them."""
    table = register.model.__table__
    these = update(table).where(table.c.id == bindparam("of"))
    same = these.values(
        {
            BROKEN: bindparam(BROKEN),
            SEVERITIES: bindparam(SEVERITIES),
            "changed_at": table.c.changed_at,
        }
    )
    session.connection().execute(same, new)


def asked_beside(register: Register) -> set[str]:
    """What else the figures ask for that count by broken rules."""
    kept = {BROKEN, SEVERITIES}
    concerned = [name for name, f in register.figures.items() if f.where.names() & kept]
    return counters.asked_of(register, concerned) - kept


def count(
    session: Session, register: Register, asked: Sequence[str], groups: Mapping[Any, int]
) -> None:
    """Add to the counters what the change of so many alike records of a place makes: ``groups`` are by county, path,
    what they say of ``asked``, the verdicts before and now.
    """
    known: dict[Any, dict[str, int]] = {}
    deltas: dict[tuple[str, int, str], int] = defaultdict(int)
    for (county_id, path, *said), n in groups.items():
        alike = tuple(said)
        if alike not in known:
            values, before, now = said
            known[alike] = _changes(register, dict(zip(asked, values, strict=True)), before, now)
        for figure, change in known[alike].items():
            deltas[figure, county_id, path] += change * n
    counters.hand_in(session, register, deltas)


def _changes(
    register: Register, values: Mapping[str, Any], before: Verdict, now: Verdict
) -> dict[str, int]:
    """Keys of figures -> one more or one less."""
    changes: Counter[str] = Counter()
    for kept, sign in ((before, -1), (now, 1)):
        counted = counters.amounts(register, {**values, **kept.values})
        changes.update({figure: sign * n for figure, n in counted.items()})
    return {figure: change for figure, change in changes.items() if change}


@daily_job("quality.judge", title="核对数据质量")
def judge_all(job: JobContext) -> dict[str, Any]:
    """All records of all registers that keep it, county by county: some rules ask which day it is."""
    done = dict(job.checkpoint or {"register": "", "path": "", "changed": 0})
    with joined(_WHY) as session:
        counties = mending.counties(session)
    kept = [register for register in registers() if register.name >= done["register"]]
    for number, register in enumerate(sorted(kept, key=lambda one: one.name)):
        if register.name != done["register"]:
            done |= {"register": register.name, "path": ""}
        with joined(_WHY) as session:
            held = mending.held(session, register, counties)
        for place, one in enumerate(counties, 1):
            if one.path <= done["path"] or one.path not in held:
                continue
            done["changed"] += county(register, one)
            done["path"] = one.path
            with transaction():
                job.save(dict(done))
            job.progress(number * len(counties) + place, len(kept) * len(counties))
    return {"changed": done["changed"]}
