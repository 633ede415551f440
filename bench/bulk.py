"""Rows by the million into PostgreSQL (COPY) or SQLite (executemany), from Python values."""

from __future__ import annotations

import datetime as dt
import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

from psycopg.types.json import Json
from sqlalchemy import Connection, Table

CHUNK = 20_000
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


class Writer:
    """Fills one table. Columns of ``varying`` differ in every row; the others come as a *tail* that
    many rows share and that is converted once.
    """

    def __init__(self, connection: Connection, model: Any, varying: Sequence[str]) -> None:
        self.connection = connection
        self.table = cast("Table", model.__table__)
        self.varying = list(varying)
        self.shared = [c.name for c in self.table.columns if c.name not in varying]
        self.postgresql = connection.dialect.name == "postgresql"
        self._processors = {c.name: _processor(c, connection) for c in self.table.columns}
        self._rows: list[Any] = []

    def tail(self, values: Mapping[str, Any]) -> Any:
        """Values of all columns that do not vary; what is not given takes the column's default."""
        unknown = values.keys() - set(self.shared)
        if unknown:
            raise KeyError(f"{self.table.name} has no shared columns {', '.join(sorted(unknown))}")
        made = []
        for name in self.shared:
            value = values[name] if name in values else _default(self.table.columns[name])
            made.append(self._processors[name](value))
        return "".join(f"\t{_text(v)}" for v in made) if self.postgresql else tuple(made)

    def add(self, values: Sequence[Any], tail: Any) -> None:
        """One row; ``values`` in the order of ``varying``, already as the database holds them."""
        if self.postgresql:
            self._rows.append("\t".join(map(_text, values)) + tail)
        else:
            self._rows.append((*values, *tail))
        if len(self._rows) >= CHUNK:
            self.flush()

    def flush(self) -> None:
        if not self._rows:
            return
        names = ", ".join(f'"{name}"' for name in (*self.varying, *self.shared))
        cursor: Any = self.connection.connection.cursor()
        if self.postgresql:
            with cursor, cursor.copy(f"COPY {self.table.name} ({names}) FROM STDIN") as copy:
                copy.write("\n".join(self._rows) + "\n")
        else:
            marks = ", ".join("?" * (len(self.varying) + len(self.shared)))
            cursor.executemany(
                f"INSERT INTO {self.table.name} ({names}) VALUES ({marks})", self._rows
            )
            cursor.close()
        self._rows.clear()


@contextmanager
def without_indexes(connection: Connection, *models: Any) -> Iterator[None]:
    """Build the indexes of these tables once, when the rows are in."""
    indexes = [index for model in models for index in model.__table__.indexes]
    for index in indexes:
        index.drop(connection)
    yield
    for index in indexes:
        index.create(connection)


def key_maker(seed: int, start: dt.datetime) -> Callable[[], str]:
    """UUIDv7 as 32 hex digits, one millisecond apart: later rows have greater keys, as in real life."""
    bits = random.Random(seed).getrandbits
    clock = int(start.timestamp() * 1000)

    def make() -> str:
        nonlocal clock
        clock += 1
        return f"{clock << 80 | 7 << 76 | bits(12) << 64 | 2 << 62 | bits(62):032x}"

    return make


def _processor(column: Any, connection: Connection) -> Callable[[Any], Any]:
    made = column.type.dialect_impl(connection.dialect).bind_processor(connection.dialect)

    def written(value: Any) -> Any:
        value = made(value) if made else value
        return json.dumps(value.obj, ensure_ascii=False) if isinstance(value, Json) else value

    return written


def _default(column: Any) -> Any:
    if column.default is None:
        return None
    argument = column.default.arg
    return argument(None) if callable(argument) else argument


def _text(value: Any) -> str:
    """A value in COPY's text format."""
    if value is None:
        return "\\N"
    if isinstance(value, str):
        return value.translate(_ESCAPES)
    if isinstance(value, bool):
        return "t" if value else "f"
    return str(value)
