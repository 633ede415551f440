"""Searching the audit log: newest first, in one's own area, at a cost that the log's size does not
change.

An area's entries in the order of time are no index range of ``(path, at)``. What is: the entries of
one province, city or county (the beginning of the path), of one kind of act, in the order of time.
So a search is some twenty short ranges, one for each kind, merged; a rare kind in a large area
costs the same as a frequent one.
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import (
    ColumnElement,
    String,
    func,
    literal,
    literal_column,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.orm import Session

from app.access.account import Account
from app.access.audit.log import AREA_WIDTHS, Act, AuditEntry
from app.access.divisions.regions import NATION_PATH, ancestor_paths, in_subtree
from app.core.errors import BadInput
from app.core.i18n import _

CAP = 1_000  # more are "1,000+": a count is never longer than the page itself
_MOST_ACCOUNTS = 20
_RARE = 20_000
_LAST_CHARACTER = "\U0010ffff"
_CURSOR = re.compile(r"([0-9]{1,9})~([0-9]{1,17})~([0-9a-f]{32})")
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
Condition = ColumnElement[bool]


@dataclass(frozen=True)
class Search:
    """What is asked. ``path`` is a division of the reader's area, which the caller has checked.

    ``accounts`` and ``records`` are keys, None for all; ``exports_over`` adds to ``records`` the
    exports of the registers ``exports_of`` over a division that holds this path, since
    ``exports_since``.
    """

    path: str
    acts: tuple[Act, ...] = ()
    accounts: tuple[uuid.UUID, ...] | None = None
    records: tuple[uuid.UUID, ...] | None = None
    register: str | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    exports_over: str | None = None
    exports_of: tuple[str, ...] = ()
    exports_since: dt.datetime | None = None


@dataclass(frozen=True)
class Found:
    """One page, newest first; ``first`` is the position of its first entry, from 1."""

    entries: list[AuditEntry]
    first: int
    count: int
    capped: bool
    older: str | None
    newer: str | None


def page(
    session: Session, search: Search, size: int, older: str | None = None, newer: str | None = None
) -> Found:
    """The newest entries, those before the cursor ``older``, or those after ``newer``; three or four
    statements.
    """
    ranges = _ranges(session, search)
    count = _count(session, ranges)
    cursor = _read(older or newer)
    backward = newer is not None
    keys = _keys(session, ranges, size + 1, cursor and cursor[1:], backward=backward)
    more, keys = len(keys) > size, keys[:size]
    first = 1 if cursor is None else cursor[0] + 1
    if backward:
        keys = keys[::-1]
        first = max(1, (cursor[0] if cursor else 1) - len(keys))
    last = first + len(keys) - 1
    return Found(
        entries=_entries(session, keys),
        first=first if keys else 0,
        count=min(count, CAP),
        capped=count > CAP,
        older=_write(last, keys[-1]) if keys and (more or backward) else None,
        newer=_write(first, keys[0]) if keys and first > 1 else None,
    )


def stream(session: Session, search: Search, batch: int = 1000) -> Iterator[list[AuditEntry]]:
    """All entries, newest first, in batches."""
    ranges = _ranges(session, search)
    keys = _keys(session, ranges, batch)
    while keys:
        yield _entries(session, keys)
        session.expunge_all()
        keys = _keys(session, ranges, batch, keys[-1])


def accounts_named(session: Session, text: str, path: str) -> tuple[uuid.UUID, ...]:
    """The accounts that ``text`` may mean: an account name, or the beginning of a unit's or
    person's name in the area.
    """
    low, high = text, text + _LAST_CHARACTER
    by_name = (
        select(Account.uuid)
        .where(Account.first_name >= low, Account.first_name < high)
        .where(in_subtree(Account.path, path))
        .limit(_MOST_ACCOUNTS)
    )
    by_login = select(Account.uuid).where(Account.username == text)
    found = session.scalars(union_all(by_login, select(by_name.subquery().c.uuid)))
    return tuple(dict.fromkeys(found))


# ---- ranges -------------------------------------------------------------------------------


def _area(path: str) -> list[Condition]:
    """The entries of a division. Those without a place are the nation's alone."""
    if path == NATION_PATH:
        return []
    # the width stands in the text of the statement: else no index would be found
    width: ColumnElement[int] = literal_column(str(len(path)))
    return [func.substr(AuditEntry.path, literal_column("1"), width, type_=String) == path]


