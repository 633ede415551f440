"""What divisions were given goes with them where the tree changes (spec 01: a merge takes quotas along).

What a division was given to do stays its own: under another parent that one is its giver from then on; of two
that merge it is added up. Nothing is lost and nothing stands twice.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from app.core.db import db
from app.core.i18n import _
from app.kernel.declare.register import get_register
from app.kernel.quotas.rows import Quota

_UNSEEN = {"synchronize_session": False}  # a publication keeps no rows of ours in its session
_MOST_TOLD = 3
#: Register, year and kind of what was given.
Of = tuple[str, int, str]


def moved(session: Session, region_id: int, giver_id: int) -> None:
    """The division stands under another one, which is the giver of all that it was given; the caller commits."""
    theirs = update(Quota).where(Quota.region_id == region_id)
    session.execute(theirs.values(giver_id=giver_id), execution_options=_UNSEEN)


def merged(session: Session, old_id: int, new_id: int, giver_id: int) -> None:
    """What was given to the division that goes is added to what was given to the one that stays, whose
    giver it has; rows that stay with the old one go with it like all its rows. The caller commits.
    """
    kept: dict[Of, list[Any]] = {}
    query = select(Quota.id, Quota.region_id, Quota.register, Quota.year, Quota.kind, Quota.n)
    for row in session.execute(query.where(Quota.region_id.in_((old_id, new_id)))):
        kept.setdefault((row.register, row.year, row.kind), []).append(row)
    for rows in kept.values():
        first, *others = sorted(rows, key=lambda row: row.region_id != new_id)
        one = update(Quota).where(Quota.id == first.id)
        n = sum(row.n for row in rows)
        session.execute(one.values(n=n, giver_id=giver_id), execution_options=_UNSEEN)
        if others:
            gone = delete(Quota).where(Quota.id.in_([row.id for row in others]))
            session.execute(gone, execution_options=_UNSEEN)


def told(region_ids: Collection[int]) -> dict[int, dict[Of, int]]:
    """By a division's key what it was given, the latest year first. One statement."""
    query = select(Quota.region_id, Quota.register, Quota.year, Quota.kind, func.sum(Quota.n))
    query = query.where(Quota.region_id.in_(region_ids))
    query = query.group_by(Quota.region_id, Quota.register, Quota.year, Quota.kind)
    found: dict[int, dict[Of, int]] = {}
    rows = db.session.execute(query.order_by(Quota.year.desc(), Quota.register, Quota.kind))
    for key, *of, n in rows:
        found.setdefault(key, {})[tuple(of)] = int(n)
    return found


def moving_text(own: dict[Of, int]) -> str:
    """What goes along with a division; empty: nothing."""
    return _text([_("%(what)s%(n)s", what=_what(of), n=f"{n:,}") for of, n in own.items()])


def merging_text(own: dict[Of, int], into: dict[Of, int]) -> str:
    """What a merge adds up; empty: the division that goes was given nothing."""
    return _text(
        [
            _("%(what)s%(n)s＋%(more)s＝%(sum)s", what=_what(of), n=f"{into[of]:,}", more=f"{n:,}", sum=f"{n + into[of]:,}")
            if of in into
            else _("%(what)s%(n)s", what=_what(of), n=f"{n:,}")
            for of, n in own.items()
        ]
    )  # fmt: skip


def _what(of: Of) -> str:
    name, year, kind = of
    register = get_register(name)
    return _("%(year)s年%(kind)s", year=year, kind=register.kind_label(kind) if register else kind)


def _text(parts: list[str]) -> str:
    if not parts:
        return ""
    more = _("等%(n)s项", n=len(parts)) if len(parts) > _MOST_TOLD else ""
    return _("任务量：%(what)s", what=_("、").join(parts[:_MOST_TOLD]) + more)


__all__ = ["merged", "merging_text", "moved", "moving_text", "told"]
