"""Rows of a register of whose records there is one alone (``Register.key``): a row changes the record of its
key, or makes it. What a chunk asks of the database it asks for all its rows at once.

A key that stands twice in the file is refused where it comes again, one that a record of another name has
too, naming it, and one that stands outside the account's area. A row that says no key (nobody can tell what else is
the same) is the record without one of the same place, name and other parts of the key; where there are several,
the one that says the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from sqlalchemy import inspect, select

from app.access import policy
from app.access.actor import Capability
from app.access.divisions import regions
from app.access.divisions.match import Place
from app.access.divisions.regions import Region
from app.core.db import db
from app.core.i18n import _, translate
from app.kernel import hooks
from app.kernel.beyond import same_key
from app.kernel.declare.register import Register
from app.kernel.declare.rules import Evaluation
from app.kernel.exchange.imports.made import Maker
from app.kernel.kinds.values import to_json
from app.kernel.records import creations, keys, named_households
from app.kernel.records import save as records
from app.kernel.records.creations import Filled

_Same = tuple[Any, ...]
_GROUP = "village_group"


class KeyedMaker(Maker):
    """Finds or makes the record of each row of one import."""

    def __init__(self, register: Register, where: Callable[[int], str]) -> None:
        super().__init__(register, where)
        self._name, self._parts = register.name_field, register.key.split()
        self._rows: dict[str, int] = {}  # key -> the row where it stood first
        self._taken: set[Any] = set()  # records without a key that rows of the file are about

    def passed(self, number: int, typed: Mapping[str, str], name: str) -> None:
        values = {}
        for part in self._parts:
            try:
                values[part] = self.register.fields[part].parse(typed.get(part, ""))
            except ValueError:
                return
        if key := keys.of(self.register, values):
            self._rows.setdefault(key, number)

    @contextmanager
    def prepared(self, lines: Sequence[Any]) -> Iterator[None]:
        good = [line for line in lines if not line.rejected and line.typed]
        for line in good:
            line.place = self._places.of(line, line.typed)
            line.key = keys.of(self.register, line.values)
        found = {line.key for line in good if line.key}
        self._mine = self._by_key(found)
        self._elsewhere = same_key.foreign(self.register, found - self._mine.keys())
        self._same = self._without_key([line for line in good if line.key is None and line.place])
        self._new: list[Filled] = []
        here = {line.place.id for line in good if line.place}
        # The guard asks for each division: held here, it is read once.
        _held = db.session.scalars(select(Region).where(Region.id.in_(here))).all()
        free = found - self._mine.keys() - self._elsewhere.keys()
        numbers = {number for line in good if (number := line.values.get(self.number))}
        with ExitStack() as known:
            known.enter_context(same_key.known_free(self.register, free))
            known.enter_context(named_households.looked_up(numbers))
            for one in hooks.checked_together(self.register, [line.values for line in good]):
                known.enter_context(one)
            yield

    def _by_key(self, wanted: set[str]) -> dict[str, Any]:
        model = self.register.model
        mine = policy.rows(model, Capability.ENTER, self.register.name)
        query = select(model).where(model.unique_key.in_(wanted), mine)
        return {row.unique_key: row for row in db.session.scalars(query)} if wanted else {}

    def _without_key(self, lines: Sequence[Any]) -> dict[_Same, list[Any]]:
        """Records without a key that these rows may be about."""
        found: dict[_Same, list[Any]] = defaultdict(list)
        if not lines:
            return found
        model = self.register.model
        query = select(model).where(
            model.unique_key.is_(None),
            model.region_id.in_({line.place.id for line in lines}),
            getattr(model, self._name).in_({line.values.get(self._name) for line in lines}),
            policy.rows(model, Capability.ENTER, self.register.name),
        )
        for row in db.session.scalars(query.order_by(model.id)):
            values = {name: getattr(row, name) for name in (*self._parts, self._name)}
            group = getattr(row, _GROUP, None)
            found[self._what(row.region_id, values, group)].append(row)
        return found

    def _what(self, region_id: int, values: Mapping[str, Any], group: Any) -> _Same:
        return (
            region_id,
            group or None,
            *(to_json(values.get(n)) for n in (self._name, *self._parts)),
        )

    def _place_of(self, line: Any, typed: Mapping[str, str]) -> Place | None:
        found: Place | None = line.place
        return found

    def _find(self, line: Any, typed: Mapping[str, str], values: dict[str, Any]) -> Any:
        if line.key is None:
            return self._alike(line, values)
        row = self._rows.setdefault(line.key, line.number)
        if row != line.number:
            text = _("与第%(n)s行的%(parts)s相同。", n=self._where(row), parts=self._parts_text())
            line.reject(self.number, text)
            return None
        found = self._mine.get(line.key)
        if found is None and line.key in self._elsewhere:
            line.reject(self.number, self._elsewhere[line.key])
        elif found is not None and line.name and getattr(found, self._name) != line.name:
            line.reject(self.number, same_key.told(self.register, found))
            return None
        return found

    def _alike(self, line: Any, values: Mapping[str, Any]) -> Any:
        """The record without a key that this row is about, if there is one that no other row is about."""
        if line.place is None:
            return None
        what = self._what(line.place.id, values, values.get(_GROUP))
        free = [row for row in self._same.get(what, ()) if row.id not in self._taken]
        same = (row for row in free if _says(row, values))
        found = next(same, None) or next(iter(free), None)
        if found is not None:
            self._taken.add(found.id)
        return found

    def _parts_text(self) -> str:
        return _("、").join(translate(self.register.fields[n].label) for n in self._parts)

    def write(
        self, record: Any, values: dict[str, Any], place: Place | None, result: Evaluation
    ) -> None:
        """As a form does; a record that lies above the row's division goes there."""
        if inspect(record).transient:
            at = record.region_id
            self._new.append(creations.fill(self.register, record, at, values, result=result))
            return
        records.save(
            self.register, record.id, values, record.version, region_id=further(record, place)
        )

    def write_new(self) -> None:
        creations.add(self.register, self._new)


def further(record: Any, place: Place | None) -> int | None:
    """The division of a row, where it says more exactly where the record lies."""
    if place is None or record.path is None or place.id == record.region_id:
        return None
    return place.id if place.path.startswith(record.path) else None


def is_elsewhere(record: Any, place: Place | None) -> str:
    """Where a record lies that its row puts elsewhere; empty where that agrees."""
    if place is None or record.path is None:
        return ""
    if record.path.startswith(place.path) or place.path.startswith(record.path):
        return ""
    region = regions.get(record.region_id)
    return region.full_name if region is not None else ""


def _says(row: Any, values: Mapping[str, Any]) -> bool:
    return all(to_json(getattr(row, n)) == to_json(v) for n, v in values.items())
