"""The import of a list of households, as a job that may be killed at any moment.

The rows are read, checked and matched outside a transaction; each thousand is then written together
with the checkpoint that stands for it, so nothing goes in twice and nothing is lost. With
``whole`` the file is checked to its end first and goes in only if no row is rejected.
"""

from __future__ import annotations

import hashlib
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

from app.access import policy
from app.access.actor import Actor, Capability
from app.access.audit import log as audit
from app.access.audit.log import Act
from app.access.divisions.match import Finder
from app.core.clock import today
from app.core.db import db
from app.core.errors import BadInput
from app.core.i18n import mark, translate
from app.core.jobs.table import Job, JobContext, job_kind
from app.core.transactions import transaction, tried
from app.kernel import hooks
from app.kernel.declare.field import Field
from app.kernel.declare.house_lists import HouseList, issued_list
from app.kernel.exchange import inbox, marked
from app.kernel.exchange import notes as import_notes
from app.kernel.exchange.columns import label_of
from app.kernel.exchange.inbox import Kept
from app.kernel.exchange.reader import read_book
from app.kernel.exchange.sheet import ListHead
from app.kernel.households.exchange.list import Checker, Line, find_head
from app.kernel.households.exchange.match import Decision, decide
from app.kernel.households.exchange.write import HouseholdWriter

KIND = "household.import"
#: The address of its page.
PAGE = "/exchange/import/household"
ROWS_A_COMMIT = 1000
OUTCOMES = ("created", "updated", "unchanged", "rejected", "mended", "flagged")
_ATTEMPTS = 3


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
    with inbox.local_copy(job) as path:
        name = job.files[0]["name"]
        return _Import(job, actor, find_head(read_book(path, name)), path, onto, extras).run()


