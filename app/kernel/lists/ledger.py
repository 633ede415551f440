"""Lists of records: what a user asks for, read at a cost that does not grow with the register.

Three ways, chosen by what is asked:

* *covered*: only a division at town level or above, a figure or a state. Counters tell the exact
  number and which counties hold rows, so page N and a rare figure cost one short index range for
  each county that the page touches.
* *by key*: a full ID number or a beginning of a name, through :class:`SearchKey`; where records are
  not about households, through indexes of their own.
* *plain*: inside one county, or with a filter that the area is small enough for.
* *found*: what a search in the background has found, for which the area was too large.

Rows come in the order of the divisions' paths; a search by name in the order of names.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Row, Select, bindparam, func, literal, select, tuple_, union_all
from sqlalchemy.orm import Session, aliased

from app.access.actor import Actor
from app.access.divisions.regions import Level, Region, in_subtree, subtree
from app.access.scope import MADE_ONCE
from app.core.errors import BadInput
from app.core.i18n import _
from app.kernel.declare import choice_lists
from app.kernel.declare.register import Register, get_register
from app.kernel.figures.counters import kept_at, total_between
from app.kernel.lists.asked import Asked, TooWide, TooWideNow, keyed
from app.kernel.lists.counties import Counties
from app.kernel.lists.page import CAP, SIZES, Count, Page, bad_cursor, read_cursor, write_cursor
from app.kernel.lists.query import Query
from app.kernel.lists.results import ResultRow
from app.kernel.rows.household import SearchKey
from app.kernel.rows.reading import columns_of

__all__ = ["CAP", "SIZES", "Count", "Ledger", "Page", "TooWide", "TooWideNow"]

_made: dict[Any, Select[Any]] = {}
_MOST_MADE = 1000
#: What pages need of a row besides what they show of it, where its model has it.
_BESIDE = ("household_id", "state", "stage", "former_head", "entered_by")


class Ledger(Asked):
    """A query over a register, as one actor sees it."""

    def __init__(
        self,
        register: Register,
        query: Query,
        session: Session,
        actor: Actor,
        shown: Sequence[str] = (),
    ) -> None:
        """``shown``: the fields that a page shows of each row, unless those of the declaration."""
        super().__init__(register, query, session, actor)
        self.shown = " ".join(shown) or register.lists.ledger
        self._counties = Counties(session, register.name, self.path)

    # ---- how many -----------------------------------------------------------------------
    def count(self) -> Count:
        """Exact from counters where they cover the query, else counted up to CAP."""
        if counter := self.counter:
            return Count(self._sum(counter))
        inner = self._select(literal(1)).limit(CAP + 1).subquery()
        n = self.session.scalar(select(func.count()).select_from(inner)) or 0
        return Count(min(n, CAP), exact=n <= CAP)

    # ---- pages --------------------------------------------------------------------------
    def page(
        self, size: int, *, after: str | None = None, before: str | None = None, number: int = 1
    ) -> Page:
        """One page: after a cursor, before one, or the ``number``-th from 1."""
        if size not in SIZES:
            raise BadInput(_("每页条数有误。"))
        if number < 1 or number > 10_000_000:
            raise BadInput(_("页码有误。"))
        self.require_narrow()
        cursor = read_cursor(after or before)
        backward = before is not None
        if cursor is None:
            first = (number - 1) * size + 1
            rows = self._numbered(first - 1, size + 1)
        else:
            rows = self._beside(cursor, size + 1, backward=backward)
            first = cursor[0] + 1
        more = len(rows) > size
        rows = rows[:size]
        if backward:
            rows = rows[::-1]
            first = max(1, (cursor[0] if cursor else 1) - len(rows))
        last = first + len(rows) - 1
        has_next = (more if not backward else True) and bool(rows)
        has_previous = first > 1 and bool(rows)
        return Page(
            rows=rows,
            count=Count(int(rows[0].whole)) if rows and self.counter else self.count(),
            first=first if rows else 0,
            after=write_cursor(last, rows[-1]) if has_next else None,
            before=write_cursor(first, rows[0]) if has_previous else None,
        )

    def stream(self, batch: int = 2000) -> Iterator[list[Any]]:
        """All rows in batches, whole records in bounded memory."""
        for rows in self._batches((self.model,), batch):
            yield [row[0] for row in rows]
            self.session.expunge_all()

    def stream_values(self, names: Sequence[str], batch: int = 2000) -> Iterator[list[Any]]:
        """The named columns of all rows in batches: tuples, some ten times cheaper than records."""
        for rows in self._batches(tuple(getattr(self.model, name) for name in names), batch):
            yield [row[: len(names)] for row in rows]

    def _batches(self, what: tuple[Any, ...], batch: int) -> Iterator[Sequence[Any]]:
        self.require_narrow()
        order = self._order
        query = self._select(*what).add_columns(*order).order_by(*order).limit(batch)
        rows = self.session.execute(query).all()
        while rows:
            yield rows
            query_on = query.where(tuple_(*order) > tuple(rows[-1][-2:]))
            rows = self.session.execute(query_on).all()

    # ---- one after the other --------------------------------------------------------------
    def holds(self, record_id: uuid.UUID) -> bool:
        """Is the record one of the list's rows?"""
        found = self._select(self.model.id).where(self.model.id == record_id).limit(1)
        return self.session.scalar(found) is not None

    def beside(self, record_id: uuid.UUID, *, backward: bool) -> Row[Any] | None:
        """The row after a record (or before it), whether or not the record is still in the list;
        None at the end, and where the record has no place in it any more.
        """
        key = self._key_of(record_id)
        rows = self._beside((0, *key), 1, backward=backward) if key else ()
        return rows[0] if rows else None

    def _key_of(self, record_id: uuid.UUID) -> tuple[Any, uuid.UUID] | None:
        """Where the list's order has a record."""
        query = select(*self._order).where(self.model.id == record_id)
        if self._by_search_key:
            query = query.select_from(self.model).join(
                SearchKey, SearchKey.household_id == self._household()
            )
            query = query.where(*keyed(self.query.name))
        elif self.query.found and not self.by_name:
            query = self._among_found(query)
        found = self.session.execute(query.order_by(*self._order).limit(1)).first()
        return (found[0], found[1]) if found else None

    def by_value(self, name: str, most: int) -> list[tuple[Any, int]]:
        """What the rows say of a stored field, each value with how many say it: the most frequent ones."""
        self.require_narrow()
        column, n = getattr(self.model, name), func.count()
        query = self._select(column, n).group_by(column).order_by(n.desc(), column).limit(most)
        return [(value, int(count)) for value, count in self.session.execute(query)]

    # ---- searching in the background ------------------------------------------------------
    def counties(self) -> list[tuple[str, int]]:
        """The counties of the area that hold rows at all: path and how many, in order."""
        return self._counties.all(self.register.whole or "total")

    def keys_in(self, path: str) -> list[uuid.UUID]:
        """The keys of all rows that lie at or below ``path``, however long it takes."""
        query = self._select(self.model.id).where(in_subtree(self.model.path, path))
        return list(self.session.scalars(query.order_by(self.model.path, self.model.id)))

    @property
    def _order(self) -> tuple[Any, Any]:
        if self._by_search_key:
            return SearchKey.value, SearchKey.household_id
        if self.by_name:
            return self._name, self.model.id
        if self.query.found:
            return ResultRow.position, ResultRow.record_id
        return self.model.path, self.model.id

    def _select(self, *what: Any) -> Select[Any]:
        if not self._by_search_key:
            query = select(*what).where(*self.conditions())
            return self._among_found(query) if self.query.found and not self.by_name else query
        name = self.query.name
        # One household may be found by two of its names: the first of them counts.
        other = aliased(SearchKey)
        earlier = (
            select(literal(1))
            .where(
                other.household_id == SearchKey.household_id,
                *keyed(name, other.value),
                other.value < SearchKey.value,
            )
            .exists()
        )
        query = (
            select(*what)
            .select_from(self.model)
            .join(SearchKey, SearchKey.household_id == self._household())
            .where(*keyed(name), ~earlier, *self.conditions())
        )
        if self.query.region is not None and self.query.region.county_id is not None:
            return query.where(SearchKey.county_id == self.query.region.county_id)
        if self.actor.level >= Level.COUNTY:
            low, high = subtree(self.path)
            return query.where(SearchKey.path >= low, SearchKey.path < high)
        return query

    def _among_found(self, query: Select[Any]) -> Select[Any]:
        query = query.select_from(self.model).join(ResultRow, ResultRow.record_id == self.model.id)
        return query.where(ResultRow.search_id == self.query.found)

    def _numbered(self, offset: int, limit: int) -> Sequence[Row[Any]]:
        counter = self.counter
        if counter is None:
            return self._read(self._rows().offset(offset), limit)
        if self.level < Level.COUNTY:
            return self._branches(self._counties.window(counter, offset, limit), limit)
        low, high = subtree(self.path)
        asked = {"low": low, "high": high, "passed": offset, "most": limit}
        return self.session.execute(self._in_county(counter), asked).all()

    def _in_county(self, counter: str) -> Select[Any]:
        """The statement of the page that is opened most, made once: building it costs as much as
        asking. Binds ``low``, ``high``, ``passed``, ``most``.
        """
        kept = kept_at(self.register.name, counter, self.level)
        key = self.model, self._columns, self.query.figure, self.query.states, *kept
        made = _made.get(key)
        if made is None:
            low: Any = bindparam("low")
            high: Any = bindparam("high")
            area = self.model.path >= low, self.model.path < high
            made = select(*self._shown(low, high)).where(*area, *self._covered_conditions())
            made = made.order_by(*self._order)
            made = made.limit(bindparam("most")).offset(bindparam("passed"))
            if len(_made) >= _MOST_MADE:  # accounts choose their columns
                _made.clear()
            made = _made[key] = made.execution_options(**{MADE_ONCE: True})
        return made

    def _beside(
        self, cursor: tuple[int, Any, uuid.UUID], limit: int, *, backward: bool
    ) -> Sequence[Row[Any]]:
        key = (self._value(cursor[1]), cursor[2])
        counter = self.counter
        if counter and self.level < Level.COUNTY:
            counties = self._counties.beside(counter, key[0], limit, backward=backward)
            return self._branches(counties, limit, key, backward=backward)
        order = tuple_(*self._order)
        beside = order < key if backward else order > key
        return self._read(self._rows().where(beside), limit, backward=backward)

    def _value(self, text: Any) -> Any:
        """What a cursor says of the order's first column, as that column has it."""
        if not self.query.found or self.by_name or isinstance(text, int):
            return text
        if not text.isascii() or not text.isdigit() or len(text) > 9:
            raise bad_cursor()
        return int(text)

    def _rows(self) -> Select[Any]:
        return self._select(*self._shown())

    @property
    def _columns(self) -> str:
        """The shown columns, and the record's times where a choice's text depends on them."""
        fields = (self.model.__fields__[name] for name in self.shown.split())
        times = " ".join(n for n in ("submitted_at", "changed_at") if hasattr(self.model, n))
        dated = any(f.source_list and choice_lists.changed(f.source_list) for f in fields)
        return f"{self.shown} {times}" if dated else self.shown

    def _shown(self, low: Any = None, high: Any = None) -> list[Any]:
        """What lists show of a row, the key that orders it, and, where counters tell it, how many
        rows there are (between ``low`` and ``high``, else in the area): worked out once for all rows.
        """
        value, key = self._order
        listed = _listed(self.register.name, self.model, self._columns)
        shown = [*listed, value.label("order_value"), key.label("order_key")]
        if self.counter:
            area = (low, high) if low is not None else subtree(self.path)
            shown.append(
                total_between(self.register.name, self.counter, self.level, *area).label("whole")
            )
        return shown

    def _read(
        self, query: Select[Any], limit: int, *, backward: bool = False
    ) -> Sequence[Row[Any]]:
        query = query.order_by(*_turned(self._order, backward=backward)).limit(limit)
        return self.session.execute(query).all()

    def _branches(
        self,
        counties: list[tuple[str, int]],
        limit: int,
        key: tuple[str, uuid.UUID] | None = None,
        *,
        backward: bool = False,
    ) -> Sequence[Row[Any]]:
        """Rows of some counties in one statement: a short index range for each."""
        if not counties:
            return []
        order = _turned(self._order, backward=backward)
        parts = []
        for path, skip in counties:
            low, high = subtree(path)
            part = select(self.model.id).where(
                self.model.path >= low, self.model.path < high, *self.conditions()[2:]
            )
            if key is not None:
                beside = tuple_(*self._order)
                part = part.where(beside < key if backward else beside > key)
            inner = part.order_by(*order).offset(skip or None).limit(limit).subquery()
            parts.append(select(inner.c.id))
        ids = union_all(*parts) if len(parts) > 1 else parts[0]
        query = select(*self._shown()).where(self.model.id.in_(ids))
        return self._read(query, limit, backward=backward)


