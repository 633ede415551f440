"""Before the commit: what was noted is written, and the findings of who is concerned follow."""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from sqlalchemy import Text, inspect, select, type_coerce
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from app.access.scope import hold, joined
from app.core.db import db
from app.core.errors import Invalid
from app.core.i18n import _
from app.core.jobs.table import enqueue
from app.kernel import hooks
from app.kernel.declare.field import Compared, Shared
from app.kernel.declare.flow import Transition
from app.kernel.declare.quality import BROKEN, SEVERITIES
from app.kernel.declare.register import Register, get_register
from app.kernel.figures import rejudging, shared_values
from app.kernel.figures.comparing import photos, saying
from app.kernel.figures.comparing.noting import Change, noted
from app.kernel.figures.shared_values import Value
from app.kernel.hook import Having
from app.kernel.records import save as records

#: The job that sees to more records than a transaction does.
KIND = "quality.compare"
#: Records whose findings follow in the transaction that makes them; of more a job sees to it.
AT_ONCE = 20
WHY = "who says the same is an auditors' finding, wherever it lies"
#: Register, code of a rule and record -> is that its finding?
Wanted = dict[tuple[str, str, uuid.UUID], bool]


def apply(session: Session) -> None:
    """Write what was gathered, and let the findings of who is concerned follow."""
    pending = noted.of(session)
    changes: dict[Value, dict[str, Change]] = defaultdict(dict)
    for (value, owner), change in pending.items():
        changes[value][owner] = change
    pending.clear()
    told = shared_values.write(
        session, {v: {o: c.home for o, c in own.items()} for v, own in changes.items()}
    )
    wanted: Wanted = {}
    later: dict[tuple[str, str], set[Value]] = defaultdict(set)
    for value, own in changes.items():
        first = next(iter(own.values()))
        if not _judge(session, wanted, own, told[value]):
            later[first.register.name, first.code].add(value)
    left = settle(session, wanted) if wanted else set()
    for value, own in changes.items():  # somebody is just saving one of them
        first, owners = next(iter(own.values())), told[value] or {}
        if left & records_of(first.register.shared[first.code], owners, own):
            later[first.register.name, first.code].add(value)
    for (name, code), values in sorted(later.items()):
        args = {"register": name, "code": code, "values": sorted(map(list, values))}
        enqueue(KIND, args, owner=None)


def _judge(
    session: Session, wanted: Wanted, own: Mapping[str, Change], owners: Mapping[str, str] | None
) -> bool:
    """What follows from who says a value now; whether that is all, and no job has to see to others."""
    one = next(iter(own.values()))
    rule, name = one.register.shared[one.code], one.register.name
    if owners is None:
        return False
    least, n = saying.least_of(session, rule), number_of(rule, owners)
    broken = n >= least
    for owner, change in own.items():
        right = broken and change.concerned and owner in owners
        if right != change.kept or rule.kind == Compared.PHOTO:
            key = name, one.code, uuid.UUID(change.record)
            wanted[key] = right or wanted.get(key, False)
    others = {owner: home for owner, home in owners.items() if owner not in own}
    if not others or number_of(rule, others) >= least or n + len(own) < least:
        return True  # nobody else's finding is another one by that
    theirs = records_of(rule, others, {})
    if len(theirs) > AT_ONCE:
        return False
    for record in theirs:
        wanted.setdefault((name, one.code, record), broken)
    return True


def number_of(rule: Shared, owners: Mapping[str, str]) -> int:
    """How many households say it; of photos how often it is there."""
    return len(owners) if rule.kind == Compared.PHOTO else len(set(owners.values()))


def records_of(
    rule: Shared, owners: Mapping[str, str], own: Mapping[str, Change]
) -> set[uuid.UUID]:
    """Those that say it, and those that change."""
    keys = owners.values() if rule.kind == Compared.PHOTO else owners
    return {uuid.UUID(key) for key in (*keys, *(change.record for change in own.values()))}


def _everywhere(session: Session) -> AbstractContextManager[Session]:
    """A session in the same transaction that sees all areas."""
    return nullcontext(session) if "unscoped" in session.info else joined(WHY)


def settle(session: Session, wanted: Wanted, *, waits: bool = False) -> set[uuid.UUID]:
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
    needed = sorted({n for rule in register.shared.values() for n in saying.asked(register, rule)})
    names = [*counted, *(n for n in needed if hasattr(model, n) and n not in counted)]
    query = select(
        model.id, model.region_id, model.county_id, model.path,
        *(type_coerce(getattr(model, name), Text) for name in (BROKEN, SEVERITIES)),
        *(getattr(model, name) for name in names),
    ).where(model.id.in_(list(wanted))).order_by(model.id)  # fmt: skip
    rows = everywhere.execute(query.with_for_update(skip_locked=not waits)).all()
    twice = photos.twice(everywhere, register, wanted)
    new: list[dict[str, Any]] = []
    groups: Counter[Any] = Counter()
    places: set[tuple[int, str]] = set()
    for key, region_id, county_id, path, broken, severities, *said in rows:
        values = dict(zip(names, said, strict=True))
        before = rejudging.Verdict(broken, severities)
        codes = set(before.codes)
        for code, right in wanted[key].items():
            holding = right or (key, code) in twice
            holding = holding and saying.may_break(register, code, values)
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
