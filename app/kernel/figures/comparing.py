"""Rules over other records (:class:`app.kernel.declare.field.Shared`): the same number in two households, the same
phone in three, the same photo twice. What they find is kept with each record like all findings.

A flush notes who begins or ceases to say what; just before the commit the values are written, and the findings
of those who say the same follow: of the record itself and of a few others at once, of more by a job. What a
finding tells is that there are others, and never who: a reader's area ends where it ends.
"""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Text, and_, func, inspect, select, tuple_, type_coerce
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from app.access import settings
from app.access.divisions.regions import in_subtree
from app.access.scope import hold, joined
from app.core.clock import uuid7
from app.core.db import db, outermost
from app.core.errors import Invalid
from app.core.i18n import _
from app.core.jobs.table import JobContext, daily_job, enqueue, job_kind
from app.core.kept import Kept
from app.core.transactions import transaction
from app.kernel import hooks
from app.kernel.declare.expressions import Fact
from app.kernel.declare.field import Compared, Shared
from app.kernel.declare.flow import State, Transition
from app.kernel.declare.groups import HIDDEN
from app.kernel.declare.quality import BROKEN, SEVERITIES
from app.kernel.declare.register import Register, all_registers, get_register
from app.kernel.figures import mending, rejudging, shared_values
from app.kernel.figures.shared_values import Value
from app.kernel.hook import Having
from app.kernel.kinds.choice import holds
from app.kernel.kinds.values import is_missing
from app.kernel.records import save as records
from app.kernel.rows.file import Attachment
from app.kernel.rows.reading import columns_of

KIND = "quality.compare"
#: Records whose findings follow in the transaction that makes them; of more a job sees to it.
AT_ONCE = 20
_CHUNK = 500
_WHY = "who says the same is an auditors' finding, wherever it lies"


class _Said(NamedTuple):
    """What a record says of a rule, and whose it is; ``concerned``: the finding would be its own."""

    value: Value
    home: str
    concerned: bool


@dataclass(frozen=True, slots=True)
class _Change:
    """Somebody says a value from now on, or (``home`` None) no more."""

    register: Register
    code: str
    record: str
    home: str | None
    concerned: bool
    kept: bool  # the record has the finding already


#: (value, who says it: a record or a file) -> the change that the transaction makes.
noted: Kept[dict[tuple[Value, str], _Change]] = Kept(dict)
#: Register, code of a rule and record -> is that its finding?
_Wanted = dict[tuple[str, str, uuid.UUID], bool]


# ---- what a flush changes ----------------------------------------------------------------------


def gather(session: Session, register: Register, row: Any) -> None:
    """Note what a row about to be flushed begins or ceases to say."""
    row.id = row.id or uuid7()
    state, gone = inspect(row), row in session.deleted
    for code, rule in register.shared.items():
        if rule.kind == Compared.PHOTO:
            continue
        before = _said(register, code, row, _was) if state.persistent or gone else None
        after = None if gone else _said(register, code, row, getattr)
        if before != after:
            _note(session, register, code, row, before, after)


def _note(
    session: Session, register: Register, code: str, row: Any, before: _Said | None,
    after: _Said | None,
) -> None:  # fmt: skip
    pending, key = noted.of(outermost(session)), row.id.hex
    kept = code in (getattr(row, BROKEN) or ())
    if before and (after is None or after.value != before.value):
        pending[before.value, key] = _Change(register, code, key, None, False, kept)
    if after:
        change = _Change(register, code, key, after.home, after.concerned, kept)
        pending[after.value, key] = change


def gather_file(session: Session, file: Any) -> None:
    """Note that a file comes, goes, or holds another picture."""
    register = get_register(file.register)
    if register is None or not register.shared or not file.is_photo:
        return
    file.id = file.id or uuid7()
    pending, key = noted.of(outermost(session)), file.id.hex
    record = file.record_id.hex
    for code, rule in register.shared.items():
        if rule.kind != Compared.PHOTO or file.field not in rule.fields.split():
            continue
        of = f"{register.name}.{code}"
        stood = inspect(file).persistent and _was(file, HIDDEN) is None
        stands = file not in session.deleted and getattr(file, HIDDEN) is None
        before: str | None = _was(file, "sha256") if stood else None
        after = file.sha256 if stands else None
        for said, home in ((before, None), (after, record)):
            if said and before != after:
                value = shared_values.value(rule.kind, of, said)
                pending[value, key] = _Change(register, code, record, home, True, False)


