"""Every list that comes in as a file goes this way: read, head, check, write, notes, marked workbook.

An import says what is its own: which columns it has (:class:`app.kernel.exchange.imports.heads.Wanted`), what
one row says (:meth:`RowImport.check`) and what becomes of some of them (:meth:`RowImport.decide`). The
rest is here: checked first if one likes, written in chunks that survive a kill, every rejected and
flagged row told and handed back.

The rows of a chunk, their notes and the checkpoint go in together, so that nothing goes in twice and
nothing is lost. With ``whole`` the file is checked to its end first and goes in only if no row is
rejected.
"""

from __future__ import annotations

import hashlib
import uuid
from abc import ABC, abstractmethod
from collections.abc import Collection, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any, ClassVar, Generic, TypeVar

from app.access.audit import log as audit
from app.access.audit.log import Act
from app.core.db import db
from app.core.i18n import mark, translate
from app.core.jobs.table import JobContext
from app.core.transactions import give_up, transaction, tried
from app.kernel.declare.field import Field
from app.kernel.exchange import inbox
from app.kernel.exchange.by_kind import CELLS
from app.kernel.exchange.cells import Computed, Unreadable
from app.kernel.exchange.imports import marked
from app.kernel.exchange.imports import notes as import_notes
from app.kernel.exchange.imports.heads import SHEET, Head, Wanted, find_heads, not_read, row_text
from app.kernel.exchange.reader import read_book
from app.kernel.exchange.taking_back import images
from app.kernel.kinds import formats

OUTCOMES = ("created", "updated", "unchanged", "rejected", "mended", "flagged")
_ATTEMPTS = 3
_BLOCK = 1024 * 1024
_AS_WRITTEN = mark("导入的名单填写为“%(said)s”")


@dataclass
class Line:
    """One row, and what was said about it: (column, message)."""

    number: int
    name: str = ""
    notes: list[tuple[str, str]] = field(default_factory=list)
    outcome: str = "created"
    mended: bool = False
    household_id: uuid.UUID | None = None  # that it became, where it is about one

    @property
    def rejected(self) -> bool:
        return self.outcome == "rejected"

    def reject(self, name: str, message: str) -> None:
        """It does not go in."""
        self.notes.append((name, message))
        self.outcome = "rejected"

    def flag(self, name: str, message: str) -> None:
        """Somebody should look at it; it goes in all the same."""
        self.notes.append((name, message))

    def taken(self, typed: Mapping[str, str], exact: Container[str]) -> Mapping[str, str]:
        """The cells as they are taken. One that cannot be taken at its word rejects the row; a formula
        only in ``exact`` columns: elsewhere what Excel showed goes in, flagged.
        """
        odd = {name: cell for name, cell in typed.items() if isinstance(cell, Unreadable)}
        if not odd:
            return typed
        shown = dict(typed)
        for name, cell in odd.items():
            if not isinstance(cell, Computed) or name in exact:
                self.reject(name, translate(cell.reason))
                continue
            shown[name] = cell.shown
            text = (
                mark("单元格是公式，已按 Excel 显示的“%(shown)s”导入，请核对。")
                if cell.shown
                else mark("单元格是公式，文件中没有它的结果，未导入；请改为填写数值或文字。")
            )
            self.flag(name, translate(text, shown=cell.shown))
        return shown

    def parsed(self, typed: Mapping[str, str], fields: Mapping[str, Field]) -> dict[str, Any]:
        """The values of cells that are fields; one that means nothing rejects the row."""
        values: dict[str, Any] = {}
        none: dict[str, Any] = {}
        for name, cell in typed.items():
            if (made := fields.get(name)) is None or isinstance(cell, Unreadable):
                continue
            if made.none and (why := formats.none_said(cell)) is not None:
                none |= {name: None, made.none.name: True}
                if made.why and (why or not typed.get(made.why.name, "").strip()):
                    none[made.why.name] = why or _why_none(cell)
                continue
            try:
                value = values[name] = made.parse(CELLS[made.kind].read(made, cell))
            except ValueError as error:
                self.reject(name, str(error))
                continue
            self.mended |= isinstance(value, str) and not made.source_list and value != cell
        return values | none


def _why_none(cell: str) -> str:
    """What is kept as the reason of a number that an old list has not, and says no more of."""
    return _AS_WRITTEN % {"said": cell.strip()[:40]}  # data: Chinese, whoever imports


L = TypeVar("L", bound=Line)


