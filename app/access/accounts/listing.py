"""Lists of accounts (用户管理, 录入人台账): filters, pages by key, a count that is capped.

Rows come in the order of the divisions' paths. Every question is limited to the actor's division
and below.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from flask_appbuilder.security.sqla.models import Role, assoc_user_role
from sqlalchemy import ColumnElement, Select, func, literal, or_, select, tuple_
from sqlalchemy.orm import Session, contains_eager

from app.access.account import Account
from app.access.accounts import managing
from app.access.actor import Actor, Duty, Kind
from app.access.divisions.regions import Level, Region, in_subtree
from app.core.choices import Choices
from app.core.errors import BadInput
from app.core.i18n import _

CAP = 10_000
_CURSOR = re.compile(r"(\d{1,9})~(\d{1,10})~([0-9a-z.]{2,40})")


class AccountState(Choices):
    """What an account's state is called; ``LOCKED`` is active, but closed for unusual acts."""

    ACTIVE = "active", "正常"
    LOCKED = "locked", "封闭"
    CLOSED = "closed", "注销"


def state_of(account: Account) -> AccountState:
    """The account's state."""
    if not account.active:
        return AccountState.CLOSED
    return AccountState.ACTIVE if account.locked_at is None else AccountState.LOCKED


@dataclass(frozen=True)
class AccountQuery:
    """What is asked for. ``text``: an account's beginning, or a part of a name."""

    region: Region | None = None
    level: Level | None = None
    kind: Kind | None = None
    duty: Duty | None = None
    state: AccountState | None = None
    text: str = ""
    managed: bool = False


@dataclass(frozen=True)
class Line:
    """One account (its region comes with it) with its duties."""

    account: Account
    duties: tuple[Duty, ...]


@dataclass(frozen=True)
class AccountPage:
    """One page. ``n`` is exact unless ``capped``; ``first`` the position from 1."""

    lines: Sequence[Line]
    n: int
    capped: bool
    first: int
    after: str | None
    before: str | None

    @property
    def count(self) -> str:
        """As it is shown: 1,234 or 10,000+."""
        return f"{CAP:,}+" if self.capped else f"{self.n:,}"


def read(
    session: Session,
    actor: Actor,
    query: AccountQuery,
    size: int,
    *,
    after: str | None = None,
    before: str | None = None,
) -> AccountPage:
    """One page, in two statements. :raises BadInput: a cursor that cannot be read."""
    where = conditions(actor, query)
    inner = select(literal(1)).select_from(Account).where(*where).limit(CAP + 1).subquery()
    n = session.scalar(select(func.count()).select_from(inner)) or 0
    cursor = _read_cursor(after or before)
    backward = before is not None
    order: list[Any] = [Account.path, Account.id]
    wanted = _lines(*where)
    if cursor is not None:
        key = tuple_(*order)
        beside = (cursor[2], cursor[1])
        wanted = wanted.where(key < beside if backward else key > beside)
    found = session.execute(
        wanted.order_by(*([c.desc() for c in order] if backward else order)).limit(size + 1)
    ).all()
    more, rows = len(found) > size, found[:size]
    position = cursor[0] if cursor else 0
    if backward:
        rows = rows[::-1]
        position = max(0, position - 1 - len(rows))
    lines = [_line(row) for row in rows]
    first = position + 1 if lines else 0
    has_next, has_previous = (bool(lines), more) if backward else (more, first > 1)
    return AccountPage(
        lines=lines,
        n=min(n, CAP),
        capped=n > CAP,
        first=first,
        after=_cursor(position + len(lines), lines[-1]) if has_next else None,
        before=_cursor(first, lines[0]) if has_previous else None,
    )


def stream(
    session: Session, actor: Actor, query: AccountQuery, batch: int = 1000
) -> Iterator[list[Line]]:
    """All of them in batches, in bounded memory."""
    base = _lines(*conditions(actor, query)).order_by(Account.path, Account.id).limit(batch)
    rows = session.execute(base).all()
    while rows:
        lines = [_line(row) for row in rows]
        yield lines
        last = lines[-1].account
        key = (last.path, last.id)
        session.expunge_all()
        rows = session.execute(base.where(tuple_(Account.path, Account.id) > key)).all()


def count(session: Session, actor: Actor, query: AccountQuery) -> int:
    """Exactly how many, for an export."""
    asked = select(func.count()).select_from(Account).where(*conditions(actor, query))
    return session.scalar(asked) or 0


def conditions(actor: Actor, query: AccountQuery) -> list[ColumnElement[bool]]:
    """The query as conditions, the actor's area among them."""
    found: list[ColumnElement[bool]] = [managing.visible(actor)]
    if query.region is not None:
        found.append(in_subtree(Account.path, query.region.path))
    if query.level is not None:
        found.append(Account.level == int(query.level))
    if query.kind is not None:
        found.append(Account.kind == query.kind)
    if query.state is not None:
        found.append(_in_state(query.state))
    if query.managed:
        found.append(managing.managed(actor))
    if query.duty is not None:
        held = select(literal(1)).select_from(assoc_user_role)
        held = held.join(Role, Role.id == assoc_user_role.c.role_id)
        held = held.where(assoc_user_role.c.user_id == Account.id, Role.name == query.duty.zh)
        found.append(held.exists())
    if query.text:
        found.append(
            or_(
                Account.username.startswith(query.text, autoescape=True),
                Account.first_name.contains(query.text, autoescape=True),
            )
        )
    return found


def _in_state(state: AccountState) -> ColumnElement[bool]:
    """:func:`state_of` as SQL."""
    if state is AccountState.CLOSED:
        return Account.active.is_(False)
    locked = Account.locked_at.is_not(None)
    return Account.active.is_(True) & (locked if state is AccountState.LOCKED else ~locked)


def _lines(*where: ColumnElement[bool]) -> Select[Any]:
    duties = (
        select(func.aggregate_strings(Role.name, ","))
        .join(assoc_user_role, assoc_user_role.c.role_id == Role.id)
        .where(assoc_user_role.c.user_id == Account.id, Role.name.in_([duty.zh for duty in Duty]))
        .correlate(Account)
        .scalar_subquery()
    )
    return (
        select(Account, duties)
        .join(Region, Region.id == Account.region_id)
        .options(contains_eager(Account.region))
        .where(*where)
    )


def _line(row: Any) -> Line:
    names = set((row[1] or "").split(","))
    return Line(row[0], tuple(duty for duty in Duty if duty.zh in names))


def _read_cursor(text: str | None) -> tuple[int, int, str] | None:
    if text is None:
        return None
    match = _CURSOR.fullmatch(text)
    if match is None:
        raise BadInput(_("翻页参数有误，请从列表重新进入。"))
    return int(match[1]), int(match[2]), match[3]


def _cursor(position: int, line: Line) -> str:
    return f"{position}~{line.account.id}~{line.account.path}"
