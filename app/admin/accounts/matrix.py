"""The whole matrix in force (spec 01 "Roles in the open"): role by capability by what it is about, beside
what the code's matrix says, with what is granted for a time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import distinct, func, select
from sqlalchemy.orm import Session

from app.access import policy, roles
from app.access.account import Account
from app.access.actor import SYSTEM, Actor, Capability, Duty, Kind
from app.access.divisions.regions import Level, Region, in_subtree
from app.access.grant import Grant, is_open
from app.access.policy import Most, role_name
from app.admin.accounts import role_rights
from app.core.errors import Forbidden
from app.core.i18n import _
from app.kernel.households.audit_words import register_title


@dataclass(frozen=True)
class Cell:
    """One capability of one role. ``about`` is all that it can be held for, ``held`` what it is held for and
    ``wanted`` what the matrix says; ``idle`` is stored beyond what the role may ever have, and does nothing.
    ``grantable``: what it may be granted for, for a time; ``granted``: to so many accounts of the own area just now.
    """

    capability: Capability
    about: tuple[str, ...]
    held: frozenset[str]
    wanted: frozenset[str]
    idle: frozenset[str]
    grantable: frozenset[str]
    granted: int

    @property
    def added(self) -> list[str]:
        """What it is held for beyond the matrix."""
        return [name for name in self.about if name in self.held - self.wanted]

    @property
    def taken(self) -> list[str]:
        """What the matrix says and the role lacks."""
        return [name for name in self.about if name in self.wanted - self.held]


@dataclass(frozen=True)
class Line:
    """One role: of a level and kind, or of a duty."""

    role: str
    cells: tuple[Cell, ...]

    @property
    def changed(self) -> bool:
        """Does it differ from the matrix?"""
        return any(cell.added or cell.taken for cell in self.cells)


def may_read(actor: Actor | None) -> bool:
    """Auditors at every level, and who may change it."""
    return actor is not None and (
        policy.may(Capability.AUDIT, actor=actor) or role_rights.may_change(actor)
    )


def require_reader() -> Actor:
    """:raises Forbidden: see :func:`may_read`."""
    actor = policy.current_actor()
    if actor is None or not may_read(actor):
        raise Forbidden(_("您的账号没有“%(what)s”的权限。", what=Capability.AUDIT.label))
    return actor


def lines(session: Session, actor: Actor) -> list[Line]:
    """Every role, from the ministry down, then the duties; two statements."""
    about = roles.subjects(role_rights.registers())
    stored = roles.in_force(session)
    wanted, ceilings = (of(role_rights.registers()) for of in (roles.defaults, roles.ceilings))
    granted = _granted(session, actor)
    return [
        Line(role, tuple(_cells(about, stored.get(role, set()), wanted[role], ceilings[role],
                                policy.on_grant(*key) if key else Most(frozenset()),
                                granted.get(key, {}) if key else {})))
        for role, key in _roles()
    ]  # fmt: skip


def _roles() -> Iterator[tuple[str, tuple[Level, Kind] | None]]:
    for key in policy.MATRIX:
        yield role_name(*key), key
    for duty in Duty:
        yield duty.zh, None


def _cells(
    about: list[str],
    stored: set[str],
    wanted: set[str],
    ceiling: set[str],
    grantable: Most,
    granted: Mapping[Capability, int],
) -> Iterator[Cell]:
    for capability in Capability:
        for_all = (SYSTEM,) if capability in policy.SYSTEM_ONLY else tuple(about)
        rights = {roles.right(capability, name): name for name in for_all}
        yield Cell(
            capability,
            for_all,
            held=frozenset(rights[one] for one in rights.keys() & stored & ceiling),
            wanted=frozenset(rights[one] for one in rights.keys() & wanted),
            idle=frozenset(rights[one] for one in rights.keys() & stored - ceiling),
            grantable=frozenset(one for one in for_all if grantable.has(capability, one)),
            granted=granted.get(capability, 0),
        )


def _granted(session: Session, actor: Actor) -> dict[tuple[Level, Kind], dict[Capability, int]]:
    """Level and kind -> capability -> how many accounts hold a grant in the actor's area today."""
    # asked for each of the few grants: for a join SQLite goes through all divisions
    place = select(Region.path).where(Region.id == Grant.region_id).scalar_subquery()
    query = (
        select(Account.level, Account.kind, Grant.capability, func.count(distinct(Account.id)))
        .join(Account, Account.id == Grant.account_id)
        .where(is_open(), Account.active, in_subtree(place, actor.path))
        .group_by(Account.level, Account.kind, Grant.capability)
    )
    found: dict[tuple[Level, Kind], dict[Capability, int]] = {}
    for level, kind, capability, count in session.execute(query):
        found.setdefault((Level(level), kind), {})[capability] = count
    return found


# ---- in words ------------------------------------------------------------------------------


def text(cell: Cell) -> str:
    """What the capability is held for; empty for nothing."""
    held = [name for name in cell.about if name in cell.held]
    lacking = [name for name in cell.about if name not in cell.held]
    if not held:
        return ""
    if not lacking:
        return _("全部") if len(held) > 1 else _("有")
    if len(lacking) <= len(held):
        return _("除%(what)s外全部", what=_named(lacking))
    return _("仅%(what)s", what=_named(held))


def changes(cell: Cell) -> list[str]:
    """How it differs from the matrix."""
    found = []
    if cell.added:
        found.append(_("增加：%(what)s", what=_changed(cell, cell.added)))
    if cell.taken:
        found.append(_("收回：%(what)s", what=_changed(cell, cell.taken)))
    return found


def notes(cell: Cell) -> list[str]:
    """What else there is to say: grants for a time, what is stored and does nothing."""
    found = []
    if cell.granted:
        found.append(_("限时授权：%(n)s 个账号", n=cell.granted))
    elif cell.grantable:
        everywhere = cell.grantable == frozenset(cell.about)
        what = _named(sorted(cell.grantable))
        found.append(_("可限时授权") if everywhere else _("可限时授权：%(what)s", what=what))
    if cell.idle:
        found.append(_("超出规定上限，不起作用：%(what)s", what=_named(sorted(cell.idle))))
    return found


def _changed(cell: Cell, names: list[str]) -> str:
    return _("全部") if len(names) == len(cell.about) else _named(names)


def _named(names: Collection[str]) -> str:
    return _("、").join(register_title(name) for name in names)
