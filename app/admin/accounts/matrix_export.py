"""The matrix in force to Excel: as the page shows it, and right by right for whoever filters and compares."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from app.access.audit import log as audit
from app.access.audit.log import Act
from app.admin.accounts import matrix, role_rights
from app.admin.accounts.matrix import Line
from app.core.db import db
from app.core.i18n import _, mark, translate
from app.kernel.exchange.reasons import required_reason
from app.kernel.exchange.writer import Book, Cell, Column
from app.kernel.households.audit_words import register_title

TITLE = mark("角色权限表")


def write(file: IO[bytes], found: list[Line]) -> int:
    """Both sheets; gives the number of rights that were told."""
    heads = [Column((_("权限"),), 28), *(Column((translate(line.role),), 22) for line in found)]
    with Book(file) as book:
        title = _(TITLE)
        book.table(title, heads, _as_shown(found), title=title, frozen_columns=1)
        each = [
            Column((_("角色"),), 24), Column((_("权限"),), 28), Column((_("对象"),), 28),
            Column((_("现行"),), 8), Column((_("规定"),), 8), Column((_("改动"),), 8),
            Column((_("限时授权"),), 12),
        ]  # fmt: skip
        return book.table(_("逐项"), each, _each(found), frozen_columns=3)


def keep(reason: str, rows: int) -> None:
    """Note that it goes out. :raises BadInput: no reason."""
    matrix.require_reader()
    detail = {"list": TITLE, "rows": rows, "reason": required_reason(reason)}
    audit.record(db.session, Act.EXPORT, register=role_rights.SUBJECT, detail=detail)


def _as_shown(found: list[Line]) -> Iterator[list[Cell]]:
    for cells in zip(*(line.cells for line in found), strict=True):
        yield [
            cells[0].capability.label,
            *("\n".join([matrix.text(one) or "—", *matrix.changes(one), *matrix.notes(one)])
              for one in cells),
        ]  # fmt: skip


def _each(found: list[Line]) -> Iterator[list[Cell]]:
    for line in found:
        for cell in line.cells:
            for name in cell.about:
                now, said = name in cell.held, name in cell.wanted
                changed = "" if now == said else (_("增加") if now else _("收回"))
                yield [
                    translate(line.role), cell.capability.label, register_title(name),
                    _("有") if now else _("无"), _("有") if said else _("无"), changed,
                    _("可限时授权") if name in cell.grantable else "",
                ]  # fmt: skip