def _said(register: Register, code: str, row: Any, get: Callable[[Any, str], Any]) -> _Said | None:
    """What it says; None where it says nothing that could be the same, or is in no list."""
    rule = register.shared[code]
    values = {name: get(row, name) for name in _asked(register, rule)}
    return _read(register, code, values, row.id)


def _read(register: Register, code: str, values: Mapping[str, Any], key: uuid.UUID) -> _Said | None:
    rule, fields = register.shared[code], register.fields
    if not _counts(register, values):
        return None
    parts = {name: values[name] for name in rule.fields.split()}
    if any(is_missing(part) for part in parts.values()):
        return None
    if rule.valid and not all(fields[n].kind.valid(str(part)) for n, part in parts.items()):
        return None
    home = values.get(rule.home) if rule.home else None
    value = shared_values.value(rule.kind, f"{register.name}.{code}", *parts.values())
    whose = key.hex if is_missing(home) else str(home)
    return _Said(value, whose, rule.where.test(values))


def _asked(register: Register, rule: Shared) -> list[str]:
    """The columns that tell what a record says of a rule."""
    names = {*rule.where.names(), *register.listed.names()}
    names |= set() if rule.kind == Compared.PHOTO else set(rule.fields.split())
    names |= {rule.home} if rule.home else set()
    return sorted(names | ({"state"} if "state" in register.model.__fields__ else set()))


def _was(row: Any, name: str) -> Any:
    """What the database has of it."""
    history = inspect(row).attrs[name].history
    if history.deleted:
        return history.deleted[0]
    return None if history.added else getattr(row, name)


# ---- before the commit -------------------------------------------------------------------------


def apply(session: Session) -> None:
    """Write what was gathered, and let the findings of who is concerned follow."""
    pending = noted.of(session)
    changes: dict[Value, dict[str, _Change]] = defaultdict(dict)
    for (value, owner), change in pending.items():
        changes[value][owner] = change
    pending.clear()
    told = shared_values.write(
        session, {v: {o: c.home for o, c in own.items()} for v, own in changes.items()}
    )
    wanted: _Wanted = {}
    later: dict[tuple[str, str], set[Value]] = defaultdict(set)
    for value, own in changes.items():
        first = next(iter(own.values()))
        if not _judge(session, wanted, own, told[value]):
            later[first.register.name, first.code].add(value)
    left = _settle(session, wanted) if wanted else set()
    for value, own in changes.items():  # somebody is just saving one of them
        first, owners = next(iter(own.values())), told[value] or {}
        if left & _records(first.register.shared[first.code], owners, own):
            later[first.register.name, first.code].add(value)
    for (name, code), values in sorted(later.items()):
        args = {"register": name, "code": code, "values": sorted(map(list, values))}
        enqueue(KIND, args, owner=None)


def _judge(
    session: Session, wanted: _Wanted, own: Mapping[str, _Change], owners: Mapping[str, str] | None
) -> bool:
    """What follows from who says a value now; whether that is all, and no job has to see to others."""
    one = next(iter(own.values()))
    rule, name = one.register.shared[one.code], one.register.name
    if owners is None:
        return False
    least, n = least_of(session, rule), _number(rule, owners)
    broken = n >= least
    for owner, change in own.items():
        right = broken and change.concerned and owner in owners
        if right != change.kept or rule.kind == Compared.PHOTO:
            key = name, one.code, uuid.UUID(change.record)
            wanted[key] = right or wanted.get(key, False)
    others = {owner: home for owner, home in owners.items() if owner not in own}
    if not others or _number(rule, others) >= least or n + len(own) < least:
        return True  # nobody else's finding is another one by that
    theirs = _records(rule, others, {})
    if len(theirs) > AT_ONCE:
        return False
    for record in theirs:
        wanted.setdefault((name, one.code, record), broken)
    return True


def _number(rule: Shared, owners: Mapping[str, str]) -> int:
    """How many households say it; of photos how often it is there."""
    return len(owners) if rule.kind == Compared.PHOTO else len(set(owners.values()))


