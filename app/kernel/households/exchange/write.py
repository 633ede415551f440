"""Households of a list into the database: new ones in bulk, known ones one by one.

New rows go past the ORM, hence past the scope guard and the counters' own watch: every line was
checked to lie in the account's area, and the counters' deltas are handed in here.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, cast

from sqlalchemy import Table, select
from sqlalchemy.orm.exc import StaleDataError

from app.access.audit import log as audit
from app.access.audit.log import Act
from app.access.divisions import regions
from app.access.scope import hold, in_scope
from app.core.bulk import insert_rows
from app.core.clock import now, uuid7
from app.core.db import db
from app.core.errors import OutsideScope
from app.kernel import hooks
from app.kernel.declare.flow import State
from app.kernel.declare.house_lists import HouseList
from app.kernel.declare.register import Register, register_of
from app.kernel.exchange.taking_back import images
from app.kernel.figures import counters
from app.kernel.households import lists as households
from app.kernel.households.exchange.list import Line
from app.kernel.kinds import YES_NO
from app.kernel.records import copies
from app.kernel.rows.household import Household, SearchKey, Source, search_values
from app.kernel.rows.member import PersonNumber

_REPEATED = {"corrected_id", "head_id", "region_id"}
"""What the registers' rows repeat of their household."""


_FLAGS = [name for name, made in Household.__fields__.items() if made.kind == YES_NO]
"""What is said of a household once it stands on a list, or once its house is surveyed."""


class HouseholdWriter:
    """Writes what was decided into the session; the caller commits."""

    def __init__(self, job_id: uuid.UUID, onto: HouseList) -> None:
        """``onto``: the list that they come onto."""
        self._job_id, self._onto = job_id, onto
        self._following = households.following(onto.name)
        own = register_of(Household)
        self._tallies = {r.name: _Tally(r) for r in (*self._following, own) if r is not None}

    def create(self, lines: Sequence[Line]) -> None:
        """New households with their search keys and their rows in the registers."""
        for tally in self._tallies.values():
            tally.clear()  # of an attempt that came to nothing
        if not lines:
            return
        moment = now()
        made: list[dict[str, Any]] = []
        keys: list[dict[str, Any]] = []
        records: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for line in lines:
            place = _place(line)
            row = _household(line) | {self._onto.name: True}
            row |= place | _stamps(moment)
            line.household_id = row["id"]
            made.append(row)
            self._count(Household.__tablename__, row)
            # As much of a household as the next two ask for; an ORM object costs ten times as much.
            household = cast("Household", SimpleNamespace(**row, matching_id=row["issued_id"]))
            keys += [
                {"household_id": row["id"], "value": value, **place}
                for value in search_values(household)
            ]
            for register in self._following:
                record = copies.of(household, register.model) | place | _stamps(moment)
                record["household_id"] = row["id"]
                if "state" in register.model.__fields__:
                    record["state"] = State.MISSING
                record |= dict(hooks.list_row(register, _said(line)))
                records[register.name].append(record)
                self._count(register.name, record)
        if not all(in_scope(row["path"]) for row in made):
            raise OutsideScope("an import outside the account's area")  # the guard sees no bulk
        places = {(row["region_id"], row["path"]) for row in made}
        hold(db.session(), places, {row["county_id"] for row in made})
        self._keep(made, records)
        connection = db.session.connection()
        insert_rows(connection, _table(Household), made)
        insert_rows(connection, _table(SearchKey), keys)
        if self._onto.of_persons:
            numbers = [
                {"number": one.id_number, "household_id": one.household_id}
                for one in lines if one.id_valid
            ]  # fmt: skip
            insert_rows(connection, _table(PersonNumber), numbers)
        for register in self._following:
            insert_rows(connection, _table(register.model), records[register.name])
        for tally in self._tallies.values():
            tally.hand_in()

    def _keep(
        self, made: Sequence[dict[str, Any]], records: Mapping[str, Sequence[dict[str, Any]]]
    ) -> None:
        """That they can be taken back: each household with its rows."""
        images.keep_made(Household, ((row["id"], row["id"]) for row in made))
        for register in self._following:
            rows = ((row["household_id"], row["id"]) for row in records[register.name])
            images.keep_made(register.model, rows)

    def update(self, lines: Sequence[Line]) -> None:
        """Change known households, each with its entry in the audit log.

        :raises StaleDataError: one of them is gone meanwhile.
        """
        wanted = {line.known.id: line for line in lines if line.known}
        if not wanted:
            return
        query = select(Household).where(Household.id.in_(wanted)).with_for_update()
        found = {row.id: row for row in db.session.scalars(query)}
        for household_id, line in wanted.items():
            household = found.get(household_id)
            if household is None:
                raise StaleDataError("the household was moved or merged meanwhile")
            changes = dict(_told(household, line.changes))
            for name, value in line.changes.items():
                setattr(household, name, value)
            if self._onto.name in line.changes:
                self._enlist(household, line)
            elif line.changes.keys() & _REPEATED:
                households.refresh(db.session, household)
            audit.record(
                db.session,
                Act.UPDATE,
                register="household",
                row=household,
                detail={
                    "import": str(self._job_id),
                    "row": line.number,
                    "changes": changes,
                },
            )

    def _enlist(self, household: Household, line: Line) -> None:
        """It is known from another list, or left this one."""
        households.enlist(db.session(), household, self._onto.name)
        for register in self._following:
            for _of, row in households.records_of(db.session(), household, [register]):
                hooks.list_rejoined(register, row, _said(line))

    def _count(self, register: str, row: dict[str, Any]) -> None:
        if tally := self._tallies.get(register):
            tally.add(row)