class _Import:
    def __init__(
        self,
        job: JobContext,
        actor: Actor,
        head: ListHead,
        path: Path,
        onto: HouseList,
        extras: Mapping[str, Field],
    ) -> None:
        self.job, self.actor, self.head, self.onto = job, actor, head, onto
        self.sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        self.checker = Checker(head, Finder(), today(), extras)
        self.writer = HouseholdWriter(job.id, onto)
        self.counts = dict.fromkeys(OUTCOMES, 0)
        self.total = max(0, head.sheet.height - head.row)
        self.done = 0
        self.shared = self._shared_numbers()

    def run(self) -> dict[str, Any]:
        dry, whole = self.job.args["dry_run"], self.job.args["whole"]
        phase = (self.job.checkpoint or {}).get("phase", "check" if dry or whole else "write")
        if phase == "check":
            self._check_all()
            if dry or self.counts["rejected"]:
                if not dry:
                    self._nothing_went_in()
                return self._finish()
            self._forget_notes({"phase": "write", "next": 0, "counts": self._zero()})
        self._write_all()
        return self._finish()

    # --- passes ------------------------------------------------------------------------

    def _shared_numbers(self) -> dict[str, list[tuple[int, str]]]:
        """ID numbers that stand in several rows under different names: number -> rows."""
        # Eight bytes a row: the numbers themselves would cost ten times as much.
        every = (self.checker.number(cells) for _, cells in self._rows())
        hashes = sorted(array("q", (hash(number) for number in every if number)))
        repeated = {one for one, next_one in pairwise(hashes) if one == next_one}
        del hashes
        shared: dict[str, list[tuple[int, str]]] = defaultdict(list)
        if repeated:
            for row, cells in self._rows():
                number = self.checker.number(cells)
                if hash(number) in repeated:
                    shared[number].append((row, self.checker.name(cells)))
        return {n: rows for n, rows in shared.items() if len({name for _, name in rows}) > 1}

    def _check_all(self) -> None:
        """What would become of every row; writes notes only. A killed check starts again."""
        self._forget_notes({"phase": "check"})
        planned: dict[int, int] = {}
        for lines in self._chunks(after=0):
            decisions = decide(lines, self.onto)
            for decision in decisions:
                self._plan(decision, planned)
            with transaction():
                self._keep_notes(decisions)
                self.job.save({"phase": "check"})
            self.counts = self._with(decisions)
            self._progress(translate("检查"))

    @staticmethod
    def _plan(decision: Decision, planned: dict[int, int]) -> None:
        """Count a row that repeats an earlier one of the same file as it will turn out."""
        if decision.outcome != "created":
            return
        line = decision.line
        said = hash((line.place and line.place.id, *line.values.values(), line.id_number))
        for key in {line.id_key, line.place_key} - {None}:
            before = planned.setdefault(hash(key), said)
            if key == line.key and before is not said:
                decision.repeats = "unchanged" if before == said else "updated"

    def _write_all(self) -> None:
        kept = self.job.checkpoint or {}
        if kept.get("phase") == "write":
            self.counts = dict(kept["counts"])
        after = kept.get("next", 0)
        for lines in self._chunks(after):
            # another import or a clerk may have been there first
            self.counts = tried(partial(self._write_chunk, lines), _ATTEMPTS)
            self._progress(translate("导入"))

    def _write_chunk(self, lines: list[Line]) -> dict[str, int]:
        decisions = decide(lines, self.onto)
        counts = self._with(decisions)
        with transaction():
            self.writer.create([d for d in decisions if d.outcome == "created"])
            self.writer.update([d for d in decisions if d.outcome == "updated"])
            self._keep_notes(decisions)
            self.job.save({"phase": "write", "next": lines[-1].number, "counts": counts})
        return counts

    # --- rows --------------------------------------------------------------------------

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        """The list's rows below the head, without empty ones."""
        columns = set(self.head.columns.values())
        for number, cells in self.head.sheet:
            if number > self.head.row and any(cells[i].strip() for i in columns if i < len(cells)):
                yield number, cells

    def _chunks(self, after: int) -> Iterator[list[Line]]:
        """Checked lines, at most ROWS_A_COMMIT and never two about the same household."""
        self.done = 0
        rows = self._rows()
        for batch in iter(lambda: list(islice(rows, ROWS_A_COMMIT)), []):
            fresh = [row for row in batch if row[0] > after]
            self.done += len(batch) - len(fresh)
            lines: list[Line] = []
            keys: set[str | None] = set()
            for line in self._checked(fresh):
                own = {line.id_key, line.place_key} - {None}
                if own & keys:
                    self.done += len(lines)
                    yield lines
                    lines, keys = [], set()
                lines.append(line)
                keys |= own
            if lines:
                self.done += len(lines)
                yield lines

    def _checked(self, rows: list[tuple[int, list[str]]]) -> list[Line]:
        lines = [self.checker.check(number, cells) for number, cells in rows]
        self._reject_shared(lines)
        return lines

    def _reject_shared(self, lines: list[Line]) -> None:
        for line in lines:
            others = [r for r in self.shared.get(line.id_number, ()) if r[0] != line.number]
            if others and line.id_valid:
                row, name = others[0]
                text = mark("与第%(row)s行（%(name)s）的身份证号相同而姓名不同，请核对哪一行正确。")
                line.reject("id_number", translate(text, row=row, name=name))

    # --- what is told ------------------------------------------------------------------

    def _keep_notes(self, decisions: list[Decision]) -> None:
        import_notes.add(
            [
                {
                    "job_id": self.job.id,
                    "row": d.line.number,
                    "rejected": d.rejected,
                    "name": d.line.name[:64],
                    "household_id": d.household_id or (d.known.id if d.known else None),
                    "notes": [[note.column, note.message] for note in d.notes],
                }
                for d in decisions
                if d.notes
            ]
        )

    def _forget_notes(self, checkpoint: dict[str, Any]) -> None:
        with transaction():
            import_notes.forget(self.job.id)
            self.job.save(checkpoint)
        self.counts = self._zero()

    @staticmethod
    def _zero() -> dict[str, int]:
        return dict.fromkeys(OUTCOMES, 0)

    def _with(self, decisions: list[Decision]) -> dict[str, int]:
        """The counts with these rows in."""
        counts = dict(self.counts)
        for decision in decisions:
            counts[decision.repeats or decision.outcome] += 1
            if not decision.rejected:
                counts["mended"] += decision.line.mended
                counts["flagged"] += decision.flagged
        return counts

    def _nothing_went_in(self) -> None:
        """All or nothing, and a row was rejected: the counts say what stands now."""
        self.counts |= {"created": 0, "updated": 0, "unchanged": 0, "mended": 0, "flagged": 0}

    def _progress(self, what: str) -> None:
        text = translate("%(what)s：%(done)s / %(total)s 行")
        message = text % {"what": what, "done": f"{self.done:,}", "total": f"{self.total:,}"}
        self.job.progress(self.done, self.total, message)

    def _finish(self) -> dict[str, Any]:
        result: dict[str, Any] = {**self.counts, "workbook": None}
        if self.counts["rejected"] or self.counts["flagged"]:
            head, key = self.head, self.job.id
            result["workbook"] = marked.attach(self.job, lambda file: marked.write(file, head, key))
        detail = {
            "job": str(self.job.id),
            "file": self.job.files[0]["name"],
            "sha256": self.sha256,
            **self.job.args,
            **self.counts,
        }
        with transaction():
            audit.record(db.session, Act.IMPORT, register="household", detail=detail)
        return result