class RowImport(ABC, Generic[L]):
    """One run of a job. ``subject`` is the register that the audit log names."""

    rows_a_commit = 500  # at most 1,000: on SQLite nobody else writes meanwhile
    progress: ClassVar[str] = mark("%(what)s：%(done)s / %(total)s")

    def __init__(self, job: JobContext, subject: str, total: int) -> None:
        self.job, self.subject, self.total = job, subject, total
        self.counts = dict.fromkeys(OUTCOMES, 0)

    @abstractmethod
    def rows(self) -> Iterator[tuple[int, Any]]:
        """The rows with their numbers, in order; as often as it is asked."""

    @abstractmethod
    def check(self, number: int, row: Any) -> L:
        """What the row says, judged by itself."""

    @abstractmethod
    def decide(self, lines: Sequence[L], *, write: bool) -> None:
        """Give these lines their outcomes; with ``write`` it has become of them. Without, it reads only."""

    @abstractmethod
    def mark(self, file: IO[bytes]) -> None:
        """Write the workbook of rejected and flagged rows."""

    def passed(self, number: int, row: Any) -> None:
        """A row that went in before the checkpoint from which the run goes on."""

    def keys(self, line: L) -> Collection[str]:
        """Lines that share one are never decided together: the second finds what the first became."""
        return ()

    def belongs(self, line: L, before: L) -> bool:
        """Is the line decided together with the one before it, whatever number of them there are?"""
        return False

    def done(self, number: int) -> int:
        """How many rows end with this one."""
        return number

    def facts(self) -> dict[str, Any]:
        """What the result tells of the file."""
        return {}

    def run(self) -> dict[str, Any]:
        """Do it; the counts of :data:`OUTCOMES` and the marked workbook's name."""
        dry, whole = self.job.args["dry_run"], self.job.args["whole"]
        kept = self.job.checkpoint or {}
        if (dry or whole) and kept.get("phase") != "write":
            self._restart({"phase": "check"})
            self._pass(0, write=False)
            if dry or self.counts["rejected"]:
                if not dry:
                    self.counts |= dict.fromkeys(set(OUTCOMES) - {"rejected"}, 0)
                return self._finish()
            self._restart({"phase": "write", "next": 0, "counts": dict.fromkeys(OUTCOMES, 0)})
            kept = self.job.checkpoint or {}
        self.counts = dict(kept.get("counts") or self.counts)
        self._pass(kept.get("next", 0), write=True)
        return self._finish()

    def _restart(self, checkpoint: dict[str, Any]) -> None:
        with transaction():
            import_notes.forget(self.job.id)
            self.job.save(checkpoint)
        self.counts = dict.fromkeys(OUTCOMES, 0)

    def _pass(self, after: int, *, write: bool) -> None:
        what = translate("导入") if write else translate("检查")
        for chunk in self._chunks(after):
            self.counts = self._written(chunk) if write else self._checked(chunk)
            done = self.done(chunk.last)
            values = {"what": what, "done": f"{done:,}", "total": f"{self.total:,}"}
            self.job.progress(done, self.total, translate(self.progress, **values))

    def _chunks(self, after: int) -> Iterator[_Chunk[L]]:
        """At most ``rows_a_commit`` lines each, and what belongs together."""
        chunk: _Chunk[L] = _Chunk()
        for number, row in self.rows():
            if number <= after:
                self.passed(number, row)
                continue
            line = self.check(number, row)
            own = self.keys(line)
            full = len(chunk.rows) >= self.rows_a_commit or not chunk.keys.isdisjoint(own)
            if full and not self._goes_on(chunk, line):
                yield chunk
                chunk = _Chunk()
            chunk.rows.append((number, row))
            chunk.lines.append(line)
            chunk.keys.update(own)
        if chunk.rows:
            yield chunk

    def _goes_on(self, chunk: _Chunk[L], line: L) -> bool:
        """Is a full chunk made longer by what belongs to its last line?"""
        return len(chunk.rows) < self.rows_a_commit * 2 and self.belongs(line, chunk.lines[-1])

    def _checked(self, chunk: _Chunk[L]) -> dict[str, int]:
        """The counts after what would become of these rows was told."""
        self.decide(chunk.lines, write=False)
        give_up()  # what was tried on records that were read
        with transaction():
            self._keep(chunk.lines, {"phase": "check"})
        return self._with(chunk.lines)

    def _written(self, chunk: _Chunk[L]) -> dict[str, int]:
        """The counts after these rows, their notes and the checkpoint went in together."""
        fresh = [chunk.lines]

        def write() -> dict[str, int]:
            with transaction():
                lines = fresh.pop() if fresh else [self.check(*row) for row in chunk.rows]
                self.decide(lines, write=True)
                counts = self._with(lines)
                self._keep(lines, {"phase": "write", "next": chunk.last, "counts": counts})
            return counts

        with images.keeping(self.job):
            return tried(write, _ATTEMPTS)  # another import or a clerk may have been there first

    def _with(self, lines: Sequence[L]) -> dict[str, int]:
        """The counts with these rows in."""
        counts = dict(self.counts)
        for line in lines:
            counts[line.outcome] += 1
            if not line.rejected:
                counts["mended"] += line.mended
                counts["flagged"] += bool(line.notes)
        return counts

    def _keep(self, lines: Sequence[L], checkpoint: dict[str, Any]) -> None:
        import_notes.add(
            [
                {
                    "job_id": self.job.id,
                    "row": line.number,
                    "rejected": line.rejected,
                    "name": line.name[:64],
                    "household_id": line.household_id,
                    "notes": [[name, message] for name, message in line.notes],
                }
                for line in lines
                if line.notes
            ]
        )
        self.job.save(checkpoint)

    def _finish(self) -> dict[str, Any]:
        result: dict[str, Any] = {**self.counts, "workbook": None, **self.facts()}
        if self.counts["rejected"] or self.counts["flagged"]:
            result["workbook"] = marked.attach(self.job, self.mark)
        detail = {
            "job": str(self.job.id),
            "file": self.job.files[0]["name"],
            "sha256": self._digest(),
            **self.job.args,
            **self.counts,
        }
        with transaction():
            audit.record(db.session, Act.IMPORT, register=self.subject, detail=detail)
        return result

    def _digest(self) -> str:
        made = hashlib.sha256()
        with self.job.input() as file:
            while block := file.read(_BLOCK):
                made.update(block)
        return made.hexdigest()