def _ranges(session: Session, search: Search) -> list[list[Condition]]:
    """The conditions of each range; one is enough where an index leads to few entries."""
    rest = _window(search)
    if search.register:
        rest.append(AuditEntry.register == search.register)
    within = [] if search.path == NATION_PATH else [_under(search.path)]
    acts = [AuditEntry.act.in_(search.acts)] if search.acts else []
    if search.records is not None:
        if search.accounts is not None:
            acts.append(AuditEntry.account_id.in_(search.accounts))
        found = [[AuditEntry.record_id == one, *within, *acts, *rest] for one in search.records]
        return found + _exports(search)
    if search.accounts is not None:
        return [[AuditEntry.account_id == one, *within, *acts, *rest] for one in search.accounts]
    if search.path != NATION_PATH and len(search.path) not in AREA_WIDTHS:
        return [[*within, *acts, *rest]]
    area = within if search.register and _is_rare(session, search.register) else _area(search.path)
    return [[*area, AuditEntry.act == act, *rest] for act in search.acts or Act]


def _window(search: Search) -> list[Condition]:
    found: list[Condition] = []
    if search.since:
        found.append(AuditEntry.at >= search.since)
    if search.until:
        found.append(AuditEntry.at < search.until)
    return found


def _under(path: str) -> Condition:
    return in_subtree(AuditEntry.path, path)


def _is_rare(session: Session, register: str) -> bool:
    """Are there so few entries of the register that its own index is the short way to them?"""
    some = select(literal(1)).where(AuditEntry.register == register).offset(_RARE).limit(1)
    return session.scalar(some) is None


def _exports(search: Search) -> list[list[Condition]]:
    """Exports that may hold what lies at ``exports_over``: of a division above it, or its own."""
    path = search.exports_over
    if path is None or (search.acts and Act.EXPORT not in search.acts):
        return []
    kind = [
        AuditEntry.act == Act.EXPORT,
        AuditEntry.register.in_(search.exports_of),
        *_window(search),
    ]
    if search.exports_since:
        kind.append(AuditEntry.at >= search.exports_since)
    return [[AuditEntry.path == place, *kind] for place in (*ancestor_paths(path), path)]


def _keys(
    session: Session,
    ranges: list[list[Condition]],
    limit: int,
    cursor: tuple[dt.datetime, uuid.UUID] | None = None,
    *,
    backward: bool = False,
) -> list[tuple[dt.datetime, uuid.UUID]]:
    order = (AuditEntry.at, AuditEntry.id)
    by = [c.asc() if backward else c.desc() for c in order]
    parts = []
    for conditions in ranges:
        part = select(*order).where(*conditions)
        if cursor is not None:
            beside = tuple_(*order)
            part = part.where(beside > cursor if backward else beside < cursor)
        parts.append(select(part.order_by(*by).limit(limit).subquery()))
    if not parts:
        return []
    merged = union_all(*parts).subquery()
    merged_by = [c.asc() if backward else c.desc() for c in (merged.c.at, merged.c.id)]
    rows = session.execute(select(merged).order_by(*merged_by).limit(limit))
    return [(at, key) for at, key in rows]


def _count(session: Session, ranges: list[list[Condition]]) -> int:
    """How many, at most one more than :data:`CAP`."""
    parts = [
        select(select(literal(1).label("one")).where(*conditions).limit(CAP + 1).subquery())
        for conditions in ranges
    ]
    if not parts:
        return 0
    some = select(union_all(*parts).subquery()).limit(CAP + 1).subquery()
    return int(session.scalar(select(func.count()).select_from(some)) or 0)


def _entries(session: Session, keys: Sequence[tuple[dt.datetime, uuid.UUID]]) -> list[AuditEntry]:
    ids = [key for _at, key in keys]
    found = {e.id: e for e in session.scalars(select(AuditEntry).where(AuditEntry.id.in_(ids)))}
    return [found[key] for key in ids]


# ---- cursors --------------------------------------------------------------------------------


def _write(position: int, key: tuple[dt.datetime, uuid.UUID]) -> str:
    micros = (key[0] - _EPOCH) // dt.timedelta(microseconds=1)
    return f"{position}~{micros}~{key[1].hex}"


def _read(text: str | None) -> tuple[int, dt.datetime, uuid.UUID] | None:
    if text is None:
        return None
    match = _CURSOR.fullmatch(text)
    if match is None:
        raise BadInput(_("翻页参数有误，请从列表重新进入。"))
    at = _EPOCH + dt.timedelta(microseconds=int(match[2]))
    return int(match[1]), at, uuid.UUID(match[3])
