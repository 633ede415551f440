"""``/exchange/import/household``: the list of households from Excel, checked first if one likes;
``/exchange/jobs``: what the account's imports and exports did, with their files.
"""

from __future__ import annotations

import io
import uuid
from typing import Any, BinaryIO, cast

from flask import Response, flash, redirect, request, send_file
from flask_appbuilder import BaseView, expose
from sqlalchemy import func, select
from werkzeug.datastructures import FileStorage

from app.access import policy
from app.access.actor import Capability
from app.core import jobs
from app.core.clock import local, today
from app.core.db import db
from app.core.errors import BadInput, NotFound
from app.core.i18n import _, translate
from app.core.jobs import OPEN_STATES, Job, JobState
from app.core.storage import storage
from app.exchange import household_import, record_import, templates
from app.exchange.household_list import label_of
from app.exchange.import_notes import ImportNote, notes_of
from app.exchange.reader import MAX_BYTES
from app.exchange.writer import MEDIA_TYPE
from app.registry.register import Register, get_register
from app.web import shell

PAGE_SIZE = 20
NOTES_SHOWN = 50
IMPORT_URL = "/exchange/import/household"
JOBS_URL = "/exchange/jobs"
_IMPORTS = (household_import.KIND, record_import.KIND)
_TONES = {
    JobState.QUEUED: "neutral",
    JobState.RUNNING: "info",
    JobState.DONE: "good",
    JobState.FAILED: "bad",
    JobState.CANCELLED: "neutral",
}


class HouseholdImportView(BaseView):
    """名单下发: take a file in, show what becomes of it."""

    route_base = IMPORT_URL
    default_view = "page"

    @expose("/", methods=["GET", "POST"])
    def page(self) -> Any:
        policy.require(Capability.IMPORT_LIST)
        errors: dict[str, list[str]] = {}
        job = _own(_job_id(request.args["job"])) if "job" in request.args else None
        if request.method == "POST":
            try:
                return redirect(f"{IMPORT_URL}/?job={self._start().id}")
            except BadInput as error:
                db.session.rollback()
                errors["file"] = [error.message]
        page = self.render_template(
            "anju/import.html",
            page=_import_page(errors),
            job=job_details(job) if job else None,
        )
        return (page, 422) if errors else page

    @expose("/again/<uuid:job_id>", methods=["POST"])
    def again(self, job_id: uuid.UUID) -> Any:
        """Import the file that was only checked."""
        policy.require(Capability.IMPORT_LIST)
        job = household_import.start_checked(_own(job_id))
        db.session.commit()
        return redirect(f"{IMPORT_URL}/?job={job.id}")

    @expose("/template")
    def template(self) -> Response:
        policy.require(Capability.IMPORT_LIST)
        file = io.BytesIO()
        templates.write_household_list(file)
        return _workbook(file, _("农户名单模板"))

    def _start(self) -> Job:
        sent = _sent()
        dry_run = request.form.get("mode") != "import"
        whole = request.form.get("whole") == "yes"
        job = household_import.start(
            cast("BinaryIO", sent.stream), str(sent.filename), dry_run=dry_run, whole=whole
        )
        db.session.commit()
        return job


class RecordImportView(BaseView):
    """``/exchange/import/<register>``: a register's forms from Excel, for those who enter."""

    route_base = "/exchange/import"
    default_view = "page"

    @expose("/<string:name>/", methods=["GET", "POST"])
    def page(self, name: str) -> Any:
        register = _entered(name)
        errors: dict[str, list[str]] = {}
        job = _own(_job_id(request.args["job"])) if "job" in request.args else None
        if request.method == "POST":
            try:
                sent = _sent()
                job = record_import.start(
                    register,
                    cast("BinaryIO", sent.stream),
                    str(sent.filename),
                    dry_run=request.form.get("mode") != "import",
                    whole=request.form.get("whole") == "yes",
                )
                db.session.commit()
                return redirect(f"{_import_url(job)}/?job={job.id}")
            except BadInput as error:
                db.session.rollback()
                errors["file"], job = [error.message], None
        context = _import_page(errors) | {
            "title": _("导入%(what)s", what=translate(register.record_word)),
            "intro": _("按身份证号对应到名单上的农户，保存为“已录入”；不新增农户。"),
            "template_url": f"/exchange/template/{register.name}",
            "action_url": f"/exchange/import/{register.name}/",
            "hints": [
                _("请用本页的模板，或把导出的台账改好后直接导入。"),
                _("待审核和审核通过的不能导入；照片和材料请在表单中上传。"),
                _("填错的行不导入，缺项的行先保存；都会标在标注文件里，改好可再次导入。"),
            ],
        }
        page = self.render_template(
            "anju/import.html", page=context, job=job_details(job) if job else None
        )
        return (page, 422) if errors else page

    @expose("/<string:name>/again/<uuid:job_id>", methods=["POST"])
    def again(self, name: str, job_id: uuid.UUID) -> Any:
        """Import the file that was only checked."""
        register, checked = _entered(name), _own(job_id)
        (file,) = checked.files_of("input") or [{"key": "", "name": ""}]
        if checked.kind != record_import.KIND or not file["key"]:
            raise NotFound(_("文件不存在或已过期。"))
        with storage().open(file["key"]) as stream:
            job = record_import.start(
                register, stream, file["name"], dry_run=False, whole=checked.args["whole"]
            )
        db.session.commit()
        return redirect(f"{_import_url(job)}/?job={job.id}")


