"""Many rows at once into one table: COPY on PostgreSQL, one prepared statement on SQLite.

Half the time of a usual INSERT of thousands goes into asking every column of every row how its
value is bound; here each table is asked once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import psycopg
from sqlalchemy import Connection, Table
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError

_NOTHING = object()


def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add ``rows``, which all name the same columns; the others take their defaults.

    The scope guard and the counters see nothing of it: the caller answers for both.

    :raises IntegrityError: as an INSERT does.
    """
    if not rows:
        return
    plan = _plan(table, tuple(rows[0]), connection.dialect)
    values = plan.bound(rows)
    if connection.dialect.name == "postgresql":
        _copy(connection, plan, values)
    else:
        connection.exec_driver_sql(plan.insert, values)


def _copy(connection: Connection, plan: _Plan, values: Sequence[Sequence[Any]]) -> None:
    cursor: Any = connection.connection.cursor()
    try:
        with cursor, cursor.copy(plan.copy) as copy:
            for row in values:
                copy.write_row(row)
    except psycopg.Error as error:
        raise DBAPIError.instance(  # as SQLAlchemy's own statements would
            plan.copy, None, error, psycopg.Error, dialect=connection.dialect
        ) from error


class _Plan:
    """How rows with these columns go into a table."""

    def __init__(self, table: Table, names: Sequence[str], dialect: Dialect) -> None:
        given = set(names)
        columns = [table.columns[name] for name in names]
        columns += [c for c in table.columns if c.name not in given and c.default is not None]
        quoted = [dialect.identifier_preparer.quote(column.name) for column in columns]
        target = f"{dialect.identifier_preparer.format_table(table)} ({', '.join(quoted)})"
        self.copy = f"COPY {target} FROM STDIN"
        self.insert = f"INSERT INTO {target} VALUES ({', '.join('?' * len(quoted))})"  # noqa: S608 - names of columns
        self._columns = [_Column(c, dialect, given=c.name in given) for c in columns]

    def bound(self, rows: Sequence[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
        """The rows' values as the driver takes them."""
        columns = [column.bound(rows) for column in self._columns]
        return list(zip(*columns, strict=True))


class _Column:
    """One column's values out of rows, or its default."""

    def __init__(self, column: Any, dialect: Dialect, *, given: bool) -> None:
        self._name = column.name if given else None
        self._bind = column.type.dialect_impl(dialect).bind_processor(dialect)
        self._default = column.default

    def bound(self, rows: Sequence[Mapping[str, Any]]) -> Sequence[Any]:
        if self._name is not None:
            values: Sequence[Any] = [row[self._name] for row in rows]
        elif self._default.is_callable:
            values = [self._default.arg(None) for _ in rows]
        else:
            values = (self._default.arg,) * len(rows)
        if self._bind is None:
            return values
        made, last, taken = [], _NOTHING, None
        for value in values:
            if value is not last:  # one moment, one state for a thousand rows
                last, taken = value, self._bind(value)
            made.append(taken)
        return made


_plan = lru_cache(maxsize=64)(_Plan)
