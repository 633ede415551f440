"""The floor: the same rows through the bare driver in a page that holds nothing else.

``gunicorn bench.floor:application`` serves ``/TASK?a=…&a=…``: it runs the task's statement with these
arguments and writes the rows as an HTML table. POST writes and commits.
"""

from __future__ import annotations

import os
import re
import sqlite3
import threading
from collections.abc import Callable, Iterable
from html import escape
from typing import Any
from urllib.parse import parse_qs

import psycopg

_ROW = (
    "l.head_name, l.head_id, l.phone, l.living, l.grade, l.state, l.changed_at, r.full_name, l.id"
)
_FROM = f"SELECT {_ROW} FROM lookback l JOIN region r ON r.id = l.region_id"

#: ``?`` marks an argument.
STATEMENTS = {
    "list": f"{_FROM} WHERE l.path >= ? AND l.path < ? ORDER BY l.path, l.id LIMIT 20",
    "after": f"{_FROM} WHERE (l.path, l.id) > (?, ?) ORDER BY l.path, l.id LIMIT 20",
    "key": f"{_FROM} JOIN search_key k ON k.household_id = l.household_id WHERE k.value = ?",
    "prefix": (
        f"{_FROM} JOIN search_key k ON k.household_id = l.household_id"
        " WHERE k.value >= ? AND k.value < ? ORDER BY k.value, k.household_id LIMIT 20"
    ),
    "record": (
        "SELECT * FROM lookback l JOIN household h ON h.id = l.household_id WHERE l.id = ?"
    ),
    "save": "UPDATE lookback SET version = version + 1, interim_measure = ? WHERE id = ?",
    "figures": (
        "SELECT p.id, p.name, sum(v00), sum(v01), sum(v02), sum(v03), sum(v04), sum(v05)"
        " FROM region p JOIN tally t"
        " ON t.path >= p.path AND t.path < substr(p.path, 1, length(p.path) - 1) || '/'"
        " WHERE p.parent_id = ? AND t.register = 'lookback' AND t.dim = '' AND t.level = 3"
        " AND t.part = 0 GROUP BY p.id, p.name"
    ),
    "live": (
        "SELECT substr(path, 1, ?), state, living, grade, died, count(*) FROM lookback"
        " WHERE path >= ? AND path < ? GROUP BY 1, 2, 3, 4, 5"
    ),
}  # fmt: skip

_TABLE = re.compile("[a-z_]+")


def _statement(task: str) -> str:
    """``task.table`` is the task on the table of another register."""
    name, _dot, table = task.partition(".")
    if not table:
        return STATEMENTS[name]
    if not _TABLE.fullmatch(table):
        raise KeyError(task)
    listed = f"SELECT l.*, r.full_name FROM {table} l JOIN region r ON r.id = l.region_id"
    return {
        "list": f"{listed} WHERE l.path >= ? AND l.path < ? ORDER BY l.path, l.id LIMIT 20",
        "record": f"{listed} WHERE l.id = ?",
        "save": f"UPDATE {table} SET version = version + 1 WHERE id = ?",
        "figures": STATEMENTS["figures"].replace("'lookback'", f"'{table}'"),
    }[name]  # fmt: skip


_local = threading.local()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    task = environ["PATH_INFO"].strip("/")
    arguments = parse_qs(environ["QUERY_STRING"]).get("a", [])
    rows = _run(_statement(task), arguments, write=environ["REQUEST_METHOD"] == "POST")
    lines = (
        "<tr>" + "".join(f"<td>{escape(str(value))}</td>" for value in row) + "</tr>"
        for row in rows
    )
    page = f"<!doctype html><title>floor</title><table>{''.join(lines)}</table>".encode()
    start_response(
        "200 OK", [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(page)))]
    )
    return [page]


def _run(statement: str, arguments: list[str], *, write: bool) -> list[Any]:
    connection = _connection()
    if isinstance(connection, sqlite3.Connection):
        cursor: Any = connection.execute(statement, arguments)
    else:
        cursor = connection.execute(statement.replace("?", "%s"), arguments)
    rows = [] if write else cursor.fetchall()
    connection.commit()
    return rows


def _connection() -> Any:
    """One connection a thread, kept."""
    if not hasattr(_local, "connection"):
        url = os.environ["DATABASE_URL"]
        if url.startswith("sqlite"):
            _local.connection = sqlite3.connect(url.removeprefix("sqlite:///"))
            _local.connection.execute("PRAGMA mmap_size=1073741824")
            _local.connection.execute("PRAGMA synchronous=FULL")
        else:
            _local.connection = psycopg.connect(url)
    return _local.connection
