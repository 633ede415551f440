"""What a user asks of a list, as conditions, and whether that is a question for a page."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, false, func, or_, select
from sqlalchemy.orm import Session

from app.access.actor import Actor
from app.access.divisions import search as region_search
from app.access.divisions.regions import Level, in_subtree, subtree
from app.core.clock import day_begins
from app.core.errors import BadInput
from app.core.i18n import _
from app.core.lazy import lazy
from app.kernel.declare.expressions import ALWAYS, Expr
from app.kernel.declare.flow import State
from app.kernel.declare.register import Register
from app.kernel.figures.counters import total
from app.kernel.figures.state import is_complete
from app.kernel.lists import combined
from app.kernel.lists.page import CAP
from app.kernel.lists.query import DECIDED_FROM_LABEL, PLACE_NAMES, Query
from app.kernel.lists.results import ResultRow
from app.kernel.rows.household import SearchKey
from app.kernel.rows.reading import columns_of

SMALL_AREA = 50_000  # rows among which a filter without an index may search
_MOST_PLACES = {Level.TOWN: 50, Level.VILLAGE: 500}
_LAST_CHARACTER = "\U0010ffff"


class TooWide(BadInput):
    """A filter without an index over too many rows: choose a smaller area first."""

    code = "too_wide"


class TooWideNow(TooWide):
    """The same, where a search in the background finds it nevertheless (app.kernel.lists.searches)."""


class Asked:
    """A query over a register, as one actor asks it."""

    def __init__(self, register: Register, query: Query, session: Session, actor: Actor) -> None:
        self.register, self.query, self.session, self.actor = register, query, session, actor
        self.model = register.model
        region = query.region
        self.path = region.path if region else actor.path
        self.level = region.level if region else actor.level
        self.columns = columns_of(self.model, register.name)

    def conditions(self) -> list[ColumnElement[bool]]:
        """The query as conditions, without the scope (the guard adds it)."""
        low, high = subtree(self.path)
        if within := combined.bounds(self.query.where):
            low, high = max(low, within[0]), min(high, within[1])
        found = [self.model.path >= low, self.model.path < high, *self._covered_conditions()]
        if self.query.unplaced:
            found.append(self.model.path == self.path)
        if self.query.named:
            found.append(self._in_places())
        for name, values in self.query.filters.items():
            made = self.model.__fields__[name]
            found.append(made.kind.among(getattr(self.model, name), values))
        if self.query.number and self.register.of_households:
            found.append(self._household().in_(self._households_of_id()))
        elif self.query.number:
            found.append(getattr(self.model, self.register.number_field) == self.query.number)
        if self.by_name and not self.register.of_households:
            found += begins(self._name, self.query.name)
        if self.query.where:
            found.append(combined.holds(self.register, self.query.where, self.columns))
        if self.query.decided_from:
            found.append(self.model.decided_at >= day_begins(self.query.decided_from))
        if self.query.found and self.by_name:
            among = select(ResultRow.record_id).where(ResultRow.search_id == self.query.found)
            found.append(self.model.id.in_(among))
        return found

    def _covered_conditions(self) -> Iterator[ColumnElement[bool]]:
        """Those that counters know."""
        if self.query.figure:
            yield self.register.counted(self.query.figure).sql(self.columns)
        elif self._base is not ALWAYS:
            yield self._base.sql(self.columns)
        if self.query.states and len(self.query.states) < len(State):
            yield self.model.state.in_(self.query.states)

    @lazy
    def _base(self) -> Expr:
        """Which rows the list is of: those that are listed, unless its menu entry says others."""
        only = next((m.rows for m in self.register.menus if m.name == self.query.menu), None)
        return only or self.register.listed

    @lazy
    def _places(self) -> list[str]:
        """Paths of the lowest divisions that are called as asked: villages, of these towns if both
        are named.

        :raises TooWide: too many are called so.
        """
        areas = [self.path]
        for name, (what, level) in PLACE_NAMES.items():
            called = self.query.named.get(name)
            if not called or not areas:
                continue
            most = _MOST_PLACES[level]
            found = region_search.named(called, level, areas, most + 1)
            if len(found) > most:
                text = _(
                    "%(what)s与“%(name)s”相符的超过%(n)s个，请写完整，或先选择更小的地区。",
                    name=called,
                    what=_(what),
                    n=most,
                )
                raise TooWide(text)
            areas = [max(path, self.path, key=len) for path in found]  # one above holds the area
        return areas

    def _in_places(self) -> ColumnElement[bool]:
        path = self.model.path
        if "village_name" in self.query.named:  # nothing lies below a village
            return path.in_(self._places)
        return or_(false(), *(in_subtree(path, place) for place in self._places))

    @property
    def _name(self) -> Any:
        return getattr(self.model, self.register.name_field)

    def _household(self) -> Any:
        return getattr(self.model, "household_id", self.model.id)

    def _households_of_id(self) -> list[uuid.UUID]:
        query = select(SearchKey.household_id).where(SearchKey.value == self.query.number)
        return list(self.session.scalars(query.limit(CAP)))

    @property
    def counter(self) -> str | None:
        """The figure whose counters say exactly which rows are asked for, or None."""
        asked = self.query
        if asked.filters or asked.number or asked.name or asked.where or self.level > Level.TOWN:
            return None
        if asked.unplaced or asked.named or asked.found or asked.decided_from:
            return None
        if self._base is not self.register.listed:
            return None
        figure = self._figure
        return figure if figure and is_complete(self.register, figure) else None

    @property
    def _figure(self) -> str | None:
        """The figure that is exactly what is asked for, by itself or as a state, or all rows."""
        asked = self.query
        if asked.figure:
            return asked.figure if not asked.states else None
        if len(asked.states) > 1:
            return None
        if not asked.states:
            return self.register.whole
        return self.register.state_figures.get(asked.states[0])

    def require_narrow(self) -> None:
        """:raises TooWide: when a filter without an index meets too large an area, or a figure is asked for
        that is still being counted.
        """
        asked = self.query
        if (
            asked.figure
            and self.level < Level.COUNTY
            and not is_complete(self.register, asked.figure)
        ):
            raise TooWide(_("该项数字正在统计，请先选择区县，或在统计完成后再查看。"))
        indexed = set(self.register.lists.indexed.split())
        known = self.model.__fields__
        loose = [known[n].label for n in asked.filters if n not in indexed]
        loose += [DECIDED_FROM_LABEL] if asked.decided_from else []
        if asked.where and combined.bounds(asked.where) is None:
            loose.append(combined.LABEL)
        if not loose or asked.number or self.level > Level.COUNTY or not self.register.figures:
            return
        if asked.found:
            return
        whole = self._whole()
        if whole > SMALL_AREA:
            label = _(loose[0])
            raise TooWideNow(
                _(
                    "按“%(label)s”筛选的范围过大（%(n)s 户），请先选择区县，再筛选；也可以转到后台查询。",
                    label=label,
                    n=f"{whole:,}",
                )
            )

    def _whole(self) -> int:
        """How many rows lie in the area; no more than is too many while they are being counted."""
        whole = self.register.whole
        if whole is None:
            return 0
        if is_complete(self.register, whole):
            return self._sum(whole)
        own = select(self.model.id).where(in_subtree(self.model.path, self.path))
        some = own.limit(SMALL_AREA + 1).subquery()
        return int(self.session.scalar(select(func.count()).select_from(some)) or 0)

    def _sum(self, figure: str) -> int:
        return total(self.session, self.register, figure, self.path, self.level)

    @property
    def by_name(self) -> bool:
        return bool(self.query.name)

    @property
    def _by_search_key(self) -> bool:
        return self.by_name and self.register.of_households


def keyed(name: str, key: Any = SearchKey.value) -> tuple[ColumnElement[bool], ...]:
    """The condition that a household's key begins with a name. Numbers are keys as well, which lists mask:
    by its beginning one could be told digit by digit, so they are found whole. Some begin with a letter, as
    names of Latin letters do; those have no digits.
    """
    if name[0].isdigit():
        return (key == name,)
    if name[0].isascii():
        return *begins(key, name), or_(key == name, ~key.regexp_match("[0-9]"))
    return begins(key, name)


def begins(column: Any, text: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """The condition that a text begins with another one, as one index range."""
    return column >= text, column < text + _LAST_CHARACTER
