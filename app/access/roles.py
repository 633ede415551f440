"""What FAB's roles hold: the matrix, merged in at every deploy, and what the ministry made of it since.

A right is written ``can_enter:lookback``: a permission of FAB and its view. :class:`RoleDefault` keeps what
deploys gave each role by themselves, so that a deploy can tell a right that the code gives anew from one
that a manager took: the first is given, the second stays taken.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping

from flask_appbuilder.security.sqla.models import (
    Permission,
    PermissionView,
    Role,
    ViewMenu,
    assoc_permissionview_role,
)
from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.access import policy
from app.access.actor import SYSTEM, Capability, Kind
from app.access.divisions.regions import Level
from app.access.policy import Most
from app.core.db import Model
from app.core.types import NfcText

#: Role -> its rights.
Rights = Mapping[str, set[str]]
_NAME = Permission.name + ":" + ViewMenu.name
#: Each role with each of its rights, with none where it has none.
_HELD = (
    select(Role.name, _NAME)
    .outerjoin(assoc_permissionview_role, assoc_permissionview_role.c.role_id == Role.id)
    .outerjoin(PermissionView, PermissionView.id == assoc_permissionview_role.c.permission_view_id)
    .outerjoin(Permission, Permission.id == PermissionView.permission_id)
    .outerjoin(ViewMenu, ViewMenu.id == PermissionView.view_menu_id)
)


class RoleDefault(Model):
    """One right that a deploy gave a role: what the matrix said when it was last merged in."""

    __tablename__ = "role_default"

    role: Mapped[str] = mapped_column(NfcText(64), primary_key=True)
    right: Mapped[str] = mapped_column(NfcText(360), primary_key=True)


def right(capability: Capability, subject: str = SYSTEM) -> str:
    """``can_enter:lookback``."""
    return f"{policy.PREFIX}{capability.value}:{subject}"


def subjects(registers: Iterable[str]) -> list[str]:
    """All that capabilities are held for: the system, registers, generated views."""
    return [SYSTEM, *registers, *sorted(policy.VIEWS)]


def defaults(registers: Iterable[str]) -> Rights:
    """What the matrix gives each role."""
    return _by_role(policy.given, registers)


def ceilings(registers: Iterable[str]) -> Rights:
    """What each role may ever have: all that its level and kind may, or what its duty is."""
    return _by_role(policy.ceiling, registers)


def _by_role(of: Callable[[Level, Kind], Most], registers: Iterable[str]) -> Rights:
    """Rights of the roles of levels and kinds, and those of duties."""
    held = subjects(registers)
    roles = {policy.role_name(*key): of(*key) for key in policy.MATRIX}
    roles |= {duty.zh: policy.of_duty(duty) for duty in policy.DUTIES}
    return {
        role: {
            right(capability, subject)
            for capability in Capability
            for subject in ([SYSTEM] if capability in policy.SYSTEM_ONLY else held)
            if most.has(capability, subject)
        }
        for role, most in roles.items()
    }


def in_force(session: Session) -> Rights:
    """What each role holds now."""
    found: dict[str, set[str]] = defaultdict(set)
    for role, name in session.execute(_HELD):
        found[role] |= {name} if name else set()
    return found


def sync(session: Session, registers: Iterable[str], *, whole: bool = True) -> None:
    """Merge the matrix into the roles; run at deploy, safe to repeat. What the code gives anew is given,
    what it gives no more is taken, the rest stays as a manager left it.

    ``whole``: the program has all its modules. One without some leaves what it does not know alone.
    """
    known = subjects(registers)
    ids = lock(session)
    wanted, held, before = defaults(registers), in_force(session), _recorded(session)
    for role in (*wanted, *(before.keys() - wanted.keys())):
        now, then = wanted.get(role, set()), before.get(role, set())
        gone = {name for name in then - now if whole or name.partition(":")[2] in known}
        if role not in ids:
            ids[role] = _added(session, Role, role)
        give(session, ids[role], now - then - held.get(role, set()))
        take(session, ids[role], gone & held.get(role, set()))
        session.add_all(RoleDefault(role=role, right=name) for name in sorted(now - then))
        session.flush()
        session.execute(
            delete(RoleDefault).where(RoleDefault.role == role, RoleDefault.right.in_(gone))
        )


def lock(session: Session) -> dict[str, int]:
    """The roles and their keys. Who changes a role asks here first: one after the other, as each decides
    by what the last one left.
    """
    # not held against who gives a role to an account
    query = select(Role.name, Role.id).order_by(Role.id).with_for_update(key_share=True)
    return dict(session.execute(query).all())


def give(session: Session, role_id: int, rights: Collection[str]) -> None:
    """Add rights that the role lacks."""
    pairs = add(session, rights)
    if pairs:
        values = [{"role_id": role_id, "permission_view_id": pair} for pair in sorted(pairs)]
        session.execute(insert(assoc_permissionview_role), values)


def take(session: Session, role_id: int, rights: Collection[str]) -> None:
    """Remove rights from the role; the rows of permissions stay."""
    pairs = [key for name, key in _pairs(session).items() if name in rights] if rights else []
    if pairs:
        held = assoc_permissionview_role.c
        session.execute(
            delete(assoc_permissionview_role).where(
                held.role_id == role_id, held.permission_view_id.in_(pairs)
            )
        )


def add(session: Session, rights: Collection[str]) -> set[int]:
    """FAB's rows of these rights, added where they are missing; nobody holds a new one."""
    if not rights:
        return set()
    pairs = _pairs(session)
    for name in sorted(set(rights) - pairs.keys()):
        permission, _colon, subject = name.partition(":")
        pair = PermissionView(
            permission_id=_added(session, Permission, permission),
            view_menu_id=_added(session, ViewMenu, subject),
        )
        session.add(pair)
        session.flush()
        pairs[name] = pair.id
    return {pairs[name] for name in rights}


