"""Judges again which rules stored records break: of a register whose rules are others now, and daily,
for some rules ask which day it is.

A chunk of a county is one statement of SQL, in which the rules are read as conditions; of counties with few
records several chunks are a transaction. What is otherwise than it is kept is locked, written, and added to
the counters in that transaction. Who saves a record meanwhile has judged it anew: that one is left alone.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    Text,
    bindparam,
    select,
    tuple_,
    type_coerce,
    update,
)
from sqlalchemy.orm import Session, aliased

from app.access.divisions.regions import subtree
from app.access.scope import hold, joined
from app.core.clock import today
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
from app.kernel.rows.reading import columns_of, files_counted

#: Records of a transaction, and counties at most: nobody moves divisions there meanwhile.
CHUNK, COUNTIES = 2000, 50
#: Before all records of a county.
_FIRST = ("", uuid.UUID(int=0))
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


class _Seen(NamedTuple):
    """A record as the statement of its chunk saw it."""

    id: uuid.UUID
    path: str
    version: int
    broken: str | None
    severities: str | None
    found: str | None
    rows: bool  # it has rows of children, which Python reads

    @property
    def kept(self) -> Verdict:
        """What stands with it."""
        return Verdict(self.broken, self.severities)


_Wrong = dict[uuid.UUID, tuple[_Seen, Verdict]]


def registers() -> list[Register]:
    """Those that keep which rules their records break."""
    return [register for register in all_registers() if register.quality.kept]


def county(register: Register, place: Any) -> int:
    """Judge all records of a county; gives how many were kept otherwise.

    :raises TryAgain: divisions are being moved there.
    """
    return sum(changed for _done, changed in _walk(register, [place]))


def everywhere(register: Register) -> int:
    """Judge all its records; gives how many were kept otherwise."""
    with joined(_WHY) as session:
        places = mending.counties(session)
        held = mending.held(session, register, places)
    walked = _walk(register, [place for place in places if place.path in held])
    return sum(changed for _done, changed in walked)


def go_on(
    job: JobContext,
    done: dict[str, Any],
    register: Register,
    places: Sequence[Any],
    task: tuple[int, int],
) -> None:
    """Judge the records of the counties behind ``done["path"]``; ``done`` is where the job goes on after each
    transaction, ``task`` says which of how many like this it is.
    """
    with joined(_WHY) as session:
        held = mending.held(session, register, places)
    left = [place for place in places if place.path > done["path"] and place.path in held]
    number, tasks = task
    before = (number + 1) * len(places) - len(left)
    for n, changed in _walk(register, left):
        done |= {"changed": done["changed"] + changed} | ({"path": left[n - 1].path} if n else {})
        with transaction():
            job.save(dict(done))
        job.progress(before + n, tasks * len(places))


def _walk(register: Register, places: Sequence[Any]) -> Iterator[tuple[int, int]]:
    """Judge all records of these counties; after each transaction how many counties are done, and how many
    records were kept otherwise.
    """
    done, after = 0, _FIRST
    while done < len(places):
        with transaction(), joined(_WHY, writes=True) as session:
            wrong, n, after = _some(session, register, places[done : done + COUNTIES], after)
            changed = _settle(session, register, wrong) if wrong else 0
        done += n
        yield done, changed


def _some(
    session: Session, register: Register, places: Sequence[Any], after: tuple[str, uuid.UUID]
) -> tuple[_Wrong, int, tuple[str, uuid.UUID]]:
    """What is wrong in the next records of these counties; how many counties are done with these, and after
    which record the next one goes on.
    """
    wrong: _Wrong = {}
    room = CHUNK
    for done, place in enumerate(places):
        hold(session, {(place.id, place.path)}, {place.id})
        seen = _chunk(session, register, place.path, after, room)
        wrong |= _wrong(session, register, seen)
        if len(seen) == room:
            return wrong, done, (seen[-1].path, seen[-1].id)
        room, after = room - len(seen), _FIRST
    return wrong, len(places), _FIRST


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
) -> Iterator[tuple[uuid.UUID, tuple[_Seen, Verdict]]]:
    after = _FIRST
    while seen := _chunk(session, register, place.path, after, CHUNK):
        after = seen[-1].path, seen[-1].id
        yield from _wrong(session, register, seen).items()


def _chunk(
    session: Session, register: Register, path: str, after: tuple[str, uuid.UUID], room: int
) -> Sequence[_Seen]:
    """The next records below a division, so many at most."""
    known = facts.at(register.rules.outer_of_place, path, session)
    query = _query(register, frozenset(known.items()), today())
    low, high = subtree(path)
    bounds = {"low": low, "high": high, "path": after[0], "id": after[1], "room": room}
    return [_Seen._make(line) for line in session.execute(query, bounds)]


@lru_cache(maxsize=100)  # to build it costs more than to read the records of a small county
def _query(register: Register, known: frozenset[tuple[str, Any]], _day: dt.date) -> Select[Any]:
    """What is read of a chunk where these facts hold; rules may ask which day it is. Its records are read first,
    with how many files each field has, which many rules ask.
    """
    model = register.model
    after = tuple_(bindparam("path", type_=model.path.type), bindparam("id", type_=model.id.type))
    files = files_counted(model, register.name)
    chunk = (
        select(model.__table__, *files)
        .where(model.path >= bindparam("low"), model.path < bindparam("high"))
        .where(tuple_(model.path, model.id) > after)
        .order_by(model.path, model.id)
        .limit(bindparam("room", type_=Integer))
        .cte("chunk")
        .prefix_with("MATERIALIZED")
    )
    one = aliased(model, chunk)
    counted = {count.name: chunk.c[count.name] for count in files}
    columns = columns_of(one, register.name, dict(known), counted)
    judged = judging.in_sql(register, one, columns), judging.by_python(register, columns)
    return select(one.id, one.path, one.version, *_kept(one), *judged).order_by(one.path, one.id)


def _kept(model: Any) -> tuple[ColumnElement[Any], ...]:
    return tuple(type_coerce(getattr(model, name), Text) for name in (BROKEN, SEVERITIES))


def _wrong(session: Session, register: Register, seen: Sequence[_Seen]) -> _Wrong:
    """What is kept of a record and should not be: by its key what was seen, and what is right."""
    by_python = _by_python(session, register, [one.id for one in seen if one.rows])
    known: dict[str | None, Verdict] = {}
    wrong: _Wrong = {}
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


def _settle(session: Session, register: Register, wrong: _Wrong) -> int:
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
        go_on(job, done, register, counties, (number, len(kept)))
    return {"changed": done["changed"]}
