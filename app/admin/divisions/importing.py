"""Divisions from Excel or CSV: staged like those typed by hand, valid only when published.

A row whose level and code exist changes that division, another one is new. The file is decided on as
a whole, since new villages may stand under new towns of the same file: what is sound is staged in
one transaction, so that a killed import staged all or nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from app.access import policy
from app.access.actor import Actor, Capability
from app.access.divisions.former import VALUES, ChangeKind, RegionChange
from app.access.divisions.names import alike
from app.access.divisions.regions import CODE_LENGTH, Level, Region, within
from app.admin.divisions import moves as region_moves
from app.admin.divisions import reading as divisions
from app.admin.divisions.exporting import label_of, wanted
from app.admin.divisions.reading import PARENTS, Staged, may_force
from app.admin.divisions.values import read_values
from app.core.db import db
from app.core.errors import Invalid
from app.core.i18n import _, mark
from app.core.jobs.table import Job, JobContext, job_kind
from app.core.types import nfc
from app.kernel import hooks
from app.kernel.exchange import inbox
from app.kernel.exchange.imports import notes as import_notes
from app.kernel.exchange.imports import pipeline
from app.kernel.exchange.imports.pipeline import Book, Line, SheetImport
from app.kernel.exchange.inbox import Kept
from app.kernel.exchange.limits import too_many_rows
from app.kernel.kinds.formats import half_width

KIND = "divisions.import"
#: The address of its page.
PAGE = "/divisions/import"
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
        kept=mark("行政区划的导入先成为待生效的变更，可以在行政区划管理中撤销；生效以后不能撤回。"),
    )


@job_kind(KIND, title="导入行政区划", forget=import_notes.forget_job)
def run(job: JobContext) -> dict[str, Any]:
    """Do it; the result has the counts of :data:`app.kernel.exchange.imports.pipeline.OUTCOMES` and the marked workbook's name."""
    actor = policy.require(Capability.MAINTAIN_REGIONS)
    return _Import(job, pipeline.read(job, wanted()), actor).run()


@dataclass
class _Line(Line):
    """One row: what it asks for."""

    typed: Mapping[str, str] = field(default_factory=dict)
    level: Level | None = None
    code: str = ""
    parent_code: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    known: Staged | None = None
    parent: Staged | _Line | None = None
    key: int = 0  # of a new one
    place: str = ""

    @property
    def id(self) -> Any:
        """Something to group children by; a new division has no key yet."""
        return self.known.id if self.known is not None else ("row", self.number)


class _Import(SheetImport[_Line]):
    rows_a_commit = MAX_ROWS  # new villages may stand under new towns of the same file
    key_column = "code"

    def __init__(self, job: JobContext, book: Book, actor: Actor) -> None:
        super().__init__(job, "region", _("行政区划"), book)
        if self.total > MAX_ROWS:
            raise too_many_rows(MAX_ROWS)
        self.actor = actor
        self.by_code: dict[tuple[Level, str], _Line] = {}
        self.tree: dict[tuple[Level, str], Staged] = {}
        below = [level for level in Level if level > Level.NATION]
        self.levels = {text: one for one in below for text in (one.label, _CHINESE[one])}

    def label(self, name: str) -> str:
        return label_of(name)

    # ---- checking -------------------------------------------------------------------------

    def check(self, number: int, row: Mapping[str, str]) -> _Line:
        line = _Line(number, row["name"][:64], typed=row)
        line.taken(row, row)
        if line.rejected:
            return line
        line.level = self._level(line)
        if line.level is None:
            return line
        try:
            line.values = read_values(row, line.level)
        except Invalid as error:
            for problem in error.problems:
                line.reject(problem.field, problem.message)
            return line
        line.name, line.code = str(line.values["name"])[:64], line.values["code"]
        above = _digits(row.get("parent_code", ""))
        line.parent_code = above.ljust(CODE_LENGTH, "0") if above else ""
        if above and not (above.isdecimal() and len(above) <= CODE_LENGTH):
            line.reject("parent_code", _("代码须为12位数字，例如：530129210000。"))
        return line

    def decide(self, lines: Sequence[_Line], *, write: bool) -> None:
        self.by_code, self.tree = {}, {}
        good = [line for line in lines if not line.rejected]
        for line in good:
            self._first(line)
        self._look_up(good)
        for line in good:
            if not line.rejected:
                self._place(line)
        self._similar(good)
        self._without_parent(good)
        if write:
            self._stage([line for line in good if line.outcome in ("created", "updated")])

    def _first(self, line: _Line) -> None:
        """No other row has its code."""
        other = self.by_code.setdefault((_certain(line.level), line.code), line)
        if other is not line:
            line.reject("code", _("代码与第%(n)s行重复。", n=self.where(other.number)))

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

    def _look_up(self, lines: Sequence[_Line]) -> None:
        """The divisions that the file names, and those above them; some statements in all."""
        codes = {line.code for line in lines if line.code}
        codes |= {line.parent_code for line in lines if line.parent_code}
        codes |= {_above(line.code, step) for line in lines for step in (9, 6, 4, 2)}
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
                if node is None and row is not None and not row.rejected:
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

    def _without_parent(self, lines: Sequence[_Line]) -> None:
        """Rows below a rejected row are rejected, too, from above to below."""
        for line in sorted(lines, key=lambda one: one.level or Level.NATION):
            parent = line.parent
            if isinstance(parent, _Line):
                if parent.rejected and not line.rejected:
                    line.reject(
                        "parent_code", _("上级（第%(n)s行）不能导入。", n=self.where(parent.number))
                    )
                line.place = parent.place

    def _similar(self, lines: Sequence[_Line]) -> None:
        groups: dict[Any, list[_Line]] = defaultdict(list)
        for line in lines:
            if line.parent is not None and line.outcome in ("created", "updated"):
                groups[line.parent.id].append(line)
        for siblings in groups.values():
            parent = siblings[0].parent
            there = []
            if isinstance(parent, Staged):
                there = [(one.id, one.name) for one in divisions.children(parent.id)]
            own = {line.known.id for line in siblings if line.known is not None}
            names = [(key, name) for key, name in there if key not in own]
            for line in siblings:
                self._compare(line, names)
                if not line.rejected:
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

    def _stage(self, lines: Sequence[_Line]) -> None:
        """As pending changes."""
        connection = db.session.connection()
        region_moves.queue_of_publishers(connection, alone=False)
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
