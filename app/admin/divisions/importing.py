"""Divisions from Excel or CSV: staged like those typed by hand, valid only when published.

A row whose level and code exist changes that division, another one is new. The file is read and
checked as a whole, since new villages may stand under new towns of the same file; what is sound is
staged in one transaction with the job's checkpoint, so that a killed import staged all or nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

from sqlalchemy import select

from app.access import policy
from app.access.actor import Actor, Capability
from app.access.audit import log as audit
from app.access.audit.log import Act
from app.access.divisions.former import VALUES, ChangeKind, RegionChange
from app.access.divisions.names import alike
from app.access.divisions.regions import CODE_LENGTH, Level, Region, within
from app.admin.divisions import moves as region_moves
from app.admin.divisions import reading as divisions
from app.admin.divisions.exporting import find_head, label_of
from app.admin.divisions.reading import PARENTS, Staged, may_force
from app.admin.divisions.values import read_values
from app.core.db import db
from app.core.errors import BadInput, Invalid
from app.core.i18n import _, mark, translate
from app.core.jobs.table import Job, JobContext, job_kind
from app.core.transactions import give_up, transaction
from app.core.types import nfc
from app.kernel import hooks
from app.kernel.exchange import inbox, marked
from app.kernel.exchange import notes as import_notes
from app.kernel.exchange.cells import Unreadable
from app.kernel.exchange.inbox import Kept
from app.kernel.exchange.reader import read_book
from app.kernel.exchange.sheet import Head
from app.kernel.exchange.writer import Column
from app.kernel.kinds.formats import half_width

KIND = "divisions.import"
#: The address of its page.
PAGE = "/divisions/import"
OUTCOMES = ("created", "updated", "unchanged", "rejected", "mended", "flagged")
MAX_ROWS = 50_000
_CHUNK = 500
_TAILS = ((10, Level.PROVINCE), (8, Level.CITY), (6, Level.COUNTY), (3, Level.TOWN))


def start(file: Kept, *, dry_run: bool, whole: bool, force: bool = False) -> Job:
    """Queue the import of a file for the current actor.

    :raises Forbidden: no right to maintain divisions.
    """
    actor = policy.require(Capability.MAINTAIN_REGIONS)
    args = {"dry_run": dry_run, "whole": whole, "force": force}
    return inbox.begin(KIND, actor, file, args)


@hooks.imports.listen()
def _import() -> Iterable[hooks.Import]:
    yield hooks.Import(
        KIND,
        start,
        label_of,
        PAGE,
        named=mark("名称"),
    )


@job_kind(KIND, title="导入行政区划", forget=import_notes.forget_job)
def run(job: JobContext) -> dict[str, Any]:
    """Do it; the result has the counts of :data:`OUTCOMES` and the marked workbook's name."""
    actor = policy.require(Capability.MAINTAIN_REGIONS)
    with inbox.local_copy(job) as path:
        head = find_head(read_book(path, job.files[0]["name"]))
        return _Import(job, head, actor).run()


@dataclass
class _Line:
    """One row: what it asks for, and what was said about it."""

    number: int
    cells: list[str]
    typed: dict[str, str]
    notes: list[tuple[str, str]] = field(default_factory=list)
    level: Level | None = None
    code: str = ""
    parent_code: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    known: Staged | None = None
    parent: Staged | _Line | None = None
    outcome: str = "created"
    key: int = 0
    place: str = ""

    @property
    def id(self) -> Any:
        """Something to group children by; a new division has no key yet."""
        return self.known.id if self.known is not None else ("row", self.number)

    @property
    def name(self) -> str:
        return str(self.values.get("name") or self.typed.get("name", ""))[:64]

    def reject(self, column: str, message: str) -> None:
        self.notes.append((column, message))
        self.outcome = "rejected"


