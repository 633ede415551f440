"""Who creates and manages whom (spec 01 §Users, 谁创建，谁管理; 2009 §三).

A manager creates and manages the managers of the next level down and the ordinary users of its own
division; a county manager also town managers and the clerks of towns and villages. So every account
has one division whose manager manages it, and that follows from its own level, kind and place: who
succeeds a manager manages what that one created.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, func, or_

from app.access.account import Account
from app.access.actor import Actor, Capability, Duty, Kind
from app.access.divisions.regions import Level, Region, in_subtree, within

Role = tuple[Level, Kind]

#: level of a manager -> the roles it creates, in the order of its choices.
CREATES: dict[Level, tuple[Role, ...]] = {
    Level.NATION: ((Level.NATION, Kind.ORDINARY), (Level.PROVINCE, Kind.MANAGER)),
    Level.PROVINCE: (
        (Level.PROVINCE, Kind.ORDINARY),
        (Level.CITY, Kind.MANAGER),
        (Level.COUNTY, Kind.MANAGER),  # of the counties directly under a province
    ),
    Level.CITY: ((Level.CITY, Kind.ORDINARY), (Level.COUNTY, Kind.MANAGER)),
    Level.COUNTY: (
        (Level.COUNTY, Kind.ORDINARY),
        (Level.TOWN, Kind.MANAGER),
        (Level.TOWN, Kind.CLERK),
        (Level.VILLAGE, Kind.CLERK),
    ),
}

_LABEL = 3  # characters that a province, city or county adds to a path


def creates(actor: Actor) -> tuple[Role, ...]:
    """The roles that the account may give to new ones."""
    return CREATES.get(actor.level, ()) if actor.has(Capability.MANAGE_USERS) else ()


def managing_path(level: Level, kind: Kind, path: str) -> str | None:
    """The path of the division whose manager manages accounts of that role there; None for the
    ministry's manager, whom only the machine's administrator can make.
    """
    if level >= Level.TOWN:
        steps = level - Level.COUNTY
    else:
        steps = 1 if kind == Kind.MANAGER else 0
    if level == Level.NATION and steps:
        return None
    labels = path.rstrip(".").split(".")
    return ".".join(labels[: len(labels) - steps]) + "."


def may_create(actor: Actor, role: Role, region: Region) -> bool:
    """May the account create one of that role in that division?"""
    return (
        role in creates(actor)
        and region.level == role[0]
        and not region.structural
        and managing_path(*role, region.path) == actor.path
    )


def manages(actor: Actor, account: Account) -> bool:
    """Does the account manage that one? Never itself, a peer, or one above."""
    if not actor.has(Capability.MANAGE_USERS) or account.path is None:
        return False
    above = managing_path(Level(account.level), account.kind, account.path)
    return above == actor.path and account.uuid != actor.account_id


def may_reset(actor: Actor, account: Account) -> bool:
    """A password is reset by the manager of the account, any by the ministry's (spec 01)."""
    if account.path is None or not actor.has(Capability.MANAGE_USERS):
        return False
    ministry = actor.level == Level.NATION and account.uuid != actor.account_id
    return manages(actor, account) or (ministry and within(account.path, actor.path))


def managed(actor: Actor) -> ColumnElement[bool]:
    """:func:`manages` as SQL over :class:`Account`."""
    if not actor.has(Capability.MANAGE_USERS):
        return Account.id < 0
    own = and_(Account.path == actor.path, Account.kind == Kind.ORDINARY)
    below: ColumnElement[bool] = and_(
        Account.kind == Kind.MANAGER,
        Account.level <= Level.COUNTY,
        func.length(Account.path) == len(actor.path) + _LABEL,
    )
    if actor.level == Level.COUNTY:
        below = Account.level >= Level.TOWN
    return and_(in_subtree(Account.path, actor.path), or_(own, below))


def visible(actor: Actor) -> ColumnElement[bool]:
    """The accounts of the actor's division and below, which it may look at."""
    return in_subtree(Account.path, actor.path)


def duties_of(level: Level, kind: Kind) -> tuple[Duty, ...]:
    """The duties that go with a role: 系统管理员 with managers, 信息采集员 with clerks."""
    if kind == Kind.MANAGER and level < Level.TOWN:
        return (Duty.ADMINISTRATOR,)
    return (Duty.COLLECTOR,) if level >= Level.TOWN else ()


def duties_to_choose(level: Level, kind: Kind) -> tuple[Duty, ...]:
    """The duties that change what the role may do, which its manager grants."""
    if (level, kind) == (Level.COUNTY, Kind.ORDINARY):
        return (Duty.REVIEWER, Duty.COLLECTOR)
    return ()


def has_register_list(level: Level, kind: Kind) -> bool:
    """May the account be limited to some registers? Managers of an area never are."""
    return kind != Kind.MANAGER or level >= Level.TOWN
