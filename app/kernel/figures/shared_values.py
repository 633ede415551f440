"""What several records say alike: one row a value, which knows who says it.

Whoever begins or ceases to say something writes the value's row, in one order for everybody; its lock makes
the second of two who say the same at one moment wait, and see the first. Rows of values that nobody shares
cost little: the index of shared ones leaves them out. Measured in docs/adr/shared-values.md.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Index,
    Integer,
    SmallInteger,
    Table,
    TextClause,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from app.core.db import Model, only_where
from app.kernel.declare.field import Compared

#: Values of one statement.
_ROWS = 100
#: Who say a value are told by the statement that writes it, up to so many.
TOLD = 100

shared_value = Table(
    "shared_value",
    Model.metadata,
    Column("kind", SmallInteger, primary_key=True, autoincrement=False),
    Column("digest", BigInteger, primary_key=True, autoincrement=False),
    #: Key of a record, or of a file, without dashes -> whose it is.
    Column("owners", JSON().with_variant(JSONB(), "postgresql"), nullable=False),
    Column("n", Integer, nullable=False),
    Index("ix_shared_value_many", "kind", "digest", **only_where("n > 1")),
)


class Value(NamedTuple):
    """A value by what it is kept under."""

    kind: int
    digest: int


def value(kind: Compared, of: str, *parts: Any) -> Value:
    """What is kept of these parts, said of a register's rule ``of``: 8 bytes of SHA-256, a signed number."""
    said = json.dumps([of, *map(str, parts)], ensure_ascii=False).encode()
    return Value(kind, int.from_bytes(hashlib.sha256(said).digest()[:8], "big", signed=True))


def write(
    session: Session, changes: Mapping[Value, Mapping[str, str | None]]
) -> dict[Value, dict[str, str] | None]:
    """Who says each value from now on (None: no more); gives who say it then, None where they are many."""
    found: dict[Value, dict[str, str] | None] = {}
    ordered = sorted(changes)
    on_postgresql = session.get_bind().dialect.name == "postgresql"
    for first in range(0, len(ordered), _ROWS):
        some = ordered[first : first + _ROWS]
        given: dict[str, Any] = {}
        for at, one in enumerate(some):
            said = changes[one]
            given |= {
                f"k{at}": one.kind, f"d{at}": one.digest, f"o{at}": json.dumps(dict(said)),
                f"n{at}": sum(home is not None for home in said.values()),
            }  # fmt: skip
        lines = session.connection().execute(_upsert(len(some), on_postgresql), given)
        for kind, digest, owners in lines:
            found[Value(kind, digest)] = _read(owners)
    return found


def owners_of(session: Session, one: Value) -> dict[str, str]:
    """Everybody who says it."""
    here = shared_value.c.kind == one.kind, shared_value.c.digest == one.digest
    return _read(session.connection().scalar(select(shared_value.c.owners).where(*here))) or {}


def _read(owners: Any) -> dict[str, str] | None:
    known = json.loads(owners) if isinstance(owners, str) else owners
    return None if known is None else {o: home for o, home in known.items() if home is not None}


@lru_cache(maxsize=200)
def _upsert(rows: int, on_postgresql: bool) -> TextClause:
    owners = "CAST(:o{at} AS jsonb)" if on_postgresql else ":o{at}"
    line = f"(:k{{at}}, :d{{at}}, {owners}, :n{{at}})"
    lines = ", ".join(line.format(at=at) for at in range(rows))
    said = _POSTGRESQL if on_postgresql else _SQLITE
    return text(_UPSERT.format(lines=lines, told=TOLD, **said))


_POSTGRESQL = {
    "merged": "jsonb_strip_nulls(s.owners || excluded.owners)",
    "keys": "jsonb_object_keys",
}
_SQLITE = {"merged": "json_patch(s.owners, excluded.owners)", "keys": "json_each"}
_UPSERT = (
    "INSERT INTO shared_value AS s (kind, digest, owners, n) VALUES {lines}"
    " ON CONFLICT (kind, digest) DO UPDATE SET owners = {merged},"
    " n = (SELECT count(*) FROM {keys}({merged}))"
    " RETURNING kind, digest, CASE WHEN n <= {told} THEN owners END"
)


def forget_unsaid(session: Session) -> None:
    """Values that nobody says any more are gone."""
    session.connection().execute(shared_value.delete().where(shared_value.c.n == 0))


__all__ = ["TOLD", "Value", "forget_unsaid", "owners_of", "shared_value", "value", "write"]
