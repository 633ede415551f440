"""Load the real divisions: 665,276 of the statistics of 2023-06-30, the nation and the corps.

What the packed file holds and why is told in docs/adr/divisions.md; tools/pack_divisions.py
makes it. Rows go in by COPY on PostgreSQL and by ``executemany`` on SQLite, in one transaction
under a lock, so that several processes may call :func:`load` at once.
"""

from __future__ import annotations

import lzma
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, NamedTuple, cast

from sqlalchemy import Connection, Engine, Table, insert, inspect, select, text

from app.access.divisions.names import DATA, initials
from app.access.divisions.regions import (
    CODE_LENGTH,
    DEPARTMENT,
    NATION_PATH,
    Level,
    Region,
    RegionSeed,
    joined_name,
    label,
)
from app.core.clock import now

WHOLE = ""  # the prefix of every code
_LOCK = 0x616E6A75  # any number that no other advisory lock of ours uses
_SEGMENT = {1: 2, 2: 2, 3: 2, 4: 3, 5: 3}  # digits that each level adds to a code
_VILLAGE = str(int(Level.VILLAGE))  # what a village's line begins with
_NATION = "全国"
LAST_ID = 665_278  # nation + corps + 665,276; ids are the numbers of the file's lines


class Row(NamedTuple):
    """One line of the table ``region``, in the order of its columns."""

    id: int
    parent_id: int | None
    level: int
    code: str
    national_code: str
    name: str
    full_name: str
    path: str
    sort: int
    initials: str
    structural: bool
    department: str
    county_id: int | None
    province_id: int | None


_COLUMNS = ", ".join(Row._fields)


class _Open(NamedTuple):
    """A node whose children are being read."""

    row: Row
    wanted: bool
    labels: list[int]  # how many labels are given below; a structural node shares its parent's


def rows(only: Collection[str] = (WHOLE,)) -> Iterator[Row]:
    """Every node below a code that begins with one of ``only``, with all nodes above it.

    Ids, labels and order are those of the whole tree, so that two loads of parts fit together.
    Parents come before their children.
    """
    prefixes = tuple(only)
    nation = Row(
        1, None, Level.NATION, "0" * CODE_LENGTH, "0" * CODE_LENGTH, _NATION, _NATION,
        NATION_PATH, 0, "qg", False, DEPARTMENT, None, None,
    )  # fmt: skip
    stack = [_Open(nation, WHOLE in prefixes, [0])]
    pending = [nation]  # ancestors not yet handed out
    content = lzma.decompress((DATA / "divisions.xz").read_bytes()).decode()
    for number, line in enumerate(content.splitlines(), start=2):
        above = stack[-1]
        skips = line[0] == _VILLAGE and not above.wanted  # nine lines of ten, by how they begin
        if skips and not line[line.index("\t") + 1 :].startswith(prefixes):
            above.labels[0] += 1
            continue
        mark, short, name, *told = line.split("\t")
        level, structural = int(mark[0]), len(mark) > 1
        while stack[-1].row.level >= level:
            closed = stack.pop()
            if pending and pending[-1] is closed.row:
                pending.pop()
        above = stack[-1]
        parent = above.row
        wanted = above.wanted or short.startswith(prefixes)
        if structural:
            path, labels = parent.path, above.labels
        else:
            above.labels[0] += 1
            path, labels = parent.path + label(above.labels[0], Level(level)), [0]
        full_name = parent.full_name if structural else joined_name(parent, name)
        code = short.ljust(CODE_LENGTH, "0")
        row = Row(
            number, parent.id, level, code, code, name, full_name, path,
            int(short[-_SEGMENT[level]:]),
            told[0] if told else initials(name),
            structural, DEPARTMENT,
            number if level == Level.COUNTY else parent.county_id,
            number if level == Level.PROVINCE else parent.province_id,
        )  # fmt: skip
        if wanted:
            yield from pending
            pending.clear()
            yield row
        elif level < Level.VILLAGE:
            pending.append(row)
        if level < Level.VILLAGE:
            stack.append(_Open(row, wanted, labels))


def load(database: Engine | Connection, only: Collection[str] = (WHOLE,)) -> int:
    """Put the divisions in; returns how many were new. What was loaded before is left alone.

    ``only`` limits it to the parts of the tree below codes that begin with one of these (tests,
    one county's own server). A connection is used as it stands, inside its caller's transaction.
    """
    if isinstance(database, Engine):
        with database.begin() as connection:
            return load(connection, only)
    if database.dialect.name == "postgresql":
        database.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    table = cast("Table", Region.__table__)
    loaded = set(database.scalars(select(RegionSeed.prefix)))
    prefixes = {prefix for prefix in only if not prefix.startswith(tuple(loaded))}
    if not prefixes:
        return 0
    present = set(database.scalars(select(Region.id))) if loaded else set()
    added = 0

    def new() -> Iterator[Row]:
        nonlocal added
        for row in rows(prefixes):
            if row.id not in present:
                added += 1
                yield row

    insert_rows = _copy if database.dialect.name == "postgresql" else _executemany
    with nullcontext() if present else _built_at_once(database, table):
        insert_rows(database, new())
    database.execute(text("ANALYZE region"))
    seed = {"nodes": added, "loaded_at": now()}
    database.execute(insert(RegionSeed), [{"prefix": prefix, **seed} for prefix in prefixes])
    return added


@contextmanager
def _built_at_once(connection: Connection, table: Table) -> Iterator[None]:
    """Indexes, and on PostgreSQL the check of parents, made when all rows are in: half the time."""
    for index in table.indexes:
        index.drop(connection)
    checks = []
    if connection.dialect.name == "postgresql":
        checks = inspect(connection).get_foreign_keys(table.name)
        for check in checks:
            connection.execute(text(f'ALTER TABLE region DROP CONSTRAINT "{check["name"]}"'))
    yield
    for check in checks:
        connection.execute(
            text(
                f'ALTER TABLE region ADD CONSTRAINT "{check["name"]}"'
                " FOREIGN KEY (parent_id) REFERENCES region (id)"
            )
        )
    for index in table.indexes:
        index.create(connection)


def _copy(connection: Connection, new: Iterable[Row]) -> None:
    """COPY on PostgreSQL; the sequence then goes on behind the whole tree's ids."""
    cursor: Any = connection.connection.cursor()
    with cursor, cursor.copy(f"COPY region ({_COLUMNS}) FROM STDIN") as copy:
        for row in new:
            copy.write_row(row)
    connection.execute(
        text(
            "SELECT setval(pg_get_serial_sequence('region', 'id'), greatest(max(id), :last))"
            " FROM region"
        ),
        {"last": LAST_ID},
    )


def _executemany(connection: Connection, new: Iterable[Row]) -> None:
    """``executemany`` on SQLite; new ids then begin behind the whole tree's."""
    cursor: Any = connection.connection.cursor()
    marks = ", ".join("?" * len(Row._fields))
    cursor.executemany(f"INSERT INTO region ({_COLUMNS}) VALUES ({marks})", new)  # noqa: S608
    cursor.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'region'", (LAST_ID,))
    cursor.close()