def _records(rule: Shared, owners: Mapping[str, str], own: Mapping[str, _Change]) -> set[uuid.UUID]:
    keys = owners.values() if rule.kind == Compared.PHOTO else owners
    return {uuid.UUID(key) for key in (*keys, *(change.record for change in own.values()))}


def least_of(session: Session, rule: Shared) -> int:
    """From how many households on the rule is broken."""
    least = rule.least
    return int(settings.value(least.what, None, session) if isinstance(least, Fact) else least)


def _everywhere(session: Session) -> AbstractContextManager[Session]:
    """A session in the same transaction that sees all areas."""
    return nullcontext(session) if "unscoped" in session.info else joined(_WHY)


def _settle(session: Session, wanted: _Wanted, *, waits: bool = False) -> set[uuid.UUID]:
    """Give these records the finding or take it from them; gives those that somebody else is just saving.
    ``waits``: for them.
    """
    left: set[uuid.UUID] = set()
    for name in sorted({name for name, _code, _key in wanted}):
        register = get_register(name)
        if register is None:
            continue
        own: dict[uuid.UUID, dict[str, bool]] = defaultdict(dict)
        for (of, code, key), right in wanted.items():
            if of == name:
                own[key][code] = right
        with _everywhere(session) as everywhere:
            left |= _settle_in(session, everywhere, register, own, waits)
    return left


def _settle_in(
    session: Session, everywhere: Session, register: Register,
    wanted: Mapping[uuid.UUID, Mapping[str, bool]], waits: bool,
) -> set[uuid.UUID]:  # fmt: skip
    model = register.model
    counted = sorted(rejudging.asked_beside(register))
    needed = sorted({n for rule in register.shared.values() for n in _asked(register, rule)})
    names = [*counted, *(n for n in needed if hasattr(model, n) and n not in counted)]
    query = select(
        model.id, model.region_id, model.county_id, model.path,
        *(type_coerce(getattr(model, name), Text) for name in (BROKEN, SEVERITIES)),
        *(getattr(model, name) for name in names),
    ).where(model.id.in_(list(wanted))).order_by(model.id)  # fmt: skip
    rows = everywhere.execute(query.with_for_update(skip_locked=not waits)).all()
    twice = _photos_twice(everywhere, register, wanted)
    new: list[dict[str, Any]] = []
    groups: Counter[Any] = Counter()
    places: set[tuple[int, str]] = set()
    for key, region_id, county_id, path, broken, severities, *said in rows:
        values = dict(zip(names, said, strict=True))
        before = rejudging.Verdict(broken, severities)
        codes = set(before.codes)
        for code, right in wanted[key].items():
            holding = right or (key, code) in twice
            holding = holding and _may_break(register, code, values)
            codes = codes | {code} if holding else codes - {code}
        now = rejudging.verdict(register, codes)
        if now != before:
            new.append({"of": key} | now.values)
            places.add((region_id, path))
            groups[county_id, path, tuple(said[: len(counted)]), before, now] += 1
    if new:
        hold(everywhere, places, {group[0] for group in groups})
        rejudging.keep(everywhere, register, new)
        rejudging.count(session, register, counted, groups)
        _refresh(session, register, new)
    return set(wanted) - {row[0] for row in rows}


def _may_break(register: Register, code: str, values: Mapping[str, Any]) -> bool:
    """Is it one of the records that break rules, and this rule?"""
    return _counts(register, values) and register.shared[code].where.test(values)


def _counts(register: Register, values: Mapping[str, Any]) -> bool:
    """Is it entered, and listed?"""
    entered = "state" not in values or values["state"] not in (None, State.MISSING)
    return entered and register.listed.test(values)


def _photos_twice(
    session: Session, register: Register, wanted: Mapping[uuid.UUID, Mapping[str, bool]]
) -> set[tuple[uuid.UUID, str]]:
    """Records of these that have another photo which stands twice, where the one that changed does not."""
    found: set[tuple[uuid.UUID, str]] = set()
    for code, rule in register.shared.items():
        keys = [k for k, codes in wanted.items() if codes.get(code) is False]
        if rule.kind == Compared.PHOTO and keys:
            found |= {(key, code) for key in _with_shared_photos(session, register, code, keys)}
    return found


