"""角色权限表: the whole matrix in force, for auditors."""

from __future__ import annotations

import io
from typing import Any

from flask import Response, send_file
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import permission_name

from app.access.actor import SYSTEM, Capability
from app.access.policy import current_actor
from app.admin.accounts import matrix, matrix_export
from app.admin.accounts.matrix import Cell, Line
from app.core.clock import today
from app.core.db import db
from app.core.i18n import _, lazy, translate
from app.core.transactions import transaction
from app.kernel.exchange.writer import MEDIA_TYPE
from app.web.exchange import export_form
from app.web.frame import shell

BASE = "/roles/matrix"
_REASONS = (lazy("审计检查"), lazy("上级要求报送"), lazy("资料留存"))
#: So many roles beside each other on one screen; the others stand in a table below.
_ABREAST = 8


class MatrixView(BaseView):
    """``/roles/matrix``: every role by every capability, what was changed marked in words; as Excel."""

    route_base = BASE
    class_permission_name = SYSTEM
    default_view = "index"

    def allows(self, _method: str) -> bool:
        """Asked by the menu."""
        return matrix.may_read(current_actor())

    @expose("/")
    @permission_name(Capability.AUDIT)
    def index(self) -> Any:
        found = matrix.lines(db.session(), matrix.require_reader())
        changed = [translate(line.role) for line in found if line.changed]
        page = {
            "title": _(matrix_export.TITLE),
            "count": _("%(n)s 个角色", n=len(found)),
            "changed": _("、").join(changed),
            "export_url": f"{BASE}/export",
            "tables": [
                _table(found[first : first + _ABREAST]) for first in range(0, len(found), _ABREAST)
            ],
        }
        return self.render_template("accounts/matrix.html", page=page)

    @expose("/export", methods=["GET", "POST"])
    @permission_name(Capability.AUDIT)
    def export(self) -> Any:
        """The workbook, at once, once a reason is stated."""
        actor = matrix.require_reader()

        def start(reason: str) -> Response:
            file = io.BytesIO()
            rows = matrix_export.write(file, matrix.lines(db.session(), actor))
            with transaction():
                matrix_export.keep(reason, rows)
            file.seek(0)
            name = f"{_(matrix_export.TITLE)}_{today():%Y%m%d}.xlsx"
            return send_file(file, mimetype=MEDIA_TYPE, download_name=name, as_attachment=True)

        def told() -> dict[str, Any]:
            return {
                "title": _("导出%(what)s", what=_(matrix_export.TITLE)),
                "intro": _("填写原因后直接下载 Excel 文件。"),
                "count": str(len(matrix.lines(db.session(), actor))),
                "count_label": _("角色数"),
                "warning": _("文件不含个人信息。导出人和原因记入审计日志。"),
                "area": _("全国"),
                "filters": [],
                "back_url": f"{BASE}/",
            }

        shell.crumb(_("导出"))
        return export_form.ask(self, _REASONS, start, told)


def _table(found: list[Line]) -> dict[str, Any]:
    titles = [translate(line.role) for line in found]
    return {
        "title": _("%(first)s至%(last)s", first=titles[0], last=titles[-1]),
        "roles": titles,
        "rows": [
            {"label": cells[0].capability.label, "cells": [_cell(one) for one in cells]}
            for cells in zip(*(line.cells for line in found), strict=True)
        ],
    }


def _cell(cell: Cell) -> dict[str, Any]:
    return {"text": matrix.text(cell), "changes": matrix.changes(cell), "notes": matrix.notes(cell)}
