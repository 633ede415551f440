"""One account for each town or village of a county in one go (spec 01 §Users)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import literal, select
from sqlalchemy.orm import Session

from app.access import policy
from app.access.account import Account
from app.access.accounts import allowances, managing
from app.access.accounts import names as account_names
from app.access.accounts.allowances import AllowanceFull
from app.access.accounts.managing import Role
from app.access.actor import Actor, Capability, Kind
from app.access.divisions.regions import Level, Region, in_subtree
from app.admin.accounts import changing as accounts
from app.core.errors import BadInput, Forbidden
from app.core.i18n import _

#: What is made for all towns or villages, as a county manager may create it.
ROLES: tuple[Role, ...] = (
    (Level.VILLAGE, Kind.CLERK),
    (Level.TOWN, Kind.CLERK),
    (Level.TOWN, Kind.MANAGER),
)
_NAME = 50


@dataclass(frozen=True)
class Plan:
    """What would be made: an account named so for each division that has none of its kind."""

    role: Role
    regions: Sequence[Region]
    names: Mapping[int, str]
    have: int

    @property
    def logins(self) -> list[str]:
        return [self.names[region.id] for region in self.regions]


@dataclass(frozen=True)
class Made:
    """An account to be: with its first password, for the paper, and what is stored of it."""

    region: Region
    login: str
    password: str
    secret: str


def require(role: Role) -> Actor:
    """:raises Forbidden: the actor makes no such accounts."""
    actor = policy.require(Capability.MANAGE_USERS)
    if role not in ROLES or role not in managing.creates(actor):
        raise Forbidden(_("您的账号不能批量创建这种用户。"))
    return actor


def plan(session: Session, role: Role) -> Plan:
    """The divisions of the role's level in the actor's county that have no open account of it.

    :raises AllowanceFull: all of them would not fit. :raises BadInput: no name is free.
    """
    actor = require(role)
    level, kind = role
    has_one = (
        select(literal(1))
        .where(
            Account.path == Region.path,
            Account.level == int(level),
            Account.kind == kind,
            Account.active.is_(True),
        )
        .exists()
    )
    own = (in_subtree(Region.path, actor.path), Region.level == level, ~Region.structural)
    regions = list(session.scalars(select(Region).where(*own, ~has_one).order_by(Region.path)))
    for region in regions:  # they outlive this transaction, and are not read anew one by one
        session.expunge(region)
    taken = select(Account.path).where(
        in_subtree(Account.path, actor.path), Account.level == int(level), Account.kind == kind,
        Account.active.is_(True),
    )  # fmt: skip
    have = len(set(session.scalars(taken)))
    _require_room(session, actor, role, len(regions))
    names = account_names.suggest(session, regions, kind)
    if lacking := [region.name for region in regions if region.id not in names]:
        text = _("以下地区建议的账号已用完，请逐个新增：%(names)s")
        raise BadInput(text % {"names": _("、").join(lacking[:10])})
    return Plan(role, regions, names, have)


def create_all(session: Session, planned: Plan, made: Sequence[Made]) -> bool:
    """Put them into the session, if the plan is still what is wanted; the caller commits.

    False when accounts or divisions changed since: plan anew.
    """
    actor = require(planned.role)
    allowances.lock(session, actor.region_id)
    again = plan(session, planned.role)
    if again.names != planned.names or [r.id for r in again.regions] != [
        r.id for r in planned.regions
    ]:
        return False
    kind = planned.role[1]
    for one in made:
        details = accounts.Details(name=one.region.name[:_NAME])
        account = accounts.new_account(session, one.region, kind, one.login, details)
        account.password = one.secret
        accounts.note_created(session, account, one.region, details)
    session.flush()
    return True


def _require_room(session: Session, actor: Actor, role: Role, wanted: int) -> None:
    if role != (Level.TOWN, Kind.MANAGER):
        if not allowances.most(*role, actor.path):
            text = _("按参数设置，%(level)s不设信息采集员，不能创建。", level=role[0].label)
            raise AllowanceFull(text)
        return  # a town or village without any clerk has room for one
    room = allowances.ordinary_of_county(session, actor.path)
    if wanted > room.left:
        raise AllowanceFull(
            _(
                "%(what)s已有 %(used)s 个，最多 %(most)s 个，不够再加 %(wanted)s 个。"
                "请先注销不用的账号，或逐个新增。",
                what=room.what,
                used=room.used,
                most=room.most,
                wanted=wanted,
            )
        )
