"""The report of work (工作情况报告, 工作简报): read on a page, taken along as Word or PDF."""

from __future__ import annotations

from io import BytesIO
from typing import Any
from urllib.parse import urlencode

from flask import Response, request, send_file
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import permission_name
from flask_babel import force_locale

from app.access import policy
from app.access.actor import SYSTEM, Actor, Capability
from app.access.audit import log as audit
from app.access.audit.log import Act
from app.access.divisions.regions import Region
from app.core.clock import today
from app.core.errors import BadInput
from app.core.files.paper import Grid, Paper
from app.core.i18n import _
from app.kernel.exchange import printing
from app.kernel.figures import statistics
from app.kernel.reports import word, work, work_paper
from app.web.frame import shell
from app.web.frame.addresses import takes
from app.web.reports.tables import At, header_lines

#: The language of official papers.
_OFFICIAL = "zh"


class WorkReportView(BaseView):
    """``/work_report/``; ``region`` and ``since`` are the address of what is asked for."""

    route_base = "/work_report"
    class_permission_name = SYSTEM
    default_view = "page"

    @expose("/")
    @takes("region", "since")
    @permission_name(Capability.SEARCH)
    def page(self) -> Any:
        actor = policy.require(Capability.SEARCH)
        context: dict[str, Any] = {"problem": "", "paper": None, "since": request.args.get("since")}
        status = 200
        region = _region(actor)
        try:
            since = work.since_asked_for(request.args.get("since"))
            context["since"] = since.isoformat()
            context["paper"] = _shown(work.paper(actor, region, since))
            asked = urlencode({"region": region.id, "since": since.isoformat()})
            if actor.has(Capability.EXPORT_STATISTICS):
                context["word_url"] = f"/work_report/docx?{asked}"
                context["pdf_url"] = f"/work_report/pdf?{asked}"
        except BadInput as error:
            context["problem"], status = error.message, 400
        context |= {"region": region, "today": today().isoformat(), "kind": _kind(region)}
        shell.at("/work_report/")
        return self.render_template("reports/work.html", report=context), status

    @expose("/<any(docx, pdf):form>")
    @takes("region", "since")
    @permission_name(Capability.EXPORT_STATISTICS)
    def file(self, form: str) -> Response:
        """The document, in official Chinese whatever the language of the pages; logged."""
        actor = policy.require(Capability.EXPORT_STATISTICS)
        region = _region(actor)
        since = work.since_asked_for(request.args.get("since"))
        with force_locale(_OFFICIAL):
            made = work.paper(actor, region, since)
            content = BytesIO(work_paper.pdf(made)) if form == "pdf" else word.document(made)
        detail = {"region": region.full_name, "work_report": form}
        audit.note(Act.EXPORT, register="household", row=At(region.path), detail=detail)
        return send_file(
            content,
            mimetype=printing.MEDIA_TYPE if form == "pdf" else word.MEDIA_TYPE,
            as_attachment=True,
            download_name=f"{made.title}_{today():%Y%m%d}.{form}",
            etag=False,
        )


def _shown(paper: Paper) -> dict[str, Any]:
    return paper.data() | {
        "chapters": [
            {"title": c.title, "paragraphs": c.paragraphs, "grids": list(map(_sheet, c.grids))}
            for c in paper.chapters
        ],
        "annexes": list(map(_sheet, paper.annexes)),
    }


def _sheet(grid: Grid) -> dict[str, Any]:
    """The table for reports/_stat_table.html."""
    rows = (
        {"label": label, "cells": [{"text": text} for text in texts]} for label, *texts in grid.rows
    )
    return {
        "title": grid.title,
        "headers": header_lines(list(grid.heads), numbered=False),
        "rows": list(rows),
        "notes": grid.notes,
    }


def _region(actor: Actor) -> Region:
    """The division that is asked for; without one the account's own."""
    return statistics.region_asked_for(actor, request.args.get("region"))


def _kind(region: Region) -> str:
    return _("工作简报") if work.is_brief(region) else _("工作情况报告")
