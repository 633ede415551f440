"""``/exchange/jobs``: what the account's imports and exports did, with their files."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response, flash, redirect, request, send_file
from flask_appbuilder import BaseView, expose
from sqlalchemy import func, select
from werkzeug.datastructures import MultiDict

from app.access import policy
from app.core.clock import local, to_minute, today
from app.core.db import db
from app.core.errors import BadInput, NotFound
from app.core.files.storage import storage
from app.core.i18n import _, translate
from app.core.jobs import table as jobs
from app.core.jobs.table import KINDS, OPEN_STATES, Job, JobState
from app.core.transactions import transaction
from app.kernel import hooks
from app.kernel.declare.register import get_register
from app.kernel.exchange.columns import label_of
from app.kernel.exchange.imports import record_import
from app.kernel.exchange.imports.heads import row_text
from app.kernel.exchange.imports.notes import ImportNote, notes_of
from app.kernel.exchange.taking_back import job as taking_back
from app.kernel.exchange.taking_back.images import ImportRun
from app.kernel.exchange.taking_back.units import ABSENT, GONE, RESTORED, STAYS
from app.kernel.figures import waiting
from app.kernel.hooks import Import
from app.kernel.lists import results, searches
from app.web.frame import shell
from app.web.frame.addresses import takes
from app.web.frame.listing import Paging, page_number, url_with

PAGE_SIZE = 20
NOTES_SHOWN = 50
_ROWS_TOLD = 10
JOBS_URL = "/exchange/jobs"
IMPORTS_URL = "/exchange/imports"
_TONES = {
    JobState.QUEUED: "neutral",
    JobState.RUNNING: "info",
    JobState.DONE: "good",
    JobState.FAILED: "bad",
    JobState.CANCELLED: "neutral",
}


class JobsView(BaseView):
    """导入导出记录 of the account that is signed in, of nobody else."""

    route_base = JOBS_URL
    default_view = "index"

    @expose("/")
    @takes("lately")
    def index(self) -> Any:
        intro = _("这里是进行中和一天内结束的，从菜单进入可以看到全部。") if _lately() else None
        return self.render_template(
            "exchange/jobs.html", jobs=_list(page_number(request.args)), intro=intro
        )

    @expose("/progress")
    @takes("lately")
    def progress(self) -> Any:
        return self.render_template("exchange/_jobs.html", jobs=_list(page_number(request.args)))

    @expose("/<uuid:job_id>/cancel", methods=["POST"])
    def cancel(self, job_id: uuid.UUID) -> Any:
        own(job_id)
        with transaction():
            done = jobs.cancel(job_id)
        flash(
            _("已取消。") if done else _("已经结束，不能取消。"), "success" if done else "warning"
        )
        return redirect(shell.where_from(f"{JOBS_URL}/"))

    @expose("/<uuid:job_id>/files/<int:number>")
    def file(self, job_id: uuid.UUID, number: int) -> Response:
        made = own(job_id).files_of("result")
        if number >= len(made):
            raise NotFound(_("文件不存在或已过期。"))
        return send_file(
            storage().open(made[number]["key"]),
            mimetype=made[number]["media_type"],
            download_name=made[number]["name"],
            as_attachment=True,
            etag=False,
        )


class JobView(BaseView):
    """The part of a page that shows one job at work."""

    route_base = "/exchange/job"
    default_view = "progress"

    @expose("/<uuid:job_id>")
    def progress(self, job_id: uuid.UUID) -> Any:
        return self.render_template("exchange/_job.html", job=job_details(own(job_id)))


def import_url(job: Job) -> str:
    """The page that shows what became of an import."""
    made = _lists().get(job.kind)
    register = job.args.get("register", "")
    return made.page.format(register=register) if made else f"/exchange/import/{register}"


def _lists() -> dict[str, Import]:
    """The lists that can be imported, by the kind of their jobs."""
    return {made.kind: made for made in hooks.imports()}


def _imports(job: Job) -> bool:
    """Is it the import of a list, or of a register's forms?"""
    return job.kind == record_import.KIND or job.kind in _lists()


