"""``/exchange/imports``: the imports of the own area that can be taken back, and the page of one that does it."""

from __future__ import annotations

import uuid
from typing import Any

from flask import request
from flask_appbuilder import BaseView, expose
from werkzeug.datastructures import MultiDict

from app.access import policy
from app.core.clock import local, to_minute
from app.core.db import db
from app.core.errors import BadInput, NotFound
from app.core.i18n import _
from app.core.jobs.table import Job
from app.kernel.exchange.taking_back import images
from app.kernel.exchange.taking_back import job as taking_back
from app.kernel.exchange.taking_back.images import ImportRun, Wrote
from app.web.exchange.jobs import IMPORTS_URL, PAGE_SIZE, job_asked, job_details, take_back_of
from app.web.frame.addresses import takes
from app.web.frame.clicks import once
from app.web.frame.listing import Paging, page_number


class ImportsView(BaseView):
    """可撤回的导入 of those who may import there."""

    route_base = IMPORTS_URL
    default_view = "index"

    @expose("/")
    @takes()
    def index(self) -> Any:
        return self.render_template("exchange/imports.html", jobs=_list(page_number(request.args)))

    @expose("/<uuid:job_id>/", methods=["GET", "POST"])
    @takes("job")
    def page(self, job_id: uuid.UUID) -> Any:
        run, asked = taking_back.get(job_id), job_asked()
        if asked is not None and asked.args.get("run") != run.id.hex:
            raise NotFound(_("没有找到这条导入导出记录。"))
        errors: dict[str, list[str]] = {}
        if request.method == "POST":
            try:
                return _begun(run.id)
            except BadInput as error:
                errors["reason"] = [error.message]
        rendered = self.render_template(
            "exchange/take_back.html",
            page=_page(run) | {"errors": errors},
            job=job_details(asked) if asked else None,
        )
        return (rendered, 422) if errors else rendered


def _begun(run_id: uuid.UUID) -> Any:
    dry = request.form.get("mode") != "take_back"
    with once() as click:
        job = taking_back.start(run_id, dry_run=dry, reason=request.form.get("reason", ""))
        click.leads_to(f"{IMPORTS_URL}/{run_id}/?job={job.id}")
    return click.answer()


def _page(run: ImportRun) -> dict[str, Any]:
    imported = db.session.get_one(Job, run.id)
    wrote = images.counted(run.id)
    facts = [
        {"label": _("导入内容"), "text": imported.title},
        {"label": _("导入人"), "text": imported.account_name or _("系统")},
        {"label": _("导入时间"), "text": to_minute(run.made_at)},
        {"label": _("可撤回至"), "text": to_minute(run.expires)},
        {"label": _("可撤回的新增记录"), "text": f"{wrote.get(Wrote.MADE, 0):,}"},
        {"label": _("可恢复原内容的记录"), "text": f"{wrote.get(Wrote.CHANGED, 0):,}"},
    ]
    if run.taken_at is not None:
        facts.append({"label": _("撤回情况"), "text": _taken(run)})
    return {
        "facts": facts,
        "why_not": taking_back.why_not(run),
        "action_url": f"{IMPORTS_URL}/{run.id}/",
        "reason": request.form.get("reason", ""),
    }


def _taken(run: ImportRun) -> str:
    if run.taken_at is None:
        return ""
    return _(
        "%(when)s 由%(who)s撤回：新增 %(gone)s 户已撤回，%(restored)s 户已恢复原内容；原因：%(reason)s",
        when=to_minute(run.taken_at),
        who=run.taken_by,
        gone=f"{run.gone:,}",
        restored=f"{run.restored:,}",
        reason=run.reason,
    )


def _list(number: int) -> dict[str, Any]:
    """One page of them, as exchange/_jobs.html shows jobs."""
    actor = policy.current_actor()
    found = []
    if actor is not None:
        found = list(taking_back.page_of(actor, (number - 1) * PAGE_SIZE, PAGE_SIZE + 1))
    paging = None
    if number > 1 or len(found) > PAGE_SIZE:
        paging = Paging.by_number(
            MultiDict(), f"{IMPORTS_URL}/", number,
            more=len(found) > PAGE_SIZE, position_text=_("第 %(n)s 页", n=number),
        )  # fmt: skip
    rows = [_line(run, imported) for run, imported in found[:PAGE_SIZE]]
    return {
        "rows": rows,
        "running": False,
        "refresh_url": "",
        "paging": paging,
        "none": (_("没有可撤回的导入"), _("导入后 30 天内，这里可以整批撤回。")),
    }


def _line(run: ImportRun, imported: Job) -> dict[str, Any]:
    said = [to_minute(run.made_at), imported.account_name or _("系统")]
    text = _taken(run)
    if run.expired:
        text = taking_back.why_not(run)
        state = {"text": _("已过期"), "tone": "neutral"}
    elif not run.remaining:
        state = {"text": _("已全部撤回"), "tone": "neutral"}
    else:
        state = {"text": _("可撤回"), "tone": "info"}
        text = text or _("%(day)s 前可以撤回", day=f"{local(run.expires):%Y-%m-%d}")
    return {
        "id": str(run.id),
        "title": imported.title,
        "sub": " ".join(said),
        "state": state,
        "running": False,
        "percent": None,
        "text": text,
        "files": [],
        "actions": take_back_of(run),
    }