def _with_shared_photos(
    session: Session, register: Register, code: str, keys: Sequence[uuid.UUID] | None = None
) -> set[uuid.UUID]:
    """Records, of these or of all, a photo of which stands so often."""
    files, rule = Attachment.__table__, register.shared[code]
    mine = files.c.register == register.name, files.c.field.in_(rule.fields.split())
    picture = and_(files.c.mime.like("image/%"), files.c[HIDDEN].is_(None))
    often = select(files.c.sha256).where(*mine, picture)
    if keys is not None:
        theirs = select(files.c.sha256).where(*mine, picture, files.c.record_id.in_(keys))
        often = often.where(files.c.sha256.in_(theirs))
    often = often.group_by(files.c.sha256).having(func.count() >= least_of(session, rule))
    found = select(files.c.record_id).where(*mine, picture, files.c.sha256.in_(often))
    found = found if keys is None else found.where(files.c.record_id.in_(keys))
    return set(session.connection().scalars(found))


def _refresh(session: Session, register: Register, new: Sequence[Mapping[str, Any]]) -> None:
    """What the session holds of these records is what the database has."""
    for one in new:
        row = session.identity_map.get(
            inspect(register.model).identity_key_from_primary_key((one["of"],))
        )
        if row is not None:
            for name in (BROKEN, SEVERITIES):
                set_committed_value(row, name, one[name])


@hooks.stepping.listen(of=Having("shared"))
def refuse(register: Register, row: Any, step: Transition) -> None:
    """What was saved by the same click is compared before it is submitted."""
    if not step.complete:
        return
    session = db.session()
    session.flush()
    apply(session)
    errors = records.evaluate(register, row).errors
    if found := [problem for problem in errors if problem.code in register.shared]:
        raise Invalid(_("有 %(n)s 处需要修改，修改后再上报。", n=len(found)), found)


# ---- all of them -------------------------------------------------------------------------------


def recount(session: Session, register: Register, code: str) -> set[uuid.UUID]:
    """The records that break a rule, from the rows themselves; the session sees all areas."""
    rule = register.shared[code]
    if rule.kind == Compared.PHOTO:
        keys = _with_shared_photos(session, register, code)
        return {key for key in keys if _is_listed(session, register, code, key)}
    homes: dict[Value, set[str]] = defaultdict(set)
    saying: dict[Value, list[uuid.UUID]] = defaultdict(list)
    for key, said in _alike(session, register, code):
        homes[said.value].add(said.home)
        saying[said.value] += [key] if said.concerned else []
    least = least_of(session, rule)
    return {key for value, own in homes.items() if len(own) >= least for key in saying[value]}


def _alike(session: Session, register: Register, code: str) -> Iterator[tuple[uuid.UUID, _Said]]:
    """The records that say what another one says, too."""
    model, rule = register.model, register.shared[code]
    columns = [getattr(model, name) for name in rule.fields.split()]
    listed = register.listed.sql(columns_of(model, register.name))
    often = select(*columns).where(listed, *(column.is_not(None) for column in columns))
    alike = often.group_by(*columns).having(func.count() > 1).subquery()
    same = and_(*(own == other for own, other in zip(columns, alike.c, strict=True)))
    names = _asked(register, rule)
    query = select(model.id, *(getattr(model, name) for name in names)).join(alike, same)
    for key, *values in session.execute(query):
        said = _read(register, code, dict(zip(names, values, strict=True)), key)
        if said is not None:
            yield key, said


def _is_listed(session: Session, register: Register, code: str, key: uuid.UUID) -> bool:
    row = session.get(register.model, key)
    names = {*register.listed.names(), *register.shared[code].where.names(), "state"}
    return row is not None and _may_break(register, code, {n: getattr(row, n) for n in names})


def wrong_of(session: Session, register: Register) -> _Wanted:
    """Findings that records should have and have not, or the other way round."""
    found: _Wanted = {}
    for code in register.shared:
        right = recount(session, register, code)
        has = select(register.model.id).where(holds(getattr(register.model, BROKEN), code))
        kept = set(session.scalars(has))
        found |= {(register.name, code, key): key in right for key in right ^ kept}
    return found


def wrong(session: Session, register: Register) -> list[str]:
    """The same in words."""
    return [
        f"{name} {key}: {code} is {'missing' if right else 'kept'} and should not be"
        for (name, code, key), right in sorted(wrong_of(session, register).items())
    ]