def own(job_id: uuid.UUID) -> Job:
    """A job of this account; another's does not exist."""
    actor = policy.current_actor()
    job = db.session.get(Job, job_id)
    if job is None or actor is None or job.account_id != actor.account_id:
        raise NotFound(_("没有找到这条导入导出记录。"))
    return job


def job_asked() -> Job | None:
    """The account's job that the address names, if it names one."""
    text = request.args.get("job")
    if text is None:
        return None
    try:
        return own(uuid.UUID(text))
    except ValueError:
        raise NotFound(_("没有找到这条导入导出记录。")) from None


def _lately() -> bool:
    """Only those that the desk tells?"""
    text = request.args.get("lately", "")
    if text not in ("", "1"):
        raise BadInput(_("没有这一筛选条件，请从菜单重新打开页面。"))
    return text == "1"


def job_details(job: Job) -> dict[str, Any]:
    """One job for exchange/_job.html."""
    run = taking_back.of_jobs([job.id]).get(job.id)
    made, failed = _line(job, run, listed=False), job.state == JobState.FAILED
    return {
        **made,
        "text": "" if failed else made["text"],
        "refresh_url": f"/exchange/job/{job.id}",
        "counts": _counts(job),
        "told": [*_not_read(job), *_stays(job, run)] if _imports(job) else [],
        "problems": _problems(job) if _imports(job) else _kept(job),
        "actions": [*_again(job), *made["actions"]],
        "error": job.message if failed else None,
    }


def _again(job: Job) -> list[dict[str, Any]]:
    if not _imports(job) or job.state != JobState.DONE or not job.result:
        return []
    rows = job.result["created"] + job.result["updated"]
    if not job.args["dry_run"] or not rows or not job.files_of("input"):
        return []
    label = _("导入这个文件（%(n)s 行）", n=f"{rows:,}")
    return [
        {"label": label, "url": f"{import_url(job)}/again/{job.id}", "post": True, "primary": True}
    ]


def _stays(job: Job, run: ImportRun | None) -> list[str]:
    """Why it cannot be taken back."""
    made = _lists().get(job.kind)
    if job.state in OPEN_STATES or job.args["dry_run"]:
        return []
    if made is not None and made.kept:
        return [translate(made.kept)]
    return [taking_back.why_not(run)] if run is not None and run.expired else []


def _counts(job: Job) -> list[dict[str, Any]]:
    if not job.result or not (_imports(job) or job.kind == taking_back.KIND):
        return []
    dry = job.args["dry_run"]
    named: dict[str, tuple[str, str | None, str | None]] = {
        GONE: (_("将撤回新增") if dry else _("撤回新增"), "good", None),
        RESTORED: (_("将恢复原内容") if dry else _("恢复原内容"), "good", None),
        STAYS: (_("将保留") if dry else _("保留"), "warn", None),
        ABSENT: (_("早已删除"), None, None),
    }
    if job.kind != taking_back.KIND:
        named = _outcomes(dry=dry)
    return [
        {
            "label": label,
            "number": f"{job.result[name]:,}",
            "tone": tone if job.result[name] else None,
            "hint": hint,
        }
        for name, (label, tone, hint) in named.items()
    ]


def _outcomes(*, dry: bool) -> dict[str, tuple[str, str | None, str | None]]:
    """What becomes of the rows of a file: label, tone and hint of each outcome."""
    return {
        "created": (_("将新增") if dry else _("新增"), "good", None),
        "updated": (_("将更新") if dry else _("更新"), "good", None),
        "unchanged": (_("无变化"), None, None),
        "rejected": (_("不能导入"), "bad", None),
        "mended": (_("自动整理"), None, _("其中")),
        "flagged": (_("待核对"), "warn", _("其中")),
    }


#: What becomes of a row, each one of them.
_ROWS = ("created", "updated", "unchanged", "rejected")


