"""Lists, form, save, decision and statistics of any register, asked as its declaration says."""

from __future__ import annotations

import itertools
import json
import uuid
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from sqlalchemy import inspect

from app.access.actor import Capability
from app.kernel import kinds
from app.kernel.declare.expressions import ALWAYS
from app.kernel.declare.register import Register
from bench.client import Answer
from bench.forms import controls
from bench.measure import Result, beside_floor

if TYPE_CHECKING:
    from bench.tasks import Bench

TIMES = 30
_SCRIPT = {"Accept": "application/json"}


def page_of(register: str, record: Any) -> str:
    """The page of a record; SQLite keeps keys without their dashes."""
    return f"/{register}/{uuid.UUID(str(record))}"


class RegisterTasks:
    """The tasks of one register on the records of bench.registers."""

    def __init__(self, bench: Bench, register: Register) -> None:
        self.bench, self.register = bench, register
        self.base = f"/{register.name}"
        self.county = bench.county
        reads = [m for m in register.menus if m.capability == Capability.SEARCH]
        self.list = f"{self.base}/{reads[-1].name}"

    def all(self) -> Iterator[Result]:
        yield self._list("nation", self.bench.nation)
        yield self._list("county", self.county)
        records = self._some("true")
        if records:
            yield self._pages("open a record's page", records, "")
            if self.register.entered:
                yield from self._forms()
            if self.register.flow is not None:
                yield from self._decisions()
        yield from self._statistics()

    def _named(self, task: str) -> str:
        return f"{self.register.name}: {task}"

    def _list(self, login: str, place: Any) -> Result:
        return beside_floor(
            self._named(f"first list page, {login}"), [self.bench.page(login, self.list)],
            [self.bench.floor(f"list.{self.register.name}", *place.range)],
            times=TIMES, limit_ms=15,
        )  # fmt: skip

    def _some(self, condition: str, count: int = 10) -> list[str]:
        """Keys of records in the measured county."""
        query = (
            f"SELECT id FROM {self.register.name} WHERE county_id = :county AND {condition}"
            " ORDER BY path, id LIMIT :count"
        )
        return [str(key) for (key,) in self.bench.look(query, county=self.county.id, count=count)]

    def _at(self, record: str) -> str:
        return page_of(self.register.name, record)

    def _pages(self, task: str, records: list[str], tail: str) -> Result:
        return beside_floor(
            self._named(task),
            [self.bench.page("county", f"{self._at(record)}{tail}") for record in records],
            [self.bench.floor(f"record.{self.register.name}", record) for record in records],
            times=TIMES, limit_ms=20,
        )  # fmt: skip

    # ---- forms ------------------------------------------------------------------------------
    def _forms(self) -> Iterator[Result]:
        state = "state" in inspect(self.register.model).columns
        found = self._some("state IN ('draft', 'returned')" if state else "true")
        records = [record for record in found if self._opens(record)]
        if not records:
            return
        yield self._pages("open a record's form", records, "/edit")
        numbers = itertools.count(1)
        yield beside_floor(
            self._named("save"), [self._save(record, numbers) for record in records],
            [self.bench.post_floor(f"save.{self.register.name}", record) for record in records],
            times=TIMES, limit_ms=20,
        )  # fmt: skip

    def _opens(self, record: str) -> bool:
        """May the record be changed? What else it hangs on may forbid that."""
        return self.bench.client("county").get(f"{self._at(record)}/edit").status == HTTPStatus.OK

    def _save(self, record: str, numbers: Iterator[int]) -> Callable[[], Answer]:
        """Open the form unmeasured, change one answer, send it: a save that writes every time."""
        client, path = self.bench.client("county"), f"{self._at(record)}/edit"

        def save() -> Answer:
            form = controls(client.get(path).body, path)
            changed = self._changed(dict(form))
            value = self._value(changed, next(numbers))
            answer = client.post(path, [(n, value if n == changed else v) for n, v in form])
            if answer.status != HTTPStatus.FOUND:
                raise LookupError(f"{path}: not saved, {answer.status}")
            return answer

        return save

    def _changed(self, form: dict[str, str]) -> str:
        """A field of the form that may say another thing each time: one that is answered, or that
        is always shown.
        """
        for kind in (kinds.TEXT, kinds.TEXTAREA, kinds.INTEGER, kinds.PHONE):
            for name, made in self.register.fields.items():
                own = name not in (self.register.name_field, self.register.number_field)
                there = form.get(name) or (name in form and made.shown is ALWAYS)
                if made.kind == kind and there and own:
                    return name
        raise LookupError(f"{self.register.name}: no field to change in its form")

    def _value(self, name: str, number: int) -> str:
        made = self.register.fields[name]
        if made.kind == kinds.INTEGER:
            low, high = made.low or 0, made.high or 9
            return str(low + number % (high - low + 1))
        return f"139{number:08}" if made.kind == kinds.PHONE else f"第{number}次"

    # ---- decisions ----------------------------------------------------------------------------
    def _decisions(self) -> Iterator[Result]:
        """Of those records whose approval may be taken back, which is not measured."""
        taken_back = []
        for record in self._some("state = 'submitted'"):
            decide = self._decide(record)
            try:
                decide()
            except (LookupError, RuntimeError):
                continue  # its approval made something
            taken_back.append((record, decide))
        if taken_back:
            name = self.register.name
            yield beside_floor(
                self._named("decide in the review"), [decide for _record, decide in taken_back],
                [self.bench.post_floor(f"save.{name}", record) for record, _d in taken_back],
                times=TIMES, limit_ms=20,
            )  # fmt: skip

    def _decide(self, record: str) -> Callable[[], Answer]:
        client, path = self.bench.client("county"), self._at(record)

        def decide() -> Answer:
            page = client.get(f"{path}/review", **_SCRIPT).body
            form = dict(controls(page, f"{path}/decide"))
            answer = client.post(f"{path}/decide", form | {"action": "approve"}, **_SCRIPT)
            version = json.loads(answer.body)["undo"]["version"]
            client.post(f"{path}/undo", form | {"version": str(version)}, **_SCRIPT)
            return answer

        return decide

    # ---- statistics -----------------------------------------------------------------------------
    def _statistics(self) -> Iterator[Result]:
        for table in self.register.tables:
            for login, place, limit in (
                ("nation", self.bench.nation, 15), ("county", self.county, 25),
            ):  # fmt: skip
                yield beside_floor(
                    self._named(f"statistics {table.name}, {login}"),
                    [self.bench.page(login, f"{self.base}/statistics/{table.name}")],
                    [self.bench.floor(f"figures.{self.register.name}", place.id)],
                    times=TIMES, limit_ms=limit,
                )  # fmt: skip
