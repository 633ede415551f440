"""How many accounts a division may have (spec 01 §Users "Numbers"; 2009 §三). 注销 ones don't count.

One manager a division; 98 ordinary users, in a county together with its town managers; clerks of
towns and villages outside of that. All but the one manager are settings of the ministry.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from app.access import settings
from app.access.account import Account
from app.access.actor import Kind
from app.access.divisions.regions import Level, Region, in_subtree
from app.access.settings import NUMBER, Setting
from app.core.errors import BadInput
from app.core.i18n import _, mark

ORDINARY = settings.declare(
    Setting(
        "users.ordinary", mark("每个地区的普通用户数"), NUMBER, 98, lowest=1, highest=98,
        help=mark("县级含乡镇级管理用户；不计已注销的账号。"), unit=mark("个"),
    )
)  # fmt: skip
TOWN_CLERKS = settings.declare(
    Setting(
        "users.town_clerks", mark("每个乡镇的信息采集员数"), NUMBER, 9, lowest=0, highest=98,
        unit=mark("个"),
    )
)  # fmt: skip
VILLAGE_CLERKS = settings.declare(
    Setting(
        "users.village_clerks", mark("每个村的信息采集员数"), NUMBER, 3, lowest=0, highest=98,
        unit=mark("个"),
    )
)  # fmt: skip


class AllowanceFull(BadInput):
    """The division has as many accounts of the kind as it may have."""

    status, code = 422, "allowance_full"


@dataclass(frozen=True)
class Allowance:
    """How many accounts count, how many there may be, and what they are called."""

    used: int
    most: int
    what: str

    @property
    def left(self) -> int:
        return max(0, self.most - self.used)


def lock(session: Session, region_id: int) -> None:
    """Let nobody else count and add accounts under this division until the transaction ends.

    ``region_id`` is the manager's division, under which all counts that its acts change lie. On
    SQLite the transaction holds the write lock anyway. Rows may still be put into the division:
    they take a weaker lock on it.
    """
    session.execute(select(Region.id).where(Region.id == region_id).with_for_update(key_share=True))


def allowances(
    session: Session, level: Level, kind: Kind, region: Region, but: int | None = None
) -> list[Allowance]:
    """What limits a new account of that role there: one or two lines; ``but`` is not counted."""
    if kind == Kind.MANAGER:
        name = _("%(place)s的管理用户", place=region.name)
        found = [Allowance(_count(session, _in(region, level, kind), but), 1, name)]
        if level == Level.TOWN:
            found.append(
                ordinary_of_county(session, region.path[:-1].rpartition(".")[0] + ".", but)
            )
        return found
    if kind == Kind.ORDINARY and level == Level.COUNTY:
        return [ordinary_of_county(session, region.path, but)]
    if kind == Kind.CLERK:
        name = _("%(place)s的信息采集员", place=region.name)
    else:
        name = _("%(place)s的普通用户", place=region.name)
    used = _count(session, _in(region, level, kind), but)
    return [Allowance(used, most(level, kind, region.path), name)]


def most(level: Level, kind: Kind, path: str) -> int:
    """How many accounts of that role the division at ``path`` may have, others beside them or not."""
    if kind == Kind.MANAGER:
        return 1
    setting = ORDINARY
    if kind == Kind.CLERK:
        setting = TOWN_CLERKS if level == Level.TOWN else VILLAGE_CLERKS
    return int(settings.value(setting.name, path))


def require_room(
    session: Session, level: Level, kind: Kind, region: Region, but: int | None = None
) -> None:
    """Under :func:`lock`; the account ``but`` is the one that comes, and not counted.

    :raises AllowanceFull: with what is full and what to do.
    """
    for line in allowances(session, level, kind, region, but):
        if not line.left:
            raise AllowanceFull(
                _(
                    "%(what)s已有 %(used)s 个，最多 %(most)s 个（不计已注销的）。"
                    "请先注销不用的账号，再新增或恢复。",
                    what=line.what,
                    used=line.used,
                    most=line.most,
                )
            )


def ordinary_of_county(session: Session, path: str, but: int | None = None) -> Allowance:
    """The county's ordinary users and town managers, who share one allowance (2009 §三)."""
    shared = or_(
        and_(Account.level == Level.COUNTY, Account.kind == Kind.ORDINARY),
        and_(Account.level == Level.TOWN, Account.kind == Kind.MANAGER),
    )
    used = _count(session, and_(in_subtree(Account.path, path), shared), but)
    name = _("全县的普通用户和乡镇级管理用户")
    return Allowance(used, settings.value(ORDINARY.name, path), name)


def _in(region: Region, level: Level, kind: Kind) -> ColumnElement[bool]:
    return and_(Account.path == region.path, Account.level == level, Account.kind == kind)


def _count(session: Session, where: ColumnElement[bool], but: int | None) -> int:
    query = select(func.count()).select_from(Account).where(where, Account.active.is_(True))
    if but is not None:
        query = query.where(Account.id != but)
    return session.scalar(query) or 0