def _not_read(job: Job) -> list[str]:
    """What of the file was read, where that is not all of it."""
    told = (job.result or {}).get("file") or {}
    lists = ("sheets", "unread", "hidden", "hidden_columns", "ignored", "left_out")
    named = {what: _("、").join(told.get(what, ())) for what in lists}
    found = []
    done = job.result if job.state == JobState.DONE and told.get("sheets") else None
    if done and not any(done[one] for one in _ROWS):
        found.append(_("表头下面没有数据，没有可以导入的行。"))
    if len(told.get("sheets", ())) > 1:
        found.append(_("已读取工作表：%(names)s。", names=named["sheets"]))
    if named["unread"]:
        text = _("没有读取工作表：%(names)s（没有找到表头）。", names=named["unread"])
        found.append(text)
    if named["hidden"]:
        text = _("没有读取隐藏的工作表：%(names)s。", names=named["hidden"])
        found.append(text)
    if hidden := told.get("hidden_rows"):
        shown = [row_text(row, told["sheets"]) for row in hidden[:_ROWS_TOLD]]
        names = _("、").join(shown) + ("…" if len(hidden) > _ROWS_TOLD else "")
        found.append(
            _("在 Excel 中隐藏的行（被筛选或手动隐藏）也已读取：第%(rows)s行。", rows=names)
        )
    if named["hidden_columns"]:
        text = _("在 Excel 中隐藏的列也已读取：%(names)s。", names=named["hidden_columns"])
        found.append(text)
    if named["ignored"]:
        found.append(_("没有读取的列：%(names)s。", names=named["ignored"]))
    if named["left_out"]:
        text = _("没有读取离名单很远、只有空格的单元格：%(names)s。", names=named["left_out"])
        found.append(text)
    return found


def _noted(job: Job) -> int:
    """How many rows the job says something of."""
    noted = select(func.count()).select_from(ImportNote).where(ImportNote.job_id == job.id)
    return db.session.scalar(noted) or 0


def _kept(job: Job) -> dict[str, Any] | None:
    """What of an import is not taken back, and why."""
    if job.kind != taking_back.KIND or job.state not in (JobState.DONE, JobState.RUNNING):
        return None
    rows = [
        {
            "row": note.row,
            "name": note.name,
            "column": place,
            "message": why,
            "outcome": {"text": _("保留"), "tone": "warn"},
        }
        for note in notes_of(job.id, limit=NOTES_SHOWN)
        for place, why in note.notes
    ]
    more = None
    if (total := _noted(job)) > NOTES_SHOWN:
        more = _(
            "这里只列前%(shown)s户，共%(n)s户，全部见下载的文件。",
            shown=NOTES_SHOWN,
            n=f"{total:,}",
        )
    heads = {
        "title": _("保留的记录"),
        "row": _("序号"),
        "column": _("行政区划"),
        "message": _("原因"),
    }
    return {"rows": rows, "more": more, "named": _("名称"), "heads": heads}


def _problems(job: Job) -> dict[str, Any] | None:
    if job.state not in (JobState.DONE, JobState.RUNNING):
        return None
    total = _noted(job)
    sheets = ((job.result or {}).get("file") or {}).get("sheets", ())
    rows = [
        {
            "row": row_text(note.row, sheets),
            "name": note.name,
            "column": _label(job, column),
            "message": message,
            "outcome": {"text": _("未导入"), "tone": "bad"}
            if note.rejected
            else {"text": _("待核对"), "tone": "warn"},
        }
        for note in notes_of(job.id, limit=NOTES_SHOWN)
        for column, message in note.notes
    ]
    more = None
    if total and total > NOTES_SHOWN:
        more = _(
            "这里只列前%(shown)s行，共%(n)s行，全部见标注文件。", shown=NOTES_SHOWN, n=f"{total:,}"
        )
    made = _lists().get(job.kind)
    heads = {"title": _("有问题的行"), "row": _("行号"), "column": _("列"), "message": _("问题")}
    named = translate(made.named) if made else _("户主")
    return {"rows": rows, "more": more, "named": named, "heads": heads}