class _Tally:
    """Counter deltas of new rows. Rows that agree in what the figures ask are judged once."""

    def __init__(self, register: Register) -> None:
        self._register = register
        fields = register.model.__fields__
        self._defaults = {n: f.default for n, f in fields.items() if f.stored}
        self._asked = sorted(counters.asked_of(register))
        self._alike: dict[tuple[Any, ...], dict[str, Any]] = {}
        self._rows: dict[tuple[tuple[Any, ...], int, str], int] = defaultdict(int)

    def add(self, row: dict[str, Any]) -> None:
        if not self._alike:  # rows of one kind name the same columns
            self._asked = [name for name in self._asked if name in row]
        key = tuple([row[name] for name in self._asked])
        self._alike.setdefault(key, row)
        self._rows[key, row["county_id"], row["path"]] += 1

    def clear(self) -> None:
        self._rows.clear()

    def hand_in(self) -> None:
        deltas: dict[tuple[str, int, str], int] = defaultdict(int)
        for (key, county_id, path), n in self._rows.items():
            alike = self._defaults | self._alike[key]
            for figure, amount in counters.amounts(self._register, alike).items():
                deltas[figure, county_id, path] += n * amount
        counters.hand_in(db.session, self._register, deltas)


def _table(model: Any) -> Table:
    return cast("Table", model.__table__)


def _place(line: Line) -> dict[str, Any]:
    place = line.place
    if place is None:
        raise ValueError("a line without a county was rejected")
    return {
        "region_id": place.id,
        "path": place.path,
        "county_id": place.county_id,
        "province_id": place.province_id,
    }


def _stamps(moment: dt.datetime) -> dict[str, Any]:
    return {"id": uuid7(), "version": 1, "created_at": moment, "changed_at": moment}


def _household(line: Line) -> dict[str, Any]:
    return {
        "issued_name": line.name,
        "head_name": line.name,
        "issued_id": line.id_number or None,
        "head_id": line.id_number or None,
        "corrected_id": None,
        "source": Source.ISSUED,
        "findings": tuple(sorted(f.value for f in line.findings)) or None,
        "place_written": line.written_place or None,
        **dict.fromkeys(_FLAGS, False),
        "parent_id": None,
        "standing": None,
        "match_key": line.key,
        **line.values,
    }


def _said(line: Line) -> dict[str, Any]:
    return line.values | line.extras


def _told(household: Household, changes: Mapping[str, Any]) -> Iterator[tuple[str, list[Any]]]:
    """What changes, as the audit log keeps it; a division by its name."""
    for name, value in changes.items():
        pair = getattr(household, name), value
        if name == "region_id":
            yield "region", [one.full_name if (one := regions.get(key)) else None for key in pair]
        else:
            yield name, [_plain(one) for one in pair]


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
