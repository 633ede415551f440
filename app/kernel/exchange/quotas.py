"""Quotas as a table: what a division gives those below it, out and in, a row for each, year and kind.

The file that comes in is decided on as a whole: what is sound goes in in one transaction, so that a killed
import set all or nothing. An empty number changes nothing; only the page takes one back.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

from app.access import policy
from app.access.actor import Actor, Capability
from app.access.divisions import regions
from app.access.divisions.regions import CODE_LENGTH, Region
from app.core.errors import BadInput, Forbidden, Invalid
from app.core.i18n import _, mark, translate
from app.core.jobs.table import Job, JobContext, job_kind
from app.core.types import nfc
from app.kernel import hooks
from app.kernel.declare.register import Register, get_register
from app.kernel.exchange import inbox
from app.kernel.exchange.imports import notes as import_notes
from app.kernel.exchange.imports import pipeline
from app.kernel.exchange.imports.heads import Wanted, plain_head
from app.kernel.exchange.imports.pipeline import Line, SheetImport
from app.kernel.exchange.inbox import Kept
from app.kernel.exchange.limits import too_many_rows
from app.kernel.exchange.writer import Book, Column
from app.kernel.kinds.formats import half_width
from app.kernel.quotas import giving, telling

KIND = "quotas.import"
#: The address of its page.
PAGE = "/quotas/{register}/import"
MAX_ROWS = 5_000

_LABELS = {
    "year": mark("年度"),
    "kind": mark("分类"),
    "code": mark("代码"),
    "name": mark("地区"),
    "n": mark("任务量"),
}
_WIDTHS = {"year": 8, "kind": 22, "code": 16, "name": 24, "n": 12}


def label_of(name: str) -> str:
    """The label of a column in the user's language."""
    return translate(_LABELS[name]) if name in _LABELS else name


def wanted() -> Wanted:
    """What a table of quotas must name."""
    names = {
        plain_head(text): name
        for name, label in _LABELS.items()
        for text in (label, translate(label))
    }

    def lacking(columns: Collection[str]) -> list[str]:
        found = [label_of(name) for name in ("year", "n") if name not in columns]
        return found if {"code", "name"} & set(columns) else [*found, label_of("name")]

    return Wanted(names, label_of, lacking, once=True)


# ---- out -----------------------------------------------------------------------------------------


def write(file: IO[bytes], register: Register, made: giving.Plan, year: int, kind: str) -> int:
    """The divisions below one with what it gave them, of a year and kind; gives how many."""
    kinds = tuple(register.kind_label(code) for code in register.kinds)
    columns = [
        Column((label_of(name),), width, kinds if name == "kind" else (), required=name == "n")
        for name, width in _WIDTHS.items()
    ]
    rows = [
        (year, register.kind_label(kind), line.region.code, line.region.name, line.n)
        for line in made.below
    ]
    with Book(file) as book:
        return book.table(_("任务量"), columns, rows)


# ---- in ------------------------------------------------------------------------------------------


def start(register: Register, file: Kept, *, dry_run: bool, whole: bool) -> Job:
    """Queue the import of a file for the current actor.

    :raises Forbidden: its division gives nothing.
    """
    actor = policy.require(Capability.QUOTAS, register.name)
    args = {"register": register.name, "dry_run": dry_run, "whole": whole}
    return inbox.begin(KIND, actor, file, args)


@hooks.imports.listen()
def _import() -> Iterable[hooks.Import]:
    yield hooks.Import(KIND, start, label_of, PAGE, named=_LABELS["name"])


@job_kind(KIND, title="导入任务量", forget=import_notes.forget_job)
def run(job: JobContext) -> dict[str, Any]:
    """Do it; the result has the counts of :data:`app.kernel.exchange.imports.pipeline.OUTCOMES` and the marked workbook's name."""
    register = get_register(job.args["register"])
    if register is None or not register.quotas:
        raise BadInput(_("没有这个模块。"))
    actor = policy.require(Capability.QUOTAS, register.name)
    return _Import(job, pipeline.read(job, wanted()), register, actor).run()


