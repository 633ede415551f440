"""Rows that several relations name, read in one statement, however many relations there are.

Each relation has a number, and joins to it alone: a row of the answer holds a row of one relation, so that
there are as many as the relations have together, and not each with each.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Subquery, and_, inspect, literal, select, true, union_all
from sqlalchemy.orm import aliased, contains_eager, load_only
from sqlalchemy.sql.util import ClauseAdapter

from app.core.db import db

if TYPE_CHECKING:
    from app.web.crud.interface import ScopedInterface

_MOST_KEYS = 500  # in a statement


def _numbers(count: int) -> Subquery:
    """A row for each relation, with its number ``n``."""
    return union_all(*(select(literal(n).label("n")) for n in range(count))).subquery("relation")


def with_keys(asked: Mapping[str, tuple[Any, Collection[Any]]]) -> dict[tuple[str, Any], Any]:
    """(name, key) -> the row; of what lies outside the area, or is none, nothing.

    ``asked``: name -> a model, and keys of its rows as their column keeps them.
    """
    if not asked:
        return {}
    numbers = _numbers(len(asked))
    rows = {name: aliased(model) for name, (model, _keys) in asked.items()}
    query = select(*rows.values()).select_from(numbers)
    for n, (name, row) in enumerate(rows.items()):
        query = query.outerjoin(row, and_(numbers.c.n == n, _key(row).in_(asked[name][1])))
    return {
        (name, inspect(row).identity[0]): row
        for found in db.session.execute(query)
        for name, row in zip(rows, found, strict=True)
        if row is not None
    }


def _key(row: Any) -> Any:
    """The column of its key."""
    mapper = inspect(row).mapper
    return getattr(row, mapper.get_property_by_column(mapper.primary_key[0]).key)


def apart(
    datamodel: ScopedInterface, columns: Sequence[str] | None
) -> tuple[dict[str, list[str]], list[str] | None]:
    """(relation to several rows -> what is shown of these, as :func:`load` takes it; the other columns, which
    a join brings). ``columns``: what FAB's API shows; None: what the view shows, which FAB is not told.
    """
    several: dict[str, list[str]] = {}
    asked = datamodel.eager if columns is None else columns
    for column in asked:
        root, _dot, rest = column.partition(".")
        if datamodel.is_to_many(root):
            several.setdefault(root, []).append(rest)
    shown = {root: _stored(datamodel, root, names) for root, names in several.items()}
    others = [column for column in asked if column.partition(".")[0] not in several]
    return shown, None if columns is None else others


def _stored(datamodel: ScopedInterface, relation: str, shown: list[str]) -> list[str]:
    """What is shown of a relation's rows; nothing, where that is more than columns of their own."""
    stored = datamodel.related(relation).list_columns
    return shown if all(column in stored for column in shown) else []


def load(
    datamodel: ScopedInterface, rows: Sequence[Any], shown: Mapping[str, Iterable[str]]
) -> None:
    """Fill the relations of these rows that name several others, each in its own order or that of the keys.

    ``shown``: relation -> the columns that are shown of what it names; none: the whole rows.
    """
    keys = [datamodel.get_pk_value(row) for row in rows]
    for first in range(0, len(keys) if shown else 0, _MOST_KEYS):
        _load(datamodel, keys[first : first + _MOST_KEYS], shown)


def _load(datamodel: ScopedInterface, keys: list[Any], shown: Mapping[str, Iterable[str]]) -> None:
    numbers, key = _numbers(len(shown)), datamodel.get_pk()
    query = select(datamodel.obj).options(load_only(key)).join(numbers, true())
    for n, (name, columns) in enumerate(shown.items()):
        named = getattr(datamodel.obj, name)
        row = aliased(named.property.mapper.class_)
        query = _joined(query, named, row, numbers.c.n == n)
        found = contains_eager(named.of_type(row))
        only = [getattr(row, column) for column in columns]
        query = query.options(found.load_only(*only) if only else found)
    db.session.execute(query.where(key.in_(keys))).unique().all()


def _joined(query: Any, named: Any, row: Any, here: ColumnElement[bool]) -> Any:
    """``row`` joined by the relation ``named`` where its number is ``here``, in the relation's order."""
    made, to_row = named.property, ClauseAdapter(inspect(row).selectable)
    order = [to_row.traverse(one) for one in made.order_by or made.mapper.primary_key]
    if made.secondary is None:
        return query.outerjoin(named.of_type(row).and_(here)).order_by(*order)
    # SQLAlchemy would join the two tables beyond first, where the number is not known
    between = made.secondary.alias()
    adapted = ClauseAdapter(between)
    beyond = to_row.traverse(adapted.traverse(made.secondaryjoin))
    query = query.outerjoin(between, and_(here, adapted.traverse(made.primaryjoin)))
    return query.outerjoin(row, beyond).order_by(*map(adapted.traverse, order))
