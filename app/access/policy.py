"""The one place that answers "may this account do that to this row" and "which rows".

Roles are FAB's: one for each level and kind, one for each duty, filled at deploy from
:data:`MATRIX` and :data:`DUTIES` (spec 01, the table of permissions; app.access.roles merges them in) and
changed by the ministry since, never beyond :func:`ceiling`; accounts get them from
app.admin.accounts.changing alone. A right is FAB's own row: the permission ``can_enter`` on the view
``lookback``. An account's rights are read once a request into an :class:`Actor`, grants that end by
themselves with them.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from flask_appbuilder.security.sqla.models import (
    Permission,
    PermissionView,
    Role,
    ViewMenu,
    assoc_permissionview_role,
    assoc_user_role,
)
from sqlalchemy import String, case, func, or_, select, type_coerce
from sqlalchemy.orm import Session

from app.access.account import Account
from app.access.actor import SYSTEM, Actor, Capability, Duty, Kind, RegisterAccess
from app.access.divisions.regions import Level, Region, in_subtree, within
from app.access.entry import ENTRIES
from app.access.grant import Grant, is_open
from app.access.scope import acting_as, current_actor
from app.core.db import db
from app.core.errors import Forbidden, NotFound
from app.core.i18n import _

__all__ = [
    "DUTIES",
    "GRANTABLE",
    "MATRIX",
    "ON_DUTY",
    "PREFIX",
    "SYSTEM_ONLY",
    "VIEWS",
    "Most",
    "actor_of",
    "as_account",
    "ceiling",
    "current_actor",
    "enters",
    "given",
    "may",
    "of_duty",
    "on_duty",
    "on_grant",
    "require",
    "rights_of",
    "role_name",
    "rows",
]

#: What the names of permissions begin with in FAB's tables, before the capability.
PREFIX = "can_"
#: Subject -> title of the views that FAB generates from models: capabilities are held in them as in
#: registers. Filled when the views are made.
VIEWS: dict[str, Any] = {}

_C = Capability
_READ = {_C.SEARCH, _C.EXPORT_STATISTICS}
_MANAGER_ABOVE = _READ | {
    _C.SPOT_CHECK,
    _C.IMPORT_LIST,
    _C.APPROVE_MOVE,
    _C.EXPORT,
    _C.MANAGE_USERS,
    _C.AUDIT,
    _C.MAINTAIN_REGIONS,
    _C.QUOTAS,
    _C.SETTINGS,
}

#: spec 01 §Users, the table, line by line; registers that say themselves who enters are left out here
#: (:data:`app.access.entry.ENTRIES`).
MATRIX: dict[tuple[Level, Kind], frozenset[Capability]] = {
    (Level.NATION, Kind.MANAGER): frozenset(_MANAGER_ABOVE),
    (Level.NATION, Kind.ORDINARY): frozenset(_READ),
    (Level.PROVINCE, Kind.MANAGER): frozenset(_MANAGER_ABOVE),
    (Level.PROVINCE, Kind.ORDINARY): frozenset(_READ),
    (Level.CITY, Kind.MANAGER): frozenset(_MANAGER_ABOVE),
    (Level.CITY, Kind.ORDINARY): frozenset(_READ),
    (Level.COUNTY, Kind.MANAGER): frozenset(_MANAGER_ABOVE | {_C.ENTER, _C.REVIEW, _C.RESTORE}),
    (Level.COUNTY, Kind.ORDINARY): frozenset(_READ),
    (Level.TOWN, Kind.MANAGER): frozenset(_READ | {_C.ENTER, _C.EXPORT, _C.CHECK}),
    (Level.TOWN, Kind.CLERK): frozenset(_READ | {_C.ENTER}),
    (Level.VILLAGE, Kind.CLERK): frozenset(_READ | {_C.ENTER}),
}

#: What a duty adds. 系统管理员 is the manager's own duty and adds nothing to the matrix.
DUTIES: dict[Duty, frozenset[Capability]] = {
    Duty.ADMINISTRATOR: frozenset(),
    Duty.REVIEWER: frozenset({_C.REVIEW}),
    Duty.COLLECTOR: frozenset({_C.ENTER}),
}

#: What duties may add at a level and kind ("on duty" of the table). A duty given to anybody else
#: adds nothing: a clerk who is made 信息审核员 still reviews nothing.
ON_DUTY: dict[tuple[Level, Kind], frozenset[Capability]] = {
    (Level.COUNTY, Kind.ORDINARY): frozenset({_C.ENTER, _C.REVIEW}),
}

#: What may be granted for a time ("on grant" of the table), see :mod:`app.access.grant`.
GRANTABLE: dict[tuple[Level, Kind], frozenset[Capability]] = {
    (Level.CITY, Kind.MANAGER): frozenset({_C.ENTER}),
    (Level.COUNTY, Kind.ORDINARY): frozenset({_C.SPOT_CHECK, _C.APPROVE_MOVE}),
}

#: What is left in a register that an account may only read.
_READING = _READ | {_C.EXPORT}
#: Subjects that no account's list of registers closes: the system, and the households themselves.
_ALWAYS_OPEN = (SYSTEM, "household")

#: Capabilities that belong to no register.
SYSTEM_ONLY = frozenset({_C.MANAGE_USERS, _C.AUDIT, _C.MAINTAIN_REGIONS, _C.SETTINGS})


def role_name(level: Level, kind: Kind) -> str:
    """Name of the FAB role of a level and kind, e.g. 县级管理用户."""
    return f"{level.zh}{kind.zh}"


@dataclass(frozen=True, slots=True)
class Most:
    """Capabilities that may be held: of every subject the ``usual`` ones; of those that say themselves who
    enters, to enter in ``entered`` alone.
    """

    usual: frozenset[Capability]
    entered: frozenset[str] = frozenset()

    def has(self, capability: str, subject: str) -> bool:
        """Is this one of them?"""
        if capability == Capability.ENTER and subject in ENTRIES:
            return subject in self.entered
        return capability in self.usual


_NOTHING: frozenset[Capability] = frozenset()


def given(level: Level, kind: Kind) -> Most:
    """What the role of a level and kind is given."""
    key = level, kind
    entered = frozenset(name for name, entry in ENTRIES.items() if key in entry.by)
    return Most(MATRIX.get(key, _NOTHING), entered)


def ceiling(level: Level, kind: Kind) -> Most:
    """All that an account of this level and kind may ever have, whatever its role says."""
    key = level, kind
    usual = MATRIX.get(key, _NOTHING) | ON_DUTY.get(key, _NOTHING) | GRANTABLE.get(key, _NOTHING)
    return Most(usual, frozenset(name for name, entry in ENTRIES.items() if key in entry.roles))


def on_duty(level: Level, kind: Kind) -> Most:
    """What duties may add at a level and kind."""
    return Most(ON_DUTY.get((level, kind), _NOTHING))


def of_duty(duty: Duty) -> Most:
    """What the role of a duty is given."""
    return Most(DUTIES[duty])


def on_grant(level: Level, kind: Kind) -> Most:
    """What a level and kind may be granted for a time: of registers that say themselves who enters, only where
    the grant names the register.
    """
    key = level, kind
    entered = frozenset(name for name, entry in ENTRIES.items() if key in entry.on_grant)
    return Most(GRANTABLE.get(key, _NOTHING), entered)


_DUTY_ROLES = [duty.zh for duty in Duty]
#: Roles whose rights count; another one that somebody made with FAB gives nothing.
_ROLES = [*(role_name(*key) for key in MATRIX), *_DUTY_ROLES]
#: What ends a right that a duty gives, one of a grant that names its register, and what stands between the
#: rights of roles and of grants.
_BY_DUTY, _BY_NAME, _THEN_GRANTS = "+", "!", "|"


def rights_of(account_id: Any) -> Any:
    """SQL: all rights of an account as one text, so that they come in the statement that reads the
    account: ``can_search:lookback`` from its role, ``can_review:lookback+`` from a duty, after a bar
    ``can_enter:lookback@0.0r.01.05.`` from grants, ``can_enter:archive!@0.0r.01.05.`` from one that names
    the register.
    """
    named = case((Grant.register.is_(None), ""), else_=_BY_NAME)
    path = type_coerce(Region.path, String)
    granted = (
        select(
            func.aggregate_strings(Permission.name + ":" + ViewMenu.name + named + "@" + path, ",")
        )
        .select_from(Grant)
        .join(Region, Region.id == Grant.region_id)
        .join(Permission, Permission.name == PREFIX + type_coerce(Grant.capability, String))
        .join(PermissionView, PermissionView.permission_id == Permission.id)
        .join(ViewMenu, ViewMenu.id == PermissionView.view_menu_id)
        .where(
            Grant.account_id == account_id,
            or_(Grant.register.is_(None), Grant.register == ViewMenu.name),
            is_open(),
        )
        .scalar_subquery()
    )
    from_duty = case((Role.name.in_(_DUTY_ROLES), _BY_DUTY), else_="")
    held = (
        select(func.aggregate_strings(Permission.name + ":" + ViewMenu.name + from_duty, ","))
        .select_from(assoc_user_role)
        .join(Role, Role.id == assoc_user_role.c.role_id)
        .join(assoc_permissionview_role, assoc_permissionview_role.c.role_id == Role.id)
        .join(PermissionView, PermissionView.id == assoc_permissionview_role.c.permission_view_id)
        .join(Permission, Permission.id == PermissionView.permission_id)
        .join(ViewMenu, ViewMenu.id == PermissionView.view_menu_id)
        .where(
            assoc_user_role.c.user_id == account_id,
            Role.name.in_(_ROLES),
            Permission.name.startswith(PREFIX, autoescape=True),
        )
        .scalar_subquery()
    )
    return func.coalesce(held, "") + _THEN_GRANTS + func.coalesce(granted, "")


def actor_of(session: Session, account: Account) -> Actor:
    """The account as an actor; its rights are read unless they came with it."""
    if account.region_id is None or account.path is None:
        raise Forbidden(_("该账号没有所属地区，请联系上级管理用户。"))
    rights = account.rights
    if rights is None:
        rights = session.scalar(select(rights_of(account.id))) or ""
    capabilities, limits = _read_rights(rights, account)
    return Actor(
        account_id=account.uuid,
        login=account.username,
        name=account.first_name,
        level=Level(account.level),
        kind=account.kind,
        region_id=account.region_id,
        path=account.path,
        contact_name=account.contact_name or "",
        contact_phone=account.contact_phone or account.phone or "",
        capabilities=capabilities,
        limits=limits,
    )


_Pair = tuple[str, str]
_Limits = Mapping[_Pair, tuple[str, ...]]
#: Register -> access, of an account that has a list of registers; generated views are open to all.
_OpenTo = tuple[tuple[str, str], ...] | None
_UNLIMITED: _Limits = MappingProxyType({})


def _read_rights(rights: str, account: Account) -> tuple[frozenset[_Pair], _Limits]:
    """What of the text of :func:`rights_of` counts at the account's level and kind and in the
    registers that it may use; and the divisions to which grants are limited.
    """
    key = Level(account.level), account.kind
    held, _bar, granted = rights.partition(_THEN_GRANTS)
    open_to = None
    if account.registers is not None:
        views = dict.fromkeys(VIEWS, RegisterAccess.ENTER.value)
        open_to = tuple(sorted((account.registers | views).items()))
    whole = _held(held, ceiling(*key), on_duty(*key), open_to)
    if not granted:
        return whole, _UNLIMITED
    more, limited = _granted(granted, on_grant(*key), account.path or "", open_to)
    whole |= more
    limits = {pair: tuple(sorted(areas)) for pair, areas in limited.items() if pair not in whole}
    return whole | limits.keys(), limits


@lru_cache(maxsize=512)
def _held(held: str, by_role: Most, by_duty: Most, open_to: _OpenTo) -> frozenset[_Pair]:
    """What an account's roles give. Kept by all that it is worked out from, which is the same for most
    accounts of a level: nothing is remembered of the accounts themselves.
    """
    return frozenset(
        (name, subject)
        for name, said in _pairs(held)
        for subject in [said.removesuffix(_BY_DUTY)]
        if (by_role if subject == said else by_duty).has(name, subject)
        and _register_allows(open_to, name, subject)
    )


def _granted(
    granted: str, grantable: Most, path: str, open_to: _OpenTo
) -> tuple[frozenset[_Pair], dict[_Pair, list[str]]]:
    """What grants give everywhere in the account's area, and what in some divisions of it."""
    whole: set[_Pair] = set()
    limited: dict[_Pair, list[str]] = {}
    for name, rest in _pairs(granted):
        said, _at, area = rest.partition("@")
        subject = said.removesuffix(_BY_NAME)
        if subject == said and subject in ENTRIES:
            continue
        if not grantable.has(name, subject) or not _register_allows(open_to, name, subject):
            continue
        if within(path, area):
            whole.add((name, subject))
        elif within(area, path):
            limited.setdefault((name, subject), []).append(area)
    return frozenset(whole), limited