class _Import:
    def __init__(self, job: JobContext, head: Head, actor: Actor) -> None:
        self.job, self.head, self.actor = job, head, actor
        self.lines: list[_Line] = []
        self.by_code: dict[tuple[Level, str], _Line] = {}
        self.tree: dict[tuple[Level, str], Staged] = {}
        below = [level for level in Level if level > Level.NATION]
        self.levels = {text: one for one in below for text in (one.label, _CHINESE[one])}

    def run(self) -> dict[str, Any]:
        kept = self.job.checkpoint or {}
        if "counts" not in kept:
            self._check()
            give_up()  # what it changes is read anew
            counts = self._counts()
            refused = self.job.args["whole"] and counts["rejected"]
            if refused and not self.job.args["dry_run"]:
                counts |= {name: 0 for name in OUTCOMES if name != "rejected"}
            with transaction():  # once or not at all
                import_notes.forget(self.job.id)
                for part in _parts([self._note(line) for line in self.lines if line.notes]):
                    import_notes.add(list(part))
                if not self.job.args["dry_run"] and not refused:
                    self._stage()
                self.job.save({"counts": counts})
            kept = {"counts": counts}
        return self._finish(kept["counts"])

    # ---- checking -------------------------------------------------------------------------

    def _check(self) -> None:
        total = max(0, self.head.sheet.height - self.head.row)
        if total > MAX_ROWS:
            raise BadInput(_("行数超过%(n)s，请拆分后分别导入。", n=f"{MAX_ROWS:,}"))
        for number, cells in self.head.sheet:
            if number <= self.head.row or not any(str(cell).strip() for cell in cells):
                continue
            self.lines.append(self._read(number, cells))
            if number % _CHUNK == 0:
                self.job.progress(number // 2, total)
        self._look_up()
        for line in self.lines:
            if line.outcome != "rejected":
                self._place(line)
        self._similar()
        self._without_parent()
        self.job.progress(total, total)

    def _read(self, number: int, cells: Sequence[str]) -> _Line:
        typed = {
            name: cells[index] if index < len(cells) else ""
            for name, index in self.head.columns.items()
        }
        line = _Line(number, [str(c) for c in cells], typed)
        for name, cell in typed.items():
            if isinstance(cell, Unreadable):
                line.reject(name, translate(cell.reason))
        if line.notes:
            return line
        line.level = self._level(line)
        if line.level is None:
            return line
        try:
            line.values = read_values(typed, line.level)
        except Invalid as error:
            for problem in error.problems:
                line.reject(problem.field, problem.message)
            return line
        line.code = line.values["code"]
        line.parent_code = _digits(typed.get("parent_code", "")).ljust(CODE_LENGTH, "0")
        if not _digits(typed.get("parent_code", "")):
            line.parent_code = ""
        elif not line.parent_code.isdecimal() or len(line.parent_code) != CODE_LENGTH:
            line.reject("parent_code", _("代码须为12位数字，例如：530129210000。"))
        other = self.by_code.setdefault((line.level, line.code), line)
        if other is not line:
            line.reject("code", _("代码与第%(n)s行重复。", n=other.number))
        return line

    def _level(self, line: _Line) -> Level | None:
        written = nfc(line.typed.get("level", ""))
        if written:
            if (known := self.levels.get(written)) is not None:
                return known
            line.reject("level", _("级别须为省级、市级、县级、乡镇级或村级。"))
            return None
        code = _digits(line.typed.get("code", ""))
        for zeros, level in _TAILS:
            if code.endswith("0" * zeros):
                return level
        return Level.VILLAGE

    def _look_up(self) -> None:
        """The divisions that the file names, and those above them; some statements in all."""
        codes = {line.code for line in self.lines if line.code}
        codes |= {line.parent_code for line in self.lines if line.parent_code}
        codes |= {_above(line.code, step) for line in self.lines for step in (9, 6, 4, 2)}
        for part in _parts(sorted(codes - {""})):
            pending = {
                change.region_id: change
                for change in db.session.scalars(
                    select(RegionChange).where(RegionChange.code.in_(part))
                )
            }
            found = list(
                db.session.scalars(select(Region).where(Region.code.in_(part), ~Region.structural))
            )
            theirs = select(RegionChange).where(RegionChange.region_id.in_([r.id for r in found]))
            pending |= {change.region_id: change for change in db.session.scalars(theirs)}
            for region in found:
                self._remember(Staged(region, pending.pop(region.id, None)))
            for change in pending.values():
                self._remember(Staged(db.session.get(Region, change.region_id), change))

    def _remember(self, node: Staged) -> None:
        self.tree[node.level, str(node.values["code"])] = node

    def _place(self, line: _Line) -> None:
        """Which division the row means, and under which it stands."""
        level = _certain(line.level)
        known = self.tree.get((level, line.code))
        own = (
            known is not None and known.region is not None and known.region.path == self.actor.path
        )
        if known is not None and (own or not within(known.place, self.actor.path)):
            line.reject("code", _("该行政区划不在您的管辖范围内，或须由上级管理用户维护。"))
            return
        line.known = known
        if known is not None and known.leaves:
            line.reject("code", _("该行政区划有待生效的删除或合并，请先撤销。"))
            return
        line.parent = self._parent_of(line, level)
        if line.parent is None:
            return
        line.place = line.parent.place or ""
        if known is not None:
            line.values["parent_id"] = known.values["parent_id"]
            for name in ("national_code", "department", "sort"):
                if not nfc(line.typed.get(name, "")):
                    line.values[name] = known.values[name]
            if isinstance(line.parent, Staged) and line.parent_code:
                above = divisions.shown_above(known)
                if above is None or above.id != line.parent.id:
                    line.values["parent_id"] = line.parent.id
            if isinstance(line.parent, Staged) and line.values == known.values:
                line.outcome = "unchanged"
            else:
                line.outcome = "updated"

    def _parent_of(self, line: _Line, level: Level) -> Staged | _Line | None:
        if not line.parent_code and line.known is not None:
            return divisions.shown_above(line.known)
        codes = [line.parent_code] if line.parent_code else [
            _above(line.code, step) for step in (9, 6, 4, 2) if _above(line.code, step) != line.code
        ]  # fmt: skip
        for code in codes:
            for above in sorted(PARENTS[level], reverse=True):
                row = self.by_code.get((above, code))
                node = self.tree.get((above, code))
                if node is None and row is not None and row.outcome != "rejected":
                    return row
                if node is not None and within(node.place, self.actor.path):
                    if node.leaves:
                        line.reject("parent_code", _("上级有待生效的删除或合并。"))
                        return None
                    return node
        line.reject(
            "parent_code" if line.parent_code else "code",
            _("没有找到上级行政区划，或它不在您的管辖范围内；请填写上级代码。"),
        )
        return None

    def _without_parent(self) -> None:
        """Rows below a rejected row are rejected, too, from above to below."""
        for line in sorted(self.lines, key=lambda one: one.level or Level.NATION):
            parent = line.parent
            if isinstance(parent, _Line):
                if parent.outcome == "rejected" and line.outcome != "rejected":
                    line.reject("parent_code", _("上级（第%(n)s行）不能导入。", n=parent.number))
                line.place = parent.place

    def _similar(self) -> None:
        groups: dict[Any, list[_Line]] = defaultdict(list)
        for line in self.lines:
            if line.parent is not None and line.outcome in ("created", "updated"):
                groups[line.parent.id].append(line)
        for lines in groups.values():
            parent = lines[0].parent
            there = []
            if isinstance(parent, Staged):
                there = [(one.id, one.name) for one in divisions.children(parent.id)]
            own = {line.known.id for line in lines if line.known is not None}
            names = [(key, name) for key, name in there if key not in own]
            for line in lines:
                self._compare(line, names)
                if line.outcome != "rejected":
                    names.append((line.id, line.name))

    def _compare(self, line: _Line, names: Sequence[tuple[Any, str]]) -> None:
        level, parent = _certain(line.level), line.parent
        known = line.known
        stays = known is not None and line.values.get("parent_id") == known.values["parent_id"]
        if known is not None and known.name == line.name and stays and isinstance(parent, Staged):
            return
        above = parent.level if parent is not None else None
        forced = self.job.args["force"] and may_force(self.actor, level, above or Level.NATION)
        like = next((name for _key, name in names if alike(line.name, name, level)), None)
        if like is not None and not forced:
            line.reject("name", _("名称与“%(name)s”相同或相似，请核对。", name=like))

    # ---- staging --------------------------------------------------------------------------

    def _stage(self) -> None:
        """All sound rows as pending changes."""
        connection = db.session.connection()
        region_moves.queue_of_publishers(connection, alone=False)
        lines = [one for one in self.lines if one.outcome in ("created", "updated")]
        new = [one for one in lines if one.known is None]
        if new:
            keys = region_moves.reserve_keys(connection, len(new))
            for line, key in zip(new, keys, strict=True):
                line.key = key
        for part in _parts(lines):
            for line in part:
                change = self._change(line)
                if line.known is None:
                    db.session.add(change)
                else:
                    db.session.merge(change)
            db.session.flush()
            db.session.expunge_all()
        detail = {"divisions": len(lines), "new": len(new), "file": self.job.files[0]["name"]}
        audit.record(db.session(), Act.IMPORT, register="region", detail=detail)

    def _change(self, line: _Line) -> RegionChange:
        parent, known = line.parent, line.known
        values = dict(line.values)
        if isinstance(parent, _Line):
            values["parent_id"] = parent.known.id if parent.known is not None else parent.key
        elif known is None and parent is not None:
            values["parent_id"] = parent.id
        kind = ChangeKind.ADD if known is None or known.region is None else ChangeKind.CHANGE
        place = line.place
        if known is not None:
            place = divisions.common_place(known, line.place)
        return RegionChange(
            region_id=known.id if known is not None else line.key,
            kind=kind, level=_certain(line.level), path=place, into_id=None,
            forced=bool(self.job.args["force"]),
            version=known.version + 1 if known is not None else 1,
            made_by=self.actor.account_id, made_by_name=self.actor.name,
            **{name: values[name] for name in VALUES},
        )  # fmt: skip

    # ---- what is told ---------------------------------------------------------------------

    def _counts(self) -> dict[str, int]:
        counts = dict.fromkeys(OUTCOMES, 0)
        for line in self.lines:
            counts[line.outcome] += 1
        return counts

    def _note(self, line: _Line) -> dict[str, Any]:
        return {
            "job_id": self.job.id,
            "row": line.number,
            "rejected": True,
            "name": line.name,
            "household_id": None,
            "notes": [[name, message] for name, message in line.notes],
        }

    def _finish(self, counts: dict[str, int]) -> dict[str, Any]:
        result: dict[str, Any] = {**counts, "workbook": None}
        if counts["rejected"]:
            result["workbook"] = marked.attach(self.job, self._mark)
        return result

    def _mark(self, file: IO[bytes]) -> None:
        """Every rejected row as it came."""
        number = Column((_("原行号"),), 8)
        marked.write_form(
            file, self.head, "code", _("行政区划"), number, lambda note: str(note.row), label_of,
            self.job.id,
        )  # fmt: skip


_CHINESE = {
    Level.NATION: "部级",
    Level.PROVINCE: "省级",
    Level.CITY: "市级",
    Level.COUNTY: "县级",
    Level.TOWN: "乡镇级",
    Level.VILLAGE: "村级",
}


def _certain(level: Level | None) -> Level:
    if level is None:
        raise ValueError("a row without a level was rejected")
    return level


def _digits(text: str) -> str:
    return half_width(nfc(text)).replace(" ", "")


def _above(code: str, digits: int) -> str:
    """The code of the division that the first digits name."""
    return code[:digits].ljust(CODE_LENGTH, "0") if code else ""


def _parts(rows: Sequence[Any]) -> Iterable[Sequence[Any]]:
    for first in range(0, len(rows), _CHUNK):
        yield rows[first : first + _CHUNK]