@dataclass
class _Line(Line):
    """One row: the key of the division, of which year and kind, how many; None: it says nothing."""

    region_id: int = 0
    year: int = 0
    kind: str = ""
    n: int | None = None


class _Import(SheetImport[_Line]):
    rows_a_commit = MAX_ROWS
    key_column = "name"

    def __init__(
        self, job: JobContext, book: pipeline.Book, register: Register, actor: Actor
    ) -> None:
        super().__init__(job, register.name, _("任务量"), book)
        if self.total > MAX_ROWS:
            raise too_many_rows(MAX_ROWS)
        self.register = register
        own = regions.get(actor.region_id)
        if own is None or not giving.may_give(register, own, actor):
            raise Forbidden(_("任务量由本级管理用户下达给下一级。"))
        self.own = own
        self.children = regions.children(own)
        self.first: dict[tuple[int, int, str], int] = {}  # rows that name a division first

    def label(self, name: str) -> str:
        return label_of(name)

    def check(self, number: int, row: Mapping[str, str]) -> _Line:
        line = _Line(number, row.get("name", "")[:64])
        typed = line.taken(row, row)
        if line.rejected:
            return line
        self._dim(line, typed)
        region = self._region(line, typed)
        line.n = self._number(line, typed)
        if region is None or line.rejected:
            return line
        line.region_id, line.name = region.id, region.name
        other = self.first.setdefault((region.id, line.year, line.kind), number)
        if other != number:
            line.reject("name", _("与第%(n)s行重复。", n=self.where(other)))
        return line

    def _dim(self, line: _Line, typed: Mapping[str, str]) -> None:
        year = re.fullmatch(r"([0-9]{4})\D?", half_width(nfc(typed.get("year", ""))).strip())
        line.year = int(year[1]) if year else 0
        made = next(iter(self.register.kinds.values()), None)
        try:
            line.kind = str(made.parse(typed.get("kind", "")) or "") if made else ""
            giving.require_counted(self.register, line.year, line.kind)
        except Invalid as error:
            for problem in error.problems:
                line.reject(problem.field, problem.message)
        except ValueError as error:
            line.reject("kind", str(error))

    def _region(self, line: _Line, typed: Mapping[str, str]) -> Region | None:
        """The division below the own one that the row means: by its code, else by its name."""
        code = half_width(nfc(typed.get("code", ""))).replace(" ", "")
        name = "".join(nfc(typed.get("name", "")).split())
        if code:
            found = [one for one in self.children if one.code == code.ljust(CODE_LENGTH, "0")]
        else:
            found = [one for one in self.children if name and name in (one.name, one.full_name)]
        if len(found) == 1 and name in ("", found[0].name, found[0].full_name):
            return found[0]
        if found:
            line.reject("name", _("名称与代码不是同一个地区，请核对。"))
        else:
            text = _("“%(own)s”下没有这个地区，请核对代码和名称。", own=self.own.name)
            line.reject("code" if code else "name", text)
        return None

    def _number(self, line: _Line, typed: Mapping[str, str]) -> int | None:
        try:
            return giving.read_number(typed.get("n", ""))
        except ValueError:
            line.reject("n", giving.not_a_number())
            return None

    def decide(self, lines: Sequence[_Line], *, write: bool) -> None:
        together: dict[tuple[int, str], list[_Line]] = defaultdict(list)
        for line in lines:
            if not line.rejected:
                together[line.year, line.kind].append(line)
        for (year, kind), some in together.items():
            before = giving.given(self.register, self.own, year, kind)
            for line in some:
                old = before.get(line.region_id)
                same = line.n is None or line.n == old
                line.outcome = "unchanged" if same else "created" if old is None else "updated"
            if write:
                told = {line.region_id: line.n for line in some if line.outcome != "unchanged"}
                telling.give(self.register, self.own, year, kind, told, before)
