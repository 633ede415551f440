"""负责人与责任人名单 to Excel, in the columns of the 2009 annex; at most some 3,400 divisions."""

from __future__ import annotations

from typing import IO

from app.access import policy
from app.access.accounts.officers import FIELDS, Post
from app.access.actor import Capability
from app.access.audit import log as audit
from app.access.audit.log import Act
from app.access.divisions.regions import Region
from app.admin.accounts import officers
from app.core.db import db
from app.core.i18n import _, translate
from app.kernel.exchange.reasons import required_reason
from app.kernel.exchange.writer import Book, Cell, Column

_WIDTHS = {"name": 12, "employer": 28, "position": 18, "email": 26}


def write(file: IO[bytes], region: Region) -> int:
    """The area's whole list; gives the number of divisions."""
    found = officers.all_below(db.session, region.path)
    heads = [Column((_("地区"),), 36), Column((_("级别"),), 8)]
    heads += [
        Column((post.label, translate(label)), _WIDTHS.get(name, 16))
        for post in Post
        for name, (label, _most) in FIELDS.items()
    ]
    rows = [_row(line) for line in found]
    with Book(file) as book:
        title = _("负责人与责任人名单")
        book.table(title, heads, rows, title=f"{region.full_name} {title}", frozen_columns=1)
    return len(rows)


def keep(region: Region, reason: str, rows: int) -> None:
    """Note that the list goes out. :raises BadInput: no reason."""
    policy.require(Capability.EXPORT)
    detail = {"list": "负责人与责任人名单", "region": region.full_name, "rows": rows,
              "reason": required_reason(reason)}  # fmt: skip
    audit.record(db.session, Act.EXPORT, register=officers.SUBJECT, row=officers.Place(region.path),
                 detail=detail)  # fmt: skip


def _row(line: officers.Line) -> list[Cell]:
    cells: list[Cell] = [line.region.full_name, line.region.level.label]
    for post in Post:
        officer = line.officers.get(post)
        values = officer.values() if officer else {}
        cells += [values.get(name) for name in FIELDS]
    return cells