def _list(number: int) -> dict[str, Any]:
    """One page of the account's jobs for exchange/_jobs.html, newest first: of all, or of those that the desk
    tells.
    """
    actor, lately = policy.current_actor(), _lately()
    asked = MultiDict({"lately": "1"} if lately else {})
    mine = Job.account_id == (actor.account_id if actor else None)
    if actor and lately:
        mine = waiting.own_lately(actor)
    query = select(Job).where(mine).order_by(Job.created.desc(), Job.id.desc())
    found = list(db.session.scalars(query.offset((number - 1) * PAGE_SIZE).limit(PAGE_SIZE + 1)))
    runs = taking_back.of_jobs([job.id for job in found])
    rows = [_line(job, runs.get(job.id)) for job in found[:PAGE_SIZE]]
    paging = None
    if number > 1 or len(found) > PAGE_SIZE:
        paging = Paging.by_number(
            asked, f"{JOBS_URL}/", number,
            more=len(found) > PAGE_SIZE, position_text=_("第 %(n)s 页", n=number),
        )  # fmt: skip
    return {
        "rows": rows,
        "running": any(row["running"] for row in rows),
        "refresh_url": url_with(asked, path=f"{JOBS_URL}/progress", page=number),
        "paging": paging,
    }


def take_back_of(run: ImportRun | None) -> list[dict[str, Any]]:
    """The way to take an import back, while there is one."""
    if run is None or run.expired or not run.remaining:
        return []
    return [{"label": _("撤回导入"), "url": f"{IMPORTS_URL}/{run.id}/"}]


def _line(job: Job, run: ImportRun | None = None, *, listed: bool = True) -> dict[str, Any]:
    """``run``: what is kept of an import, that it can be taken back. ``listed``: among others, from where one goes
    to its page.
    """
    running = job.state in OPEN_STATES
    files = [
        {"label": file["name"], "url": f"{JOBS_URL}/{job.id}/files/{number}", "expires": None}
        for number, file in enumerate(job.files_of("result") if job.state == JobState.DONE else [])
    ]
    if files and job.expires:
        left = (local(job.expires).date() - today()).days
        files[-1]["expires"] = _("保留 %(n)s 天", n=max(0, left))
    actions = []
    if running:
        url, question = f"{JOBS_URL}/{job.id}/cancel", _("已写入的部分会保留。确定取消吗？")
        if job.kind == results.KIND:
            question = _("确定取消这次查询吗？")
        actions.append({"label": _("取消"), "url": url, "post": True, "confirm": question})
    elif _imports(job):
        actions += _look(f"{import_url(job)}/?job={job.id}", listed=listed) + take_back_of(run)
    elif job.kind == taking_back.KIND:
        run_id = uuid.UUID(job.args["run"])
        actions += _look(f"{IMPORTS_URL}/{run_id}/?job={job.id}", listed=listed)
    elif job.kind == results.KIND and searches.is_open(job):
        n = f"{(job.result or {}).get('rows', 0):,}"
        label, url = _("查看结果（%(n)s 户）", n=n), searches.address(job)
        actions.append({"label": label, "url": url, "primary": True})
    dry = job.args.get("dry_run")
    return {
        "id": str(job.id),
        "title": job.title,
        "sub": " ".join([to_minute(job.created), *([_("只检查，不写入")] if dry else [])]),
        "state": {"text": translate(job.state.zh), "tone": _TONES[job.state]},
        "running": running,
        "percent": job.percent if job.state == JobState.RUNNING else None,
        "text": _said(job),
        "files": files,
        "actions": actions,
    }


def _look(url: str, *, listed: bool) -> list[dict[str, Any]]:
    return [{"label": _("查看"), "url": url}] if listed else []


def _said(job: Job) -> str:
    """What the job says of itself; what no module here does waits for a program that has it."""
    if job.state == JobState.QUEUED and job.kind not in KINDS:
        return _("该功能没有启用，启用后继续。")
    return job.message


def _label(job: Job, column: str) -> str:
    register = get_register(job.args["register"]) if job.kind == record_import.KIND else None
    if register is not None:
        return record_import.label_of(register, column)
    made = _lists().get(job.kind)
    return (made.label_of if made else label_of)(column)