def mend(register: Register) -> int:
    """Let every finding over other records be right; gives how many were not."""
    with transaction(), joined(_WHY) as session:
        found = sorted(wrong_of(session, register).items())
    for first in range(0, len(found), _CHUNK):
        with transaction(), joined(_WHY, writes=True) as session:
            _settle(session, dict(found[first : first + _CHUNK]), waits=True)
    return len(found)


def fill(register: Register, place: Any) -> None:
    """Who says what in a county is known; what is known already stays so."""
    after = None
    while True:
        with transaction(), joined(_WHY, writes=True) as session:
            hold(session, {(place.id, place.path)}, {place.id})
            after = _fill_some(session, register, place.path, after)
        if after is None:
            return


def everywhere(register: Register) -> int:
    """Who says what, and every finding, from the rows; gives how many findings were wrong."""
    with joined(_WHY) as session:
        places = mending.counties(session)
        held = mending.held(session, register, places)
    for place in places:
        if place.path in held and register.shared:
            fill(register, place)
    return mend(register)


def _fill_some(
    session: Session, register: Register, path: str, after: tuple[str, uuid.UUID] | None
) -> tuple[str, uuid.UUID] | None:
    """The next records; gives after which one to go on, None at the end."""
    model = register.model
    rules = {c: r for c, r in register.shared.items() if r.kind != Compared.PHOTO}
    names = sorted({name for rule in rules.values() for name in _asked(register, rule)})
    query = select(model.path, model.id, *(getattr(model, name) for name in names))
    query = query.where(in_subtree(model.path, path))
    if after is not None:
        query = query.where(tuple_(model.path, model.id) > after)
    query = query.order_by(model.path, model.id).limit(_CHUNK).with_for_update(read=True)
    changes: dict[Value, dict[str, str | None]] = defaultdict(dict)
    lines = session.execute(query).all()
    for _path, key, *values in lines:
        for code in rules:
            said = _read(register, code, dict(zip(names, values, strict=True)), key)
            if said is not None:
                changes[said.value][key.hex] = said.home
    for value, owner, record in _photos(session, register, [line[1] for line in lines]):
        changes[value][owner] = record
    shared_values.write(session, changes)
    return (lines[-1][0], lines[-1][1]) if len(lines) == _CHUNK else None


def _photos(
    session: Session, register: Register, keys: Sequence[uuid.UUID]
) -> Iterator[tuple[Value, str, str]]:
    """What photos of these records say: value, file and record."""
    rules = {c: r for c, r in register.shared.items() if r.kind == Compared.PHOTO}
    of_records = Attachment.register == register.name, Attachment.record_id.in_(keys)
    files = session.scalars(select(Attachment).where(*of_records)) if rules and keys else ()
    for file in files:
        for code, rule in rules.items():
            if file.is_photo and file.field in rule.fields.split():
                value = shared_values.value(rule.kind, f"{register.name}.{code}", file.sha256)
                yield value, file.id.hex, file.record_id.hex


@job_kind(KIND, title="核对重复信息")
def compare(job: JobContext) -> dict[str, Any]:
    """The findings of all who say one of these values, some at a time."""
    register, code = get_register(job.args["register"]), job.args["code"]
    if register is None or code not in register.shared:
        return {"records": 0}
    rule, done = register.shared[code], 0
    for number, pair in enumerate(job.args["values"], 1):
        with joined(_WHY) as session:
            owners = shared_values.owners_of(session, Value(*pair))
            right = _number(rule, owners) >= least_of(session, rule)
        theirs = sorted(_records(rule, owners, {}))
        for first in range(0, len(theirs), _CHUNK):
            some = theirs[first : first + _CHUNK]
            with transaction(), joined(_WHY, writes=True) as session:
                _settle(session, {(register.name, code, key): right for key in some}, waits=True)
        done += len(theirs)
        job.progress(number, len(job.args["values"]))
    return {"records": done}


@daily_job("quality.compare_all", title="核对全部重复信息")
def compare_all(job: JobContext) -> dict[str, Any]:
    """All records of all registers whose rules look at others."""
    return {"changed": sum(mend(one) for one in all_registers() if one.shared)}