@lru_cache(maxsize=1000)
def _listed(register: str, model: Any, ledger: str) -> tuple[Any, ...]:
    """What lists show of a record (it has some 90 columns) and of its division; of files how many.
    The division is read for the rows of the page alone: as a join it could be read for all that a
    filter finds.
    """
    names = {"id", "path", *_BESIDE, *ledger.split()}
    declared = get_register(register)
    if declared and declared.frozen:
        names |= declared.frozen.where.names()  # what may be done with a row
    if declared and declared.moves:
        names.add(declared.moves.asked)
    if declared and declared.review and declared.review.setting:
        names.add("county_id")  # says whether there is a review
    counted = {n for n in names if n in model.__fields__ and not model.__fields__[n].stored}
    known = model.__mapper__.all_orm_descriptors.keys()
    shown = [getattr(model, n) for n in sorted(names - counted) if n in known]
    shown += [columns_of(model, register)(f"#{n}").label(n) for n in sorted(counted)]
    place = select(Region).where(Region.id == model.region_id).correlate(model)
    for column in (Region.full_name, Region.level):
        found = place.with_only_columns(column).scalar_subquery()
        shown.append(found.label(f"region_{column.key}"))
    return tuple(shown)


def _turned(order: Sequence[Any], *, backward: bool) -> list[Any]:
    return [c.desc() for c in order] if backward else list(order)
