"""``python -m bench.plans --rows 1000000``: the query plan of every statement of the measured pages."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Iterator
from typing import Any

from flask import Flask
from sqlalchemy import Connection, Engine, create_engine, event, text

from bench.client import TOKEN
from bench.database import database, environment
from bench.fill import PASSWORD
from bench.tasks import COUNTY, LIST

#: login -> pages; {county} and {record} are filled in.
PAGES = (
    ("nation", LIST),
    ("nation", LIST + "?region={county}"),
    ("nation", LIST + "?page=40000"),
    ("nation", LIST + "?head_name=张伟"),
    ("nation", LIST + "?head_id={number}"),
    ("county", LIST),
    ("county", "/lookback/review"),
    ("county", "/lookback/{record}/edit"),
    ("nation", "/lookback/statistics/progress"),
    ("county", "/lookback/statistics/progress"),
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.plans", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--server", help="URL of a PostgreSQL server to use instead of the wheel's")
    wanted = parser.parse_args()
    with database("postgresql", wanted.rows, wanted.server) as url:
        os.environ.update(environment(url))
        from app import create_app

        app = create_app()
        with create_engine(url).connect() as connection:
            facts = _facts(connection)
            for login, path in PAGES:
                target = path.format_map(facts)
                print(f"\n### {login}: {target}\n")
                for statement, parameters in _statements(app, login, target):
                    _explain(connection, statement, parameters)


def _facts(connection: Connection) -> dict[str, Any]:
    """A county, a draft in it, somebody's number."""
    row = connection.execute(
        text(
            "SELECT r.id AS county, l.id AS record, l.head_id AS number FROM region r"
            " JOIN lookback l ON l.county_id = r.id AND l.state = 'draft' AND l.living = 'own'"
            " WHERE r.code = :code AND r.level = 3 LIMIT 1"
        ),
        {"code": COUNTY},
    ).one()
    return row._asdict()


def _statements(app: Flask, login: str, path: str) -> Iterator[tuple[str, Any]]:
    """What the page asks, the second time it is opened."""
    client = app.test_client()
    token = TOKEN.search(client.get("/login/").text)
    form = {"csrf_token": token[1] if token else "", "username": login, "password": PASSWORD}
    client.post("/login/", data=form)
    path = client.get(path).headers.get("Location") or path  # a queue leads to its first
    client.get(path)
    seen: list[tuple[str, Any]] = []

    def note(_conn: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        seen.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    answer = client.get(path)
    event.remove(Engine, "before_cursor_execute", note)
    if answer.status_code != 200:
        raise RuntimeError(f"{path}: {answer.status}")
    yield from seen


def _explain(connection: Connection, statement: str, parameters: Any) -> None:
    told = connection.exec_driver_sql(
        f"EXPLAIN (ANALYZE, COSTS OFF, BUFFERS) {statement}", parameters
    )
    lines = [row[0] for row in told]
    table = re.search(r"FROM (\w+)", statement)
    print(f"from {table[1] if table else '–'}:\n\n    " + "\n    ".join(lines) + "\n")
    connection.rollback()


if __name__ == "__main__":
    main()