def missing(session: Session, rights: Iterable[str]) -> set[str]:
    """Of these rights the ones that have no row yet."""
    return set(rights) - _pairs(session).keys()


def forget(session: Session, known: Collection[str]) -> None:
    """Delete rights on subjects that are neither ``known`` nor recorded by the last deploy: a program
    without some modules knows less than the database.
    """
    recorded = {name.partition(":")[2] for rights in _recorded(session).values() for name in rights}
    strange = select(ViewMenu.id).where(ViewMenu.name.not_in({*known, *recorded}))
    pairs = select(PermissionView.id).where(PermissionView.view_menu_id.in_(strange))
    held = assoc_permissionview_role.c.permission_view_id
    session.execute(delete(assoc_permissionview_role).where(held.in_(pairs)))
    for model, key in ((PermissionView, PermissionView.view_menu_id), (ViewMenu, ViewMenu.id)):
        query = delete(model).where(key.in_(strange.scalar_subquery()))
        session.execute(query.execution_options(synchronize_session=False))


def changed(session: Session, registers: Iterable[str]) -> dict[str, tuple[set[str], set[str]]]:
    """Role -> what it has beyond the matrix, what of the matrix it lacks; only those that differ."""
    wanted, held = defaults(registers), in_force(session)
    differences = {
        role: (
            held.get(role, set()) - wanted.get(role, set()),
            wanted.get(role, set()) - held.get(role, set()),
        )
        for role in wanted.keys() | held.keys()
    }
    return {role: both for role, both in differences.items() if any(both)}


def _pairs(session: Session) -> dict[str, int]:
    query = (
        select(_NAME, PermissionView.id)
        .select_from(PermissionView)
        .join(Permission, Permission.id == PermissionView.permission_id)
        .join(ViewMenu, ViewMenu.id == PermissionView.view_menu_id)
    )
    return dict(session.execute(query).all())


def _recorded(session: Session) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for role, name in session.execute(select(RoleDefault.role, RoleDefault.right)):
        found[role].add(name)
    return dict(found)


def _added(session: Session, model: type[Role | Permission | ViewMenu], name: str) -> int:
    """The key of the row of that name, which is added where there is none."""
    found = session.scalar(select(model.id).where(model.name == name))
    if found is None:
        row = model(name=name)
        session.add(row)
        session.flush()
        found = row.id
    return int(found)
