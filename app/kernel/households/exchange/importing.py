"""The import of a list of households: which household each row means, and what becomes of it."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from app.access import policy
from app.access.actor import Actor, Capability
from app.access.divisions import match, regions
from app.access.divisions.match import Finder, Place
from app.core.clock import today
from app.core.errors import BadInput
from app.core.i18n import _, mark, translate
from app.core.jobs.table import Job, JobContext, job_kind
from app.kernel import hooks
from app.kernel.declare.field import Field
from app.kernel.declare.house_lists import HouseList, issued_list
from app.kernel.exchange import inbox
from app.kernel.exchange.columns import REFERENCE, label_of
from app.kernel.exchange.imports import notes as import_notes
from app.kernel.exchange.imports import pipeline
from app.kernel.exchange.imports.pipeline import Book, SheetImport
from app.kernel.exchange.inbox import Kept
from app.kernel.households.exchange import families
from app.kernel.households.exchange.list import Checker, Line, wanted
from app.kernel.households.exchange.match import decide
from app.kernel.households.exchange.write import HouseholdWriter
from app.kernel.rows.household import Household

KIND = "household.import"
#: The address of its page.
PAGE = "/exchange/import/household"


def start(file: Kept, *, dry_run: bool, whole: bool) -> Job:
    """Queue the import of a file for the current actor.

    :raises Forbidden: the account may not import lists.
    """
    actor = policy.require(Capability.IMPORT_LIST)
    return inbox.begin(KIND, actor, file, {"dry_run": dry_run, "whole": whole})


@hooks.imports.listen()
def _import() -> Iterable[hooks.Import]:
    yield hooks.Import(
        KIND,
        start,
        label_of,
        PAGE,
        command="household",
        what="the households of an Excel or csv file",
        menu=mark("名单下发"),
    )


@job_kind(KIND, title="导入农户名单", forget=import_notes.forget_job)
def run(job: JobContext) -> dict[str, Any]:
    """Do it; the result is what the command line prints."""
    issued = issued_list()
    if issued is None:
        raise BadInput(translate("没有可以下发的名单。"))
    return run_list(job, issued, {})


def run_list(job: JobContext, onto: HouseList, extras: Mapping[str, Field]) -> dict[str, Any]:
    """Import onto a list; ``extras`` are what it says besides of its register's rows."""
    actor = policy.require(Capability.IMPORT_LIST)
    county = _county_of(actor)
    return _Import(job, pipeline.read(job, wanted(county)), onto, county, extras).run()


def _county_of(actor: Actor) -> Place | None:
    """The county of an account that has one."""
    own = regions.get(actor.region_id)
    county = regions.get(own.county_id) if own is not None and own.county_id is not None else None
    return match.place_of(county) if county is not None else None


class _Import(SheetImport[Line]):
    rows_a_commit = 1000
    key_column = "head_name"
    reference = REFERENCE.name

    def __init__(
        self,
        job: JobContext,
        book: Book,
        onto: HouseList,
        county: Place | None,
        extras: Mapping[str, Field],
    ) -> None:
        super().__init__(job, Household.__tablename__, _("农户名单"), book)
        self.onto = onto
        self.checker = Checker(county, Finder(), today(), extras)
        self.writer = HouseholdWriter(job.id, onto)
        self.planned: dict[int, int] = {}
        self.homes: dict[int, tuple[int, int]] = {}
        self.shared = self._shared_numbers()

    def label(self, name: str) -> str:
        return label_of(name)

    def check(self, number: int, row: Mapping[str, str]) -> Line:
        line = self.checker.check(number, row)
        others = [r for r in self.shared.get(line.id_number, ()) if r[0] != number]
        if others and line.id_valid:
            first, name = others[0]
            text = mark("与第%(row)s行（%(name)s）的身份证号相同而姓名不同，请核对哪一行正确。")
            line.reject("id_number", translate(text, row=self.where(first), name=name))
        return line

    def keys(self, line: Line) -> Collection[str]:
        return {key for key in (line.id_key, line.place_key) if key and not line.member}

    def belongs(self, line: Line, before: Line) -> bool:
        return families.belongs(line, before)

    def decide(self, lines: Sequence[Line], *, write: bool) -> None:
        families.arrange(lines, self.where)
        for line in lines:
            self._require_one_home(line)
        decide(lines, self.onto)
        heads = [line for line in lines if not line.member]
        if write:
            self.writer.create([line for line in heads if line.outcome == "created"])
            self.writer.update([line for line in heads if line.outcome == "updated"])
        families.follow(lines, self.where)
        families.settle(lines, self.job.id, write=write)
        for line in heads if not write else ():
            if line.outcome == "created":
                self._plan(line)

    def _require_one_home(self, line: Line) -> None:
        """Nobody is a member of two households of one file."""
        if line.rejected or not line.member or not line.id_valid:
            return
        own = hash(line.head.key if line.head is not None else line.reference)
        first, home = self.homes.setdefault(hash(line.id_number), (line.number, own))
        if home != own:
            text = mark("与第%(row)s行是同一个人，却写在两户中；一个人只能在一户，请核对。")
            line.reject("id_number", translate(text, row=self.where(first)))

    def _shared_numbers(self) -> dict[str, list[tuple[int, str]]]:
        """ID numbers that stand in several rows under different names: number -> rows."""
        # Eight bytes a row: the numbers themselves would cost ten times as much.
        every = (self.checker.number(row) for _, row in self.rows())
        hashes = sorted(array("q", (hash(number) for number in every if number)))
        repeated = {one for one, next_one in pairwise(hashes) if one == next_one}
        del hashes
        shared: dict[str, list[tuple[int, str]]] = defaultdict(list)
        if repeated:
            for at, row in self.rows():
                number = self.checker.number(row)
                if hash(number) in repeated:
                    shared[number].append((at, self.checker.name(row)))
        return {n: rows for n, rows in shared.items() if len({name for _, name in rows}) > 1}

    def _plan(self, line: Line) -> None:
        """Count a row that repeats an earlier one of the same file as it will turn out."""
        said = hash((line.place and line.place.id, *line.values.values(), line.id_number))
        for key in self.keys(line):
            before = self.planned.setdefault(hash(key), said)
            if key == line.key and before is not said:
                line.outcome = "unchanged" if before == said else "updated"
