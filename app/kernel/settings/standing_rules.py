"""Corrections that hold for later records: where a field would become the old value it becomes the new one.

A rule holds at or below the division whose managers made it; of several for one value the nearest one. It
is asked where values are saved, by whichever way they come; what was typed stands in the record's history.
A value that the record already has is nobody's new value and stays.

What is in force is read once by each process and again when anything changes, which the version of the
lists of choices tells: a save asks the database nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, or_, select

from app.access import policy
from app.access.actor import Actor, Capability, Kind
from app.access.audit import log as audit
from app.access.audit.log import Act
from app.access.divisions.regions import ancestor_paths, in_subtree, within
from app.core.clock import now
from app.core.db import db
from app.core.errors import Conflict, Forbidden, NotFound
from app.core.i18n import _, mark, translate
from app.kernel.declare import choice_lists
from app.kernel.declare.field import Field
from app.kernel.declare.register import Register
from app.kernel.kinds.values import to_json
from app.kernel.rows.correction import Correction, StandingRule

#: What histories call it.
STEP, LABEL = "mended", mark("按更正规则改正")


@dataclass(frozen=True)
class Mended:
    """A value that a rule replaced: what was said, and what stands now."""

    field: str
    raw: Any
    value: Any


@dataclass(frozen=True)
class _Held:
    path: str
    new: Any


_Rules = Mapping[tuple[str, str], Sequence[_Held]]
_kept: dict[str, tuple[uuid.UUID | None, _Rules]] = {}


def mended(
    register: Register, values: Mapping[str, Any], path: str, held: Mapping[str, Any]
) -> tuple[Mapping[str, Any], list[Mended]]:
    """``values`` with what the rules at ``path`` make of them, and what of that is to be told: ``held`` is
    what the record says already.
    """
    rules = _in_force(register)
    if not rules:
        return values, []
    found = [
        Mended(name, value, new)
        for name, value in values.items()
        if to_json(value) != to_json(held.get(name))
        for new in _replaced(register.fields[name], value, path, rules)
    ]
    told = [one for one in found if to_json(one.value) != to_json(held.get(one.field))]
    return {**values, **{one.field: one.value for one in found}}, told


def _replaced(made: Field, value: Any, path: str, rules: _Rules) -> Iterable[Any]:
    """What the nearest rule makes of the value, if one holds here and its value may be chosen today."""
    near = [one for one in rules.get(_key(made.name, to_json(value)), ()) if within(path, one.path)]
    if not near:
        return
    new = made.parse(max(near, key=lambda one: len(one.path)).new)
    if all(
        part.source_list is None or choice_lists.is_offered(part.source_list, code)
        for part, code in made.choices_in(new)
    ):
        yield new


def told(register: Register, one: Mended) -> str:
    """What was said before a rule, and what stands now, in words."""
    made = register.fields[one.field]
    return _(
        "%(what)s：原填“%(raw)s”，改为“%(value)s”",
        what=translate(made.label), raw=made.text(one.raw), value=made.text(one.value) or _("未填"),
    )  # fmt: skip


def raw(found: Sequence[Mended]) -> dict[str, Any]:
    """What the audit log keeps of it."""
    return {"raw": {one.field: to_json(one.raw) for one in found}} if found else {}


def _in_force(register: Register) -> _Rules:
    version = choice_lists.version()
    kept = _kept.get(register.name)
    if kept is None or kept[0] != version:
        kept = _kept[register.name] = (version, _read(register))
    return kept[1]


def _read(register: Register) -> _Rules:
    query = select(StandingRule).where(
        StandingRule.register == register.name, StandingRule.off_at.is_(None)
    )
    found: dict[tuple[str, str], list[_Held]] = {}
    for rule in db.session.scalars(query.order_by(StandingRule.made_at)):
        if rule.field in register.fields:
            held = _Held(rule.path, rule.new)
            found.setdefault(_key(rule.field, rule.old), []).append(held)
    return found


def _key(name: str, said: Any) -> tuple[str, str]:
    return name, repr(said)


# ---- made, listed, switched off -----------------------------------------------------------------


def may_make(register: Register, actor: Actor) -> bool:
    """What holds for others' records is said by the managers of their division, who may enter all of them: not
    by one to whom parts of it are granted.
    """
    whole = actor.areas(Capability.ENTER, register.name) == (actor.path,)
    return actor.kind == Kind.MANAGER and whole


def make(
    register: Register, name: str, pairs: Iterable[tuple[Any, Any]], reason: str, actor: Actor
) -> int:
    """Keep rules for the account's area: old value -> new one, as forms have them. One for the same old
    value there is replaced. Gives how many; the caller commits.

    :raises Forbidden: the account is no manager's, or may not enter everywhere in its area.
    """
    if not may_make(register, actor):
        raise Forbidden(_("只有可以在整个辖区录入的管理用户才能设置更正规则。"))
    here = [rule for rule in _of(register.name, name) if rule.path == actor.path]
    n = 0
    for old, new in pairs:
        for rule in here:
            if rule.old == old:
                _switch_off(rule, actor)
        db.session.add(
            StandingRule(
                register=register.name, field=name, old=old, new=new, reason=reason,
                region_id=actor.region_id, path=actor.path,
                account_name=f"{actor.login} {actor.name}",
            )
        )  # fmt: skip
        made = register.fields[name]
        detail = {"field": name, "standing_rule": said(made, old, new), "reason": reason}
        audit.record(
            db.session, Act.SETTING, register=register.name, path=actor.path, detail=detail
        )
        n += 1
    _read_anew()
    return n


def listed(register: Register) -> Select[StandingRule]:
    """Those that hold in the account's area or a part of it, newest first; those that are off too."""
    actor = policy.require(Capability.ENTER, register.name)
    above = StandingRule.path.in_(ancestor_paths(actor.path))
    query = select(StandingRule).where(
        StandingRule.register == register.name,
        or_(above, in_subtree(StandingRule.path, actor.path)),
    )
    return query.order_by(StandingRule.made_at.desc(), StandingRule.id)