def _entered(name: str) -> Register:
    """A register whose forms the account may enter."""
    register = get_register(name)
    if register is None or register.flow is None:
        raise NotFound(_("没有这个模块。"))
    policy.require(Capability.ENTER, register.name)
    return register


def _sent() -> FileStorage:
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        raise BadInput(_("请选择要导入的Excel文件。"))
    return sent


class TemplateView(BaseView):
    """``/exchange/template/<register>``: a register's form as an empty workbook."""

    route_base = "/exchange/template"
    default_view = "show"

    @expose("/<string:name>")
    def show(self, name: str) -> Response:
        register = get_register(name)
        if register is None or not register.sections:
            raise NotFound(_("没有这个模块。"))
        policy.require(Capability.SEARCH, register.name)
        file = io.BytesIO()
        templates.write_register(file, register)
        return _workbook(file, _("%(what)s模板", what=register.label))


class JobsView(BaseView):
    """导入导出记录 of the account that is signed in, of nobody else."""

    route_base = JOBS_URL
    default_view = "index"

    @expose("/")
    def index(self) -> Any:
        return self.render_template("anju/jobs.html", jobs=_list(_page_number()), intro=None)

    @expose("/progress")
    def progress(self) -> Any:
        return self.render_template("anju/_jobs.html", jobs=_list(_page_number()))

    @expose("/<uuid:job_id>/cancel", methods=["POST"])
    def cancel(self, job_id: uuid.UUID) -> Any:
        _own(job_id)
        done = jobs.cancel(job_id)
        db.session.commit()
        flash(
            _("已取消。") if done else _("已经结束，不能取消。"), "success" if done else "warning"
        )
        return redirect(shell.where_from(f"{JOBS_URL}/"))

    @expose("/<uuid:job_id>/files/<int:number>")
    def file(self, job_id: uuid.UUID, number: int) -> Response:
        made = _own(job_id).files_of("result")
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
        return self.render_template("anju/_job.html", job=job_details(_own(job_id)))


def _import_url(job: Job) -> str:
    """The page that shows what became of an import."""
    return (
        IMPORT_URL
        if job.kind == household_import.KIND
        else f"/exchange/import/{job.args['register']}"
    )


def _label(job: Job, column: str) -> str:
    register = get_register(job.args["register"]) if job.kind == record_import.KIND else None
    return record_import.label_of(register, column) if register else label_of(column)


def _workbook(file: io.BytesIO, name: str) -> Response:
    file.seek(0)
    return send_file(
        file, mimetype=MEDIA_TYPE, download_name=f"{name}.xlsx", as_attachment=True, etag=False
    )


def _own(job_id: uuid.UUID) -> Job:
    """A job of this account; another's does not exist."""
    actor = policy.current_actor()
    job = db.session.get(Job, job_id)
    if job is None or actor is None or job.account_id != actor.account_id:
        raise NotFound(_("没有找到这条导入导出记录。"))
    return job


def _job_id(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise NotFound(_("没有找到这条导入导出记录。")) from None


def _page_number() -> int:
    text = request.args.get("page", "1")
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= 100_000):
        raise BadInput(_("页码有误。"))
    return int(text)


