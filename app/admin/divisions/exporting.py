"""Divisions as a table: the columns, the empty one to fill in, the tree as a workbook or CSV."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import IO, Any

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from app.access import policy
from app.access.actor import Capability
from app.access.audit import log as audit
from app.access.audit.log import Act
from app.access.divisions.regions import Level, Region, in_subtree, within
from app.core.db import db
from app.core.errors import NotFound
from app.core.i18n import _, mark, translate
from app.core.jobs.table import Job, JobContext, Owner, enqueue, job_kind
from app.core.transactions import transaction
from app.kernel.exchange.imports.heads import Wanted, plain_head
from app.kernel.exchange.writer import MEDIA_TYPE, Book, Column

KIND = "divisions.export"
CSV_TYPE = "text/csv"
_ROWS_A_READ = 2000


@dataclass(frozen=True)
class DivisionColumn:
    """One column; its label is its head in every language, for the import reads it."""

    name: str
    label: str
    width: int
    note: str = ""
    required: bool = False


COLUMNS = (
    DivisionColumn("level", mark("级别"), 10, mark("不填时按上级和代码判断。")),
    DivisionColumn("code", mark("代码"), 16, mark("12位数字；已有的代码更新，没有的新增。"), required=True),
    DivisionColumn("name", mark("名称"), 24, required=True),
    DivisionColumn("parent_code", mark("上级代码"), 16, mark("不填时：已有的不变，新增的按代码判断。")),
    DivisionColumn("national_code", mark("国家编码"), 16, mark("不填则与代码相同。")),
    DivisionColumn("department", mark("管理部门类别"), 20),
    DivisionColumn("sort", mark("排序"), 8, mark("数字小的排在前面。")),
    DivisionColumn("full_name", mark("全称"), 44, mark("导入时不读取这一列。")),
)  # fmt: skip
_GIVEN = {column.label: column.name for column in COLUMNS}


def wanted() -> Wanted:
    """What a table of divisions must name."""
    names = {
        plain_head(text): name
        for label, name in _GIVEN.items()
        for text in (label, translate(label))
    }

    def lacking(columns: Collection[str]) -> list[str]:
        return [label_of(name) for name in ("code", "name") if name not in columns]

    return Wanted(names, label_of, lacking)


def label_of(name: str) -> str:
    """The label of a column in the user's language."""
    return next((translate(c.label) for c in COLUMNS if c.name == name), name)


def write_template(file: IO[bytes]) -> None:
    """The empty table."""
    with Book(file) as book:
        book.table(_("行政区划"), _columns(), [])


def _columns() -> list[Column]:
    levels = tuple(level.label for level in Level if level > Level.NATION)
    return [
        Column(
            (c.label,), c.width, levels if c.name == "level" else (),
            translate(c.note) if c.note else "", c.required,
        )
        for c in COLUMNS
    ]  # fmt: skip


# ---- out ---------------------------------------------------------------------------------------


def write(file: IO[bytes], area: Region, form: str) -> int:
    """The divisions below ``area`` as ``xlsx`` or ``csv``; gives how many. Streams."""
    if form == "csv":
        text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="", write_through=True)
        lines = csv.writer(text)
        lines.writerow([column.label for column in COLUMNS])
        count = 0
        for row in _rows(area.path):
            lines.writerow([_no_formula(cell) for cell in row])
            count += 1
        text.detach()
        return count
    with Book(file) as book:
        return book.table(area.name, _columns(), _rows(area.path))


def _no_formula(cell: str) -> str:
    """Text that no spreadsheet computes."""
    return f"'{cell}" if cell[:1] in "=+-@" and cell else cell


def _rows(path: str) -> Iterator[list[str]]:
    """Depth first, by the path's index."""
    parent = aliased(Region)
    query = (
        select(
            Region.path, Region.level, Region.code, Region.name, parent.code,
            Region.national_code, Region.department, Region.sort, Region.full_name,
        )
        .join(parent, parent.id == Region.parent_id)
        .where(~Region.structural, Region.path != path)
        .order_by(Region.path)
        .limit(_ROWS_A_READ)
    )  # fmt: skip
    last = path
    while True:
        page = db.session.execute(query.where(in_subtree(Region.path, path), Region.path > last))
        rows = page.all()
        for _path, level, *values in rows:
            yield [level.label, *map(str, values)]
        if len(rows) < _ROWS_A_READ:
            return
        last = rows[-1][0]


@dataclass(frozen=True)
class At:
    """Where an audit entry belongs that is about no record."""

    path: str


def detail(area: Region, rows: int, form: str) -> dict[str, Any]:
    """What the audit log says of an export."""
    return {"table": "divisions", "region": area.full_name, "rows": rows, "format": form}


def start(area: Region, form: str) -> Job:
    """Queue the export of a large area for the current actor."""
    actor = policy.require(Capability.MAINTAIN_REGIONS)
    owner = Owner(actor.account_id, actor.name, actor.path)
    return enqueue(KIND, {"area": area.id, "form": form}, owner=owner, subject=area.name)


@job_kind(KIND, title="导出行政区划")
def run(job: JobContext) -> dict[str, Any]:
    """The whole of an area as a file."""
    actor = policy.require(Capability.MAINTAIN_REGIONS)
    area, form = db.session.get(Region, job.args["area"]), job.args["form"]
    if area is None or not within(area.path, actor.path):
        raise NotFound(_("没有找到该行政区划，或它不在您的管辖范围内。"))
    inside = in_subtree(Region.path, area.path)
    total = db.session.scalar(select(func.count()).select_from(Region).where(inside)) or 0
    job.progress(0, total)
    with tempfile.TemporaryFile() as file:
        rows = write(file, area, form)
        file.seek(0)
        media_type = CSV_TYPE if form == "csv" else MEDIA_TYPE
        job.attach(file, f"{_('行政区划')}_{area.name}.{form}", media_type)
    with transaction():
        audit.record(db.session(), Act.EXPORT, row=At(area.path), detail=detail(area, rows, form))
    return {"rows": rows}
