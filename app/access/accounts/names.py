"""Account names (spec 01 §Users): 12-digit code and two digits, no Chinese characters."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.access.account import Account
from app.access.actor import Kind
from app.access.divisions.regions import Level, Region
from app.core.i18n import _

LONGEST = 32
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{3,31}")
_MANAGER, _FIRST, _LAST = 0, 1, 98
_NAMES_A_QUERY = 900


def mended(typed: str) -> str:
    """Full-width letters and digits as ASCII, blanks dropped."""
    return "".join(unicodedata.normalize("NFKC", typed).split())


def problem(name: str) -> str | None:
    """What is wrong with an account name that somebody typed."""
    if not name:
        return _("请填写账号。")
    if not name.isascii():
        return _("账号不能用汉字，请用字母和数字，建议用12位行政区划代码加两位序号。")
    if not _NAME.fullmatch(name):
        return _("账号为4–32位字母、数字，可含 . _ -，以字母或数字开头。")
    return None


def is_taken(session: Session, name: str) -> bool:
    """Does an account of that name exist anywhere, deactivated ones too?"""
    return session.scalar(select(Account.id).where(Account.username == name)) is not None


def suggest(session: Session, regions: Sequence[Region], kind: Kind) -> dict[int, str]:
    """Free names, region id -> name: the code and 00 for the manager, else the first free of 01–98.

    Where another level has the same padded code (东莞 4419, 441900) the level's digit goes in
    front. A division whose 98 names are all taken is not in the answer.
    """
    shared = _shared_codes(session, regions)
    stems = {r.id: f"{int(r.level)}{r.code}" if r.code in shared else r.code for r in regions}
    found: dict[int, str] = {}
    start = _MANAGER if kind == Kind.MANAGER else _FIRST
    last = _MANAGER if kind == Kind.MANAGER else _LAST
    while stems.keys() - found.keys() and start <= last:
        open_ = [key for key in stems if key not in found]
        many = max(1, _NAMES_A_QUERY // len(open_))
        numbers = range(start, min(last, start + many - 1) + 1)
        wanted = {key: [f"{stems[key]}{n:02}" for n in numbers] for key in open_}
        taken = _taken(session, [name for names in wanted.values() for name in names])
        for key, names in wanted.items():
            free = next((name for name in names if name not in taken), None)
            if free is not None:
                found[key] = free
        start = numbers[-1] + 1
    return found


def _taken(session: Session, names: Sequence[str]) -> set[str]:
    taken: set[str] = set()
    for first in range(0, len(names), _NAMES_A_QUERY):
        part = names[first : first + _NAMES_A_QUERY]
        taken |= set(session.scalars(select(Account.username).where(Account.username.in_(part))))
    return taken


def _shared_codes(session: Session, regions: Sequence[Region]) -> set[str]:
    """Of the divisions' codes those that another level's division has too."""
    codes = sorted({region.code for region in regions})
    shared: set[str] = set()
    for first in range(0, len(codes), _NAMES_A_QUERY):
        query = (
            select(Region.code)
            .where(
                Region.level.in_(list(Level)),  # the index begins with the level
                Region.code.in_(codes[first : first + _NAMES_A_QUERY]),
                ~Region.structural,
            )
            .group_by(Region.code)
            .having(func.count() > 1)
        )
        shared |= set(session.scalars(query))
    return shared
