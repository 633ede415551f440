"""What a publication leaves behind it: the history of each division, and who changed what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Self

from sqlalchemy import Connection, insert, select

from app.access.actor import Actor
from app.access.audit.log import Act, AuditEntry
from app.access.divisions.former import VALUES, ChangeKind, RegionChange, RegionHistory, audit_key
from app.access.divisions.regions import Level, Region
from app.core.clock import now, uuid7

_CHUNK = 500
_TABLE: Any = Region.__table__

_ACTS = {
    ChangeKind.ADD: Act.CREATE,
    ChangeKind.CHANGE: Act.UPDATE,
    ChangeKind.MERGE: Act.DELETE,
    ChangeKind.DELETE: Act.DELETE,
}


@dataclass(frozen=True)
class Wanted:
    """A pending change as plain values: the session forgets objects, and rows change under us."""

    region_id: int
    kind: ChangeKind
    level: Level
    parent_id: int
    code: str
    national_code: str
    name: str
    sort: int
    department: str
    into_id: int | None
    made_by_name: str

    @classmethod
    def of(cls, change: RegionChange) -> Self:
        return cls(**{one.name: getattr(change, one.name) for one in fields(cls)})


@dataclass
class Chronicle:
    """Lines of history and audit log, gathered while changes are applied, written at the end."""

    actor: Actor
    history: list[dict[str, Any]] = field(default_factory=list)
    audited: list[dict[str, Any]] = field(default_factory=list)

    def note(self, change: Any, old: Any, path: str, target: Any = None) -> None:
        """Keep what a division was (``old``; None of a new one), and write down who changed what.

        ``target`` is the one that it was merged into.
        """
        goes = change.kind in (ChangeKind.MERGE, ChangeKind.DELETE)
        key = old.id if old is not None else change.region_id
        before = {name: getattr(old, name) for name in VALUES} if old is not None else None
        after = before if goes and before else {name: getattr(change, name) for name in VALUES}
        was = before or after
        changes = {
            name: [before[name] if before else None, after[name]]
            for name in VALUES
            if before is None or before[name] != after[name]
        }
        into = target.id if target is not None else None
        self.history.append(
            {
                "region_id": key,
                "into_id": into if goes else key,
                "kind": change.kind,
                "level": old.level if old is not None else change.level,
                "path": path,
                "parent_id": was["parent_id"],
                "code": was["code"],
                "name": was["name"],
                "full_name": old.full_name if old is not None else "",
                "changes": changes,
                "at": now(),
                "account_id": self.actor.account_id,
                "account_name": self.actor.name,
            }
        )
        detail = {"published": change.kind.value, "name": was["name"], "code": was["code"]}
        detail |= {"changes": changes, "staged_by": change.made_by_name}
        self.audited.append(
            {
                "id": uuid7(),
                "at": now(),
                "act": _ACTS[change.kind],
                "account_id": self.actor.account_id,
                "account_name": f"{self.actor.login} {self.actor.name}",
                "path": path,
                "register": "region",
                "record_id": audit_key(key),
                "detail": detail | ({"into": target.full_name} if target is not None else {}),
            }
        )

    def write_down(self, connection: Connection) -> None:
        """History and audit log, with the places where things lie in the end."""
        told = [entry["detail"] for entry in self.audited]
        above = regions_of(connection, {p for d in told for p in d["changes"].get("parent_id", ())})
        for detail in told:
            if "parent_id" in detail["changes"]:  # the log is read by people
                ids = detail["changes"]["parent_id"]
                names = [above[p].full_name if p in above else None for p in ids]
                detail["changes"] = detail["changes"] | {"parent_id": names}
        ends = regions_of(connection, [line["into_id"] for line in self.history if line["into_id"]])
        for line, entry in zip(self.history, self.audited, strict=True):
            end = ends.get(line["into_id"])
            if end is not None:
                line["path"] = entry["path"] = end.path
                line["full_name"] = line["full_name"] or end.full_name
        tables: tuple[tuple[Any, list[dict[str, Any]]], ...] = (
            (RegionHistory.__table__, self.history),
            (AuditEntry.__table__, self.audited),
        )
        for table, rows in tables:
            for part in parts_of(rows):
                connection.execute(insert(table), part)


def regions_of(connection: Connection, keys: Iterable[int | None]) -> dict[int, Any]:
    """Rows of the tree by their keys."""
    found: dict[int, Any] = {}
    for part in parts_of(sorted({key for key in keys if key is not None})):
        rows = connection.execute(select(_TABLE).where(_TABLE.c.id.in_(part)))
        found |= {row.id: row for row in rows}
    return found


def parts_of(rows: Sequence[Any]) -> Iterable[Sequence[Any]]:
    """Slices that a statement can take."""
    for first in range(0, len(rows), _CHUNK):
        yield rows[first : first + _CHUNK]
