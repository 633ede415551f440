"""What a test wrote is gone before the next one, although the database was not made anew."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

from tests.databases import Databases, plain_url

pytestmark = pytest.mark.only_on("postgresql")  # SQLite's file is copied

WRITES = {
    "a new row": "INSERT INTO ab_role (name) VALUES ('x')",
    "a changed row": "UPDATE region SET name = 'x' WHERE id = (SELECT min(id) FROM region)",
    "rows gone": "DELETE FROM ab_permission_view_role WHERE id < 20",
    "a row under another key": "UPDATE ab_permission_view_role SET id = 9999 WHERE id = 30",
    "a part that was undone": "BEGIN; SAVEPOINT a; INSERT INTO ab_role (name) VALUES ('x'); "
    "RELEASE a; SAVEPOINT b; DELETE FROM list_item; ROLLBACK TO b; COMMIT",
}
OTHER_SHAPES = (
    "CREATE TABLE more (id int)",
    "ALTER TABLE region ADD COLUMN more int",
    "DROP INDEX ix_region_path",
)


def content(connection: psycopg.Connection[Any]) -> dict[str, list[Any]]:
    """All rows of all tables, and where the sequences stand."""
    names = (
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = %s"
    )
    rows = {}
    for kind, what in (("r", "x::text"), ("S", "last_value::text, is_called")):
        for (name,) in connection.execute(names, [kind]).fetchall():
            query = f'SELECT {what} FROM public."{name}" x'
            rows[name] = sorted(connection.execute(query.encode()).fetchall())
    return rows


@pytest.fixture
def copied(db_kind: str, databases: Databases, worker: str) -> Any:
    name = f"anju_{worker}_restored"
    url = plain_url(make_url(databases.copy(db_kind, name)))
    with psycopg.connect(url, autocommit=True) as connection:
        yield lambda: databases.restore(db_kind, name), connection


def test_it_is_as_it_was_time_and_again(copied: Any) -> None:
    restore, connection = copied
    before = content(connection)
    for _ in range(2):
        for what, statements in WRITES.items():
            for statement in statements.split("; "):
                connection.execute(statement.encode())
            assert content(connection) != before, what
            assert restore(), what
            assert content(connection) == before, what


def test_who_holds_rows_is_sent_away(copied: Any) -> None:
    restore, connection = copied
    connection.execute("BEGIN")
    connection.execute("DELETE FROM list_item")
    assert restore()
    with pytest.raises(psycopg.OperationalError):
        connection.execute("COMMIT")


@pytest.mark.parametrize("statement", OTHER_SHAPES)
def test_another_shape_is_not_undone(copied: Any, statement: str) -> None:
    restore, connection = copied
    connection.execute(statement.encode())
    assert restore() is False
