"""What imports share that judge each row by itself: checked first if one likes, written in chunks that
survive a kill, every rejected and flagged row told.

The rows of a chunk, their notes and the checkpoint go in together, so that nothing goes in twice and
nothing is lost. With ``whole`` the file is checked to its end first and goes in only if no row is
rejected.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import IO, Any

from app.access.audit import log as audit
from app.access.audit.log import Act
from app.core.db import db
from app.core.i18n import _
from app.core.jobs.table import JobContext
from app.core.transactions import give_up, transaction, tried
from app.kernel.exchange import marked
from app.kernel.exchange import notes as import_notes
from app.kernel.exchange.sheet import Head, Sheet
from app.kernel.exchange.writer import Column
from app.kernel.kinds import formats

OUTCOMES = ("created", "updated", "unchanged", "rejected", "mended", "flagged")
_LOOK_FOR_HEAD = 10
_ATTEMPTS = 3


@dataclass
class Line:
    """One row and what was said about it: (field name, message)."""

    number: int
    name: str
    notes: list[tuple[str, str]] = field(default_factory=list)
    outcome: str = "rejected"
    mended: bool = False

    def reject(self, name: str, message: str) -> None:
        self.notes.append((name, message))
        self.outcome = "rejected"

    def flag(self, name: str, message: str) -> None:
        """Somebody should look at it; it goes in all the same."""
        self.notes.append((name, message))


class RowImport(ABC):
    """One run of a job. ``subject`` is the register that the audit log names."""

    rows_a_commit = 500  # at most 1,000: on SQLite nobody else writes meanwhile

    def __init__(self, job: JobContext, subject: str, total: int, above: int = 0) -> None:
        self.job, self.subject = job, subject
        self.total, self.above = total, above  # rows; the number of the last row that is none
        self.counts = dict.fromkeys(OUTCOMES, 0)

    @abstractmethod
    def rows(self) -> Iterator[tuple[int, Any]]:
        """The rows with their numbers, in order; as often as it is asked."""

    @abstractmethod
    def lines(self, chunk: Sequence[tuple[int, Any]], *, write: bool) -> list[Line]:
        """What becomes of these rows, in their order; with ``write`` it has become of them. Without,
        it reads only.
        """

    @abstractmethod
    def mark(self, file: IO[bytes]) -> None:
        """Write the workbook of rejected and flagged rows."""

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
        fresh = ((number, row) for number, row in self.rows() if number > after)
        while chunk := list(islice(fresh, self.rows_a_commit)):
            self.counts = self._written(chunk) if write else self._checked(chunk)
            self.job.progress(chunk[-1][0] - self.above, self.total)

    def _checked(self, chunk: Sequence[tuple[int, Any]]) -> dict[str, int]:
        """The counts after what would become of these rows was told."""
        lines = self.lines(chunk, write=False)
        give_up()  # what was tried on records that were read
        with transaction():
            self._keep(lines, {"phase": "check"})
        return self._with(lines)

    def _written(self, chunk: Sequence[tuple[int, Any]]) -> dict[str, int]:
        """The counts after these rows, their notes and the checkpoint went in together."""

        def write() -> dict[str, int]:
            with transaction():
                lines = self.lines(chunk, write=True)
                counts = self._with(lines)
                self._keep(lines, {"phase": "write", "next": chunk[-1][0], "counts": counts})
            return counts

        return tried(write, _ATTEMPTS)  # another import or a clerk may have been there first

    def _with(self, lines: Sequence[Line]) -> dict[str, int]:
        """The counts with these rows in."""
        counts = dict(self.counts)
        for line in lines:
            counts[line.outcome] += 1
            if line.outcome != "rejected":
                counts["mended"] += line.mended
                counts["flagged"] += bool(line.notes)
        return counts

    def _keep(self, lines: Sequence[Line], checkpoint: dict[str, Any]) -> None:
        import_notes.add(
            [
                {
                    "job_id": self.job.id,
                    "row": line.number,
                    "rejected": line.outcome == "rejected",
                    "name": line.name[:64],
                    "household_id": None,
                    "notes": [[name, message] for name, message in line.notes],
                }
                for line in lines
                if line.notes
            ]
        )
        self.job.save(checkpoint)

    def _finish(self) -> dict[str, Any]:
        result: dict[str, Any] = {**self.counts, "workbook": None}
        if self.counts["rejected"] or self.counts["flagged"]:
            result["workbook"] = marked.attach(self.job, self.mark)
        detail = {
            "job": str(self.job.id),
            "file": self.job.files[0]["name"],
            **self.job.args,
            **self.counts,
        }
        with transaction():
            audit.record(db.session, Act.IMPORT, register=self.subject, detail=detail)
        return result


# ---- sheets ---------------------------------------------------------------------------------------


def find_head(
    names: Mapping[str, str], sheets: Sequence[Sheet], enough: Callable[[Collection[str]], bool]
) -> Head | None:
    """The row that names most columns, of one row or of two (a section above a field); ``names``
    are heads as :func:`plain_head` gives them -> field. None: no row names ``enough`` fields.
    """
    best: Head | None = None
    for sheet in sheets:
        above: list[str] = []
        for number, cells in sheet:
            if number > _LOOK_FOR_HEAD:
                break
            own = [plain_head(cell) for cell in cells]
            above += [""] * (len(own) - len(above))
            labels = tuple(cell or over for cell, over in zip(own, above, strict=False))
            columns: dict[str, int] = {}
            for index, label in enumerate(labels):
                if label in names:
                    columns.setdefault(names[label], index)
            # A section may be called like one of its fields: the row that names most is the head.
            if enough(columns) and (best is None or len(columns) > len(best.columns)):
                best = Head(sheet, number, labels, columns)
            above = own
    return best


def plain_head(text: str) -> str:
    """A head without blanks and without the unit behind it: 建筑面积（平方米） is 建筑面积."""
    bare = formats.half_width(str(text)).replace(" ", "").replace("\n", "")
    return bare.split("(")[0] if bare.endswith(")") and not bare.startswith("(") else bare


class SheetImport(RowImport):
    """Rows of a workbook or csv file below its head."""

    #: The column that a note without one of its own is put on.
    key_column: str

    def __init__(self, job: JobContext, subject: str, title: str, head: Head) -> None:
        super().__init__(job, subject, max(0, head.sheet.height - head.row), head.row)
        self.title, self.head = title, head

    @abstractmethod
    def label(self, name: str) -> str:
        """The label of a column in the user's language."""

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        for number, cells in self.head.sheet:
            if number > self.head.row and any(cell.strip() for cell in cells):
                yield number, cells

    def typed(self, cells: Sequence[str]) -> dict[str, str]:
        """Field name -> cell."""
        return {n: cells[i] if i < len(cells) else "" for n, i in self.head.columns.items()}

    def mark(self, file: IO[bytes]) -> None:
        """Every rejected and flagged row as it came, with its comments; importable again."""
        result = Column((_("处理结果"),), 14)
        marked.write_form(
            file, self.head, self.key_column, self.title, result, marked.outcome, self.label,
            self.job.id,
        )  # fmt: skip
