"""More accounts than a division may have, where two of them merge (spec 01 §Users "Numbers")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from app.access.account import Account
from app.access.accounts import allowances
from app.access.actor import Kind
from app.access.divisions.regions import Level, Region
from app.core.db import db
from app.core.i18n import _


@dataclass(frozen=True)
class Crowd:
    """Active accounts of one kind, of which only ``most`` may stay."""

    kind: Kind
    used: int
    most: int

    @property
    def text(self) -> str:
        """What a manager is told before and after the merge."""
        return _(
            "合并后有%(used)s个%(what)s，最多%(most)s个，生效后请注销多余的账号。",
            used=self.used,
            what=self.kind.label,
            most=self.most,
        )


def crowds(merges: Mapping[Region, Sequence[Region]]) -> dict[int, list[Crowd]]:
    """Of towns and villages, each with those that merge into it, the kinds of accounts of which
    there will be too many: by the division's key. One statement, and the settings.
    """
    paths = {one.path for target, others in merges.items() for one in (target, *others)}
    query = select(Account.path, Account.level, Account.kind, func.count())
    query = query.where(Account.path.in_(paths), Account.active.is_(True))
    counts = {
        (path, level, kind): n
        for path, level, kind, n in db.session.execute(
            query.group_by(Account.path, Account.level, Account.kind)
        )
    }
    found: dict[int, list[Crowd]] = {}
    for target, others in merges.items():
        for kind in (Kind.MANAGER, Kind.CLERK):
            places = (target.path, *(one.path for one in others))
            used = sum(counts.get((path, int(target.level), kind), 0) for path in places)
            most = allowances.most(Level(target.level), kind, target.path)
            if used > most:
                found.setdefault(target.id, []).append(Crowd(kind, used, most))
    return found
