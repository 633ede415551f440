"""What lies in a division: what stands against deleting it, and what a merge takes along."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ScalarSelect, Select, func, literal, or_, select, union_all

from app.access.account import Account
from app.access.divisions.regions import Region, in_subtree
from app.access.scope import Guarded, showing_hidden
from app.admin.divisions.moves import placed_tables
from app.core.db import Model, db
from app.core.i18n import _, translate
from app.kernel.declare.register import all_registers
from app.kernel.quotas.rows import Quota
from app.kernel.rows.household import Household

MOST = 10_000  # a larger number is told as "10,000+"


def below(path: str) -> dict[str, int]:
    """Label -> how many lie at or below a path, each at most MOST + 1; empty: nothing does. One
    statement, however many registers there are.
    """
    queries = [(translate(r.record_word), _rows(r.model, path)) for r in all_registers()]
    queries += [(_("账号"), _rows(Account, path)), (_("任务量"), _rows(Quota, path))]
    queries += [(_("其他资料"), query) for query in _others(path)]
    with showing_hidden():  # what was deleted lies there, too
        counts = db.session.execute(select(*(_capped(query) for _label, query in queries))).one()
    found: dict[str, int] = {}
    for (label, _query), n in zip(queries, counts, strict=True):
        found[label] = found.get(label, 0) + n
    return {label: n for label, n in found.items() if n}


def beside_households(regions: Sequence[Region]) -> dict[int, dict[str, int]]:
    """By a division's key how many divisions and accounts a change of it touches, at most MOST + 1 of
    each; one statement for a page of changes.
    """
    labels = _("下级行政区划"), _("账号")
    parts = [
        select(
            literal(region.id),
            _capped(_rows(Region, region.path).where(Region.id != region.id)),
            _capped(_rows(Account, region.path)),
        )
        for region in regions
    ]
    if not parts:
        return {}
    return {
        key: {label: n for label, n in zip(labels, counts, strict=True) if n}
        for key, *counts in db.session.execute(union_all(*parts))
    }


def _rows(model: Any, path: str) -> Select[Any]:
    return select(model.id).where(in_subtree(model.path, path))


def _others(path: str) -> list[Select[Any]]:
    """Rows of tables that no register owns, and that do not go with their division."""
    known = {"ab_user", Household.__tablename__, *(r.model.__tablename__ for r in all_registers())}
    owned = {
        m.class_.__tablename__ for m in Model.registry.mappers if issubclass(m.class_, Guarded)
    }
    queries = []
    for placed in placed_tables():
        if placed.table.name in known | owned or placed.belongs_to_division or not placed.regions:
            continue
        inside = select(Region.id).where(in_subtree(Region.path, path))
        queries.append(
            select(placed.regions[0]).where(or_(*(c.in_(inside) for c in placed.regions)))
        )
    return queries


def _capped(query: Select[Any]) -> ScalarSelect[int]:
    inner = query.limit(MOST + 1).subquery()
    return select(func.count()).select_from(inner).scalar_subquery()


def told(held: dict[str, int]) -> str:
    """农户 12、账号 3 … as a list."""
    parts = [
        _("%(what)s %(n)s", n=f"{MOST:,}+" if n > MOST else f"{n:,}", what=label)
        for label, n in held.items()
    ]
    return _("、").join(parts)


def refusal(name: str, held: dict[str, int]) -> str:
    """Why a division cannot be deleted."""
    return _("“%(name)s”下还有%(what)s，不能删除。请先办理合并或划转。", name=name, what=told(held))