@dataclass
class _Chunk(Generic[L]):
    """What goes in together."""

    rows: list[tuple[int, Any]] = field(default_factory=list)
    lines: list[L] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)

    @property
    def last(self) -> int:
        return self.rows[-1][0]


# ---- sheets ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Book:
    """A workbook or csv file whose heads were found. ``told``: what of it is not read."""

    heads: Sequence[Head]
    told: Mapping[str, Any]


def read(job: JobContext, wanted: Wanted) -> Book:
    """The sheets of what the job was given.

    :raises BadInput: it is no workbook, or no sheet names what is wanted.
    """
    with inbox.local_copy(job) as path:
        sheets = read_book(path, job.files[0]["name"])
    heads = find_heads(sheets, wanted)
    return Book(heads, not_read(heads, sheets, wanted))


class SheetImport(RowImport[L]):
    """Rows of the sheets of a workbook or csv file, as column -> cell."""

    #: The column that a note without one of its own is put on.
    key_column: str
    progress = mark("%(what)s：%(done)s / %(total)s 行")
    #: In its marked workbook: the column that tells the household which a row became, if any.
    reference: ClassVar[str | None] = None

    def __init__(self, job: JobContext, subject: str, title: str, book: Book) -> None:
        self.title, self.book, self.heads = title, book, book.heads
        super().__init__(job, subject, sum(head.height for head in self.heads))
        self.columns = frozenset(name for head in self.heads for name in head.columns)

    @abstractmethod
    def label(self, name: str) -> str:
        """The label of a column in the user's language."""

    def rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        for sheet, head in enumerate(self.heads):
            columns = head.columns.items()
            for number, cells in head.rows():
                width = len(cells)
                yield (
                    sheet * SHEET + number,
                    {name: cells[i] if i < width else "" for name, i in columns},
                )

    def done(self, number: int) -> int:
        sheet, row = divmod(number - 1, SHEET)
        return sum(head.height for head in self.heads[:sheet]) + row + 1 - self.heads[sheet].row

    def where(self, number: int) -> str:
        """Where a row stands, for a message about another one."""
        return row_text(number, [head.sheet.name for head in self.heads])

    def facts(self) -> dict[str, Any]:
        return {"file": dict(self.book.told)}

    def mark(self, file: IO[bytes]) -> None:
        """Every rejected and flagged row as it came, with its comments; importable again."""
        layouts = [
            marked.Layout(head, self.key_column, self.label, self.reference) for head in self.heads
        ]
        marked.write(file, self.title, layouts, self.job.id)