def outlive(row: Correction) -> bool:
    """Does a rule that was kept with this correction still hold? To undo what was corrected leaves it."""
    here = [rule for rule in _of(row.register, row.field) if rule.path == row.path]
    return any([rule.old, rule.new] in row.pairs for rule in here)


def may_switch_off(rule: StandingRule, actor: Actor) -> bool:
    """Managers of its division and of those above it may, where they may enter."""
    areas = actor.areas(Capability.ENTER, rule.register)
    mine = actor.kind == Kind.MANAGER and any(within(rule.path, area) for area in areas)
    return rule.off_at is None and mine


def switch_off(register: Register, rule_id: uuid.UUID) -> StandingRule:
    """From now on it holds no more; what it made stays. The caller commits.

    :raises NotFound: none of these. :raises Forbidden: another division's. :raises Conflict: it is off.
    """
    actor = policy.require(Capability.ENTER, register.name)
    rule = db.session.scalar(listed(register).where(StandingRule.id == rule_id))
    if rule is None:
        raise NotFound(_("没有找到这条更正规则。"))
    if rule.off_at is not None:
        raise Conflict(_("这条更正规则已经停用。"))
    if not may_switch_off(rule, actor):
        raise Forbidden(_("这条更正规则由%(who)s设置，您不能停用。", who=rule.account_name))
    _switch_off(rule, actor)
    detail = {"standing_rule": False, "changes": {rule.field: [rule.new, rule.old]}}
    audit.record(db.session, Act.SETTING, register=register.name, path=rule.path, detail=detail)
    _read_anew()
    return rule


def said(made: Field, old: Any, new: Any) -> str:
    """An old value and what it becomes, in words."""
    texts = [made.said(value) or _("未填") for value in (old, new)]
    return _("%(old)s → %(new)s", old=texts[0], new=texts[1])


def _switch_off(rule: StandingRule, actor: Actor) -> None:
    rule.off_at, rule.off_by = now(), f"{actor.login} {actor.name}"


def _of(register: str, name: str) -> list[StandingRule]:
    """Those in force for a field."""
    query = select(StandingRule).where(
        StandingRule.register == register,
        StandingRule.field == name,
        StandingRule.off_at.is_(None),
    )
    return list(db.session.scalars(query))


def _read_anew() -> None:
    """Every process reads what is in force once more."""
    db.session.flush()
    choice_lists.touch(db.session)
    choice_lists.forget()