def _pairs(rights: str) -> Iterator[_Pair]:
    for right in filter(None, rights.split(",")):
        name, _colon, rest = right.removeprefix(PREFIX).partition(":")
        yield name, rest


def _register_allows(open_to: _OpenTo, capability: str, subject: str) -> bool:
    if open_to is None or subject in _ALWAYS_OPEN:
        return True
    allowed = dict(open_to).get(subject)
    return allowed == RegisterAccess.ENTER or (
        allowed == RegisterAccess.READ and capability in _READING
    )


def enters(account: Account, rights: str, subject: str) -> bool:
    """May this account, whose ``rights`` :func:`rights_of` told, still enter what stands in register
    ``subject``? A grant that it holds for some divisions counts.
    """
    if not account.active or account.locked_at is not None or account.path is None:
        return False
    return (Capability.ENTER, subject) in _read_rights(rights, account)[0]


@contextmanager
def as_account(account_id: uuid.UUID | None) -> Iterator[Actor | None]:
    """A job acts with the rights that the account has now; None is the system, which has none.

    :raises Forbidden: the account is gone, closed or locked.
    """
    if account_id is None:
        yield None
        return
    account = db.session.scalar(select(Account).where(Account.uuid == account_id))
    if account is None or not account.active:
        raise Forbidden(_("该账号已注销，不能继续处理。"))
    if account.locked_at is not None:
        raise Forbidden(_("该账号已被封闭，不能继续处理。"))
    with acting_as(replace(actor_of(db.session, account), in_job=True)) as actor:
        yield actor


def may(
    capability: Capability, subject: str = SYSTEM, row: Any = None, *, actor: Actor | None = None
) -> bool:
    """May the actor do this in register ``subject``, and to ``row`` (anything with a path)?"""
    actor = actor or current_actor()
    if actor is None or not actor.has(capability, subject):
        return False
    if row is None:
        return True
    return any(within(row.path, area) for area in actor.areas(capability, subject))


def rows(
    model: Any, capability: Capability, subject: str = SYSTEM, *, actor: Actor | None = None
) -> Any:
    """SQL condition for the rows of ``model`` for which :func:`may` says yes."""
    actor = actor or current_actor()
    areas = actor.areas(capability, subject) if actor else ()
    if not areas:
        return model.path < ""
    return or_(*(in_subtree(model.path, area) for area in areas))


def require(capability: Capability, subject: str = SYSTEM, row: Any = None) -> Actor:
    """The actor, or Forbidden (no such right) or NotFound (the row lies outside)."""
    actor = current_actor()
    if actor is None or not actor.has(capability, subject):
        raise Forbidden(_("您的账号没有“%(what)s”的权限。", what=capability.label))
    if row is not None and not may(capability, subject, row, actor=actor):
        raise NotFound(_("没有找到该记录。"))
    return actor
