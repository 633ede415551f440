"""The page before an export with personal data: what goes out, and for what reason (spec 01)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

from flask import request
from flask_appbuilder import BaseView

from app.core.errors import BadInput
from app.core.i18n import _
from app.core.jobs.table import Job
from app.web.frame.clicks import once

#: What a list posts of its ticked rows, before anybody was asked for a reason.
BEFORE = {"action"}


def ask(
    view: BaseView,
    reasons: Sequence[object],
    start: Callable[[str], Any],
    told: Callable[[], dict[str, Any]],
) -> Any:
    """The page; once a reason is stated what ``start`` answers to it.

    ``told`` gives what the page says of the export (see ``exchange/export.html``), ``reasons`` are
    those to choose from; ``start`` reads what may take long, then does its transaction, and raises
    BadInput where a reason will not do. What is posted without any is the way here, not an answer.
    """
    errors: dict[str, list[str]] = {}
    if request.method == "POST" and not request.form.keys() & BEFORE:
        reason = request.form.get("other_reason", "").strip() or request.form.get("reason", "")
        try:
            return start(reason)
        except BadInput as error:
            errors["reason"] = [error.message]
    page = told() | {
        "action_url": request.full_path.rstrip("?"),
        "reasons": [str(reason) for reason in reasons],
        "reason": request.form.get("reason", ""),
        "other_reason": request.form.get("other_reason", ""),
        "errors": errors,
        "keys_chosen": "keys" in request.form,
    }
    rendered = view.render_template("exchange/export.html", page=page)
    return (rendered, 422) if errors else rendered


def in_background(
    begin: Callable[[], Job], called: Callable[[Job], str] = attrgetter("subject")
) -> Any:
    """Begin the job that does the export; where it is seen, and there what it is called."""
    with once() as click:
        job = begin()
        text = _("已开始导出：%(what)s。完成后在这里下载。", what=called(job))
        click.leads_to("/exchange/jobs", text)
    return click.answer()


def phones_warning() -> str:
    """Beside a file with the phones of accounts or officers."""
    return _("文件含完整的联系电话。导出人、范围和原因记入审计日志；用后请及时彻底删除。")