def _import_page(errors: dict[str, list[str]]) -> dict[str, Any]:
    whole = {
        "name": "whole",
        "label": _("全部成功才导入"),
        "help": _("有一行不能导入时，一行也不写入。不勾选时，能导入的行照常导入。"),
        "checked": request.form.get("whole") == "yes",
    }
    return {
        "title": _("名单下发"),
        "intro": _("导入脱贫户名单，每户自动列入回头看，状态为未录入。"),
        "template_url": f"{IMPORT_URL}/template",
        "action_url": f"{IMPORT_URL}/",
        "accept": ".xlsx,.xls,.csv",
        "max_bytes": MAX_BYTES,
        "options": [whole],
        "hints": [
            _("空格、全角数字、“5人”等写法会自动整理。"),
            _("身份证号、电话、村名有疑问的行照常导入并标出，可稍后更正。"),
            _("同一名单可以重复导入：不会产生重复的户。"),
            _("有问题的行会生成标注文件，在其中改正后可直接再次导入。"),
        ],
        "errors": errors,
    }


def job_details(job: Job) -> dict[str, Any]:
    """One job for anju/_job.html."""
    made = _line(job)
    return {
        **made,
        "refresh_url": f"/exchange/job/{job.id}",
        "counts": _counts(job),
        "problems": _problems(job) if job.kind in _IMPORTS else None,
        "actions": [*_again(job), *made["actions"]],
        "error": job.message if job.state == JobState.FAILED else None,
    }


def _again(job: Job) -> list[dict[str, Any]]:
    if job.kind not in _IMPORTS or job.state != JobState.DONE or not job.result:
        return []
    rows = job.result["created"] + job.result["updated"]
    if not job.args["dry_run"] or not rows or not job.files_of("input"):
        return []
    label = _("导入这个文件（%(n)s 行）", n=f"{rows:,}")
    return [
        {"label": label, "url": f"{_import_url(job)}/again/{job.id}", "post": True, "primary": True}
    ]


def _counts(job: Job) -> list[dict[str, Any]]:
    if job.kind not in _IMPORTS or not job.result:
        return []
    dry = job.args["dry_run"]
    named = {
        "created": (_("将新增") if dry else _("新增"), "good", None),
        "updated": (_("将更新") if dry else _("更新"), "good", None),
        "unchanged": (_("无变化"), None, None),
        "rejected": (_("不能导入"), "bad", None),
        "mended": (_("自动整理"), None, _("其中")),
        "flagged": (_("待核对"), "warn", _("其中")),
    }
    return [
        {
            "label": label,
            "number": f"{job.result[name]:,}",
            "tone": tone if job.result[name] else None,
            "hint": hint,
        }
        for name, (label, tone, hint) in named.items()
    ]


def _problems(job: Job) -> dict[str, Any] | None:
    if job.state not in (JobState.DONE, JobState.RUNNING):
        return None
    total = db.session.scalar(
        select(func.count()).select_from(ImportNote).where(ImportNote.job_id == job.id)
    )
    rows = [
        {
            "row": note.row,
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
    return {"rows": rows, "more": more}


def _list(number: int) -> dict[str, Any]:
    """One page of the account's jobs for anju/_jobs.html, newest first."""
    actor = policy.current_actor()
    mine = Job.account_id == (actor.account_id if actor else None)
    query = select(Job).where(mine).order_by(Job.created.desc(), Job.id.desc())
    found = list(db.session.scalars(query.offset((number - 1) * PAGE_SIZE).limit(PAGE_SIZE + 1)))
    rows = [_line(job) for job in found[:PAGE_SIZE]]
    paging = None
    if number > 1 or len(found) > PAGE_SIZE:
        paging = {
            "position_text": _("第 %(n)s 页", n=number),
            "prev_url": f"{JOBS_URL}/?page={number - 1}" if number > 1 else None,
            "next_url": f"{JOBS_URL}/?page={number + 1}" if len(found) > PAGE_SIZE else None,
        }
    return {
        "rows": rows,
        "running": any(row["running"] for row in rows),
        "refresh_url": f"{JOBS_URL}/progress?page={number}",
        "paging": paging,
    }


def _line(job: Job) -> dict[str, Any]:
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
        actions.append({"label": _("取消"), "url": url, "post": True, "confirm": question})
    elif job.kind in _IMPORTS:
        actions.append({"label": _("查看"), "url": f"{_import_url(job)}/?job={job.id}"})
    dry = job.kind in _IMPORTS and job.args.get("dry_run")
    return {
        "id": str(job.id),
        "title": job.title,
        "sub": " ".join(
            [f"{local(job.created):%Y-%m-%d %H:%M}", *([_("只检查，不写入")] if dry else [])]
        ),
        "state": {"text": translate(job.state.zh), "tone": _TONES[job.state]},
        "running": running,
        "percent": job.percent if job.state == JobState.RUNNING else None,
        "text": job.message,
        "files": files,
        "actions": actions,
    }
