"""``/exchange/import/household``: the list of households from Excel, checked first if one likes;
``/exchange/import/<register>``: a register's forms; their templates.
"""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any, BinaryIO, cast

from flask import Response, request, send_file
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import permission_name
from werkzeug.datastructures import FileStorage

from app.access import policy
from app.access.actor import SYSTEM, Capability
from app.core.errors import BadInput, NotFound
from app.core.i18n import _, translate
from app.core.jobs.table import Job
from app.kernel.declare.house_lists import issued_list
from app.kernel.declare.register import Register, get_register
from app.kernel.exchange import inbox, templates
from app.kernel.exchange.imports import record_import
from app.kernel.exchange.inbox import Kept
from app.kernel.exchange.limits import MAX_BYTES
from app.kernel.exchange.writer import MEDIA_TYPE
from app.kernel.households import lists as households
from app.kernel.households.exchange import importing as household_import
from app.web.exchange.jobs import import_url, job_asked, job_details, own
from app.web.frame.addresses import takes
from app.web.frame.clicks import once


class ImportView(BaseView):
    """Base of those that one capability opens: take a file in, show what becomes of it."""

    class_permission_name = SYSTEM
    importer: ModuleType
    default_view = "page"

    def texts(self) -> dict[str, Any]:
        """What the page says instead of what the import of households says."""
        return {}

    @expose("/", methods=["GET", "POST"])
    @takes("job")
    @permission_name(Capability.IMPORT_LIST)
    def page(self) -> Any:
        policy.require(Capability.IMPORT_LIST)
        return answer(self, self.importer.start, self._context)

    def _context(self) -> dict[str, Any]:
        return import_page() | {"action_url": f"{self.route_base}/"} | self.texts()

    @expose("/again/<uuid:job_id>", methods=["POST"])
    @permission_name(Capability.IMPORT_LIST)
    def again(self, job_id: uuid.UUID) -> Any:
        """Import the file that was only checked."""
        policy.require(Capability.IMPORT_LIST)
        return answer_again(own(job_id), self.importer.KIND, self.importer.start)


class HouseholdImportView(ImportView):
    """名单下发."""

    route_base = household_import.PAGE
    importer = household_import

    @expose("/template")
    @permission_name(Capability.IMPORT_LIST)
    def template(self) -> Response:
        policy.require(Capability.IMPORT_LIST)
        file = io.BytesIO()
        templates.write_household_list(file)
        return workbook(file, _("农户名单模板"))


class RecordImportView(BaseView):
    """``/exchange/import/<register>``: a register's forms from Excel, for those who enter."""

    route_base = "/exchange/import"
    class_permission_name = SYSTEM
    default_view = "page"

    @expose("/<string:name>/", methods=["GET", "POST"])
    @takes("job")
    @permission_name(Capability.ENTER)
    def page(self, name: str) -> Any:
        register = _entered(name)

        def page() -> dict[str, Any]:
            return import_page() | {
                "title": _("导入%(what)s", what=translate(register.record_word)),
                "intro": _("按身份证号对应到名单上的农户，保存为“已录入”；不新增农户。")
                if register.of_households
                else _(
                    "按%(key)s对应：已录入的修改，没有的新增到所填的行政区划。",
                    key=register.key_label,
                ),
                "template_url": f"/exchange/template/{register.name}",
                "action_url": f"/exchange/import/{register.name}/",
                "hints": [
                    _("请用本页的模板，或把导出的台账改好后直接导入。"),
                    _("待审核和审核通过的不能导入；照片和材料请在表单中上传。"),
                    _("填错的行不导入，缺项的行先保存；都会标在标注文件里，改好可再次导入。"),
                ],
            }

        return answer(self, partial(record_import.start, register), page)

    @expose("/<string:name>/again/<uuid:job_id>", methods=["POST"])
    @permission_name(Capability.ENTER)
    def again(self, name: str, job_id: uuid.UUID) -> Any:
        """Import the file that was only checked."""
        start = partial(record_import.start, _entered(name))
        return answer_again(own(job_id), record_import.KIND, start)


def _entered(name: str) -> Register:
    """A register whose forms the account may enter."""
    register = get_register(name)
    if register is None or not register.entered:
        raise NotFound(_("没有这个模块。"))
    policy.require(Capability.ENTER, register.name)
    return register


def answer(
    view: BaseView,
    start: Callable[..., Job],
    page: Callable[[], dict[str, Any]],
    shown: Callable[[Job], dict[str, Any]] = job_details,
    **more: Any,
) -> Any:
    """An import's page with what becomes of the job that the address names; of a POST the file is
    taken in by ``start(file, dry_run=, whole=, **more)``, and the address of its job follows.
    """
    errors: dict[str, list[str]] = {}
    job = job_asked()
    if request.method == "POST":
        try:
            sent = sent_file()
            file = inbox.keep(cast("BinaryIO", sent.stream), str(sent.filename))
            check_only = request.form.get("mode") != "import"
            whole = request.form.get("whole") == "yes"
            return _begun(start, file, dry_run=check_only, whole=whole, **more)
        except BadInput as error:
            errors["file"], job = [error.message], None
    rendered = view.render_template(
        "exchange/import.html",
        page=page() | {"errors": errors},
        job=shown(job) if job else None,
    )
    return (rendered, 422) if errors else rendered


def answer_again(checked: Job, kind: str, start: Callable[..., Job]) -> Any:
    """Imports the file that was only checked, as was chosen then."""
    file, chosen = inbox.again(kind, checked)
    return _begun(start, file, **chosen)


def _begun(start: Callable[..., Job], file: Kept, **chosen: Any) -> Any:
    with once(file["key"]) as click:
        job = start(file, **chosen)
        click.leads_to(f"{import_url(job)}/?job={job.id}")
    return click.answer()


def sent_file() -> FileStorage:
    """The file of a form. :raises BadInput: none was chosen."""
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        raise BadInput(_("请选择要导入的Excel文件。"))
    return sent


class TemplateView(BaseView):
    """``/exchange/template/<register>``: a register's form as an empty workbook."""

    route_base = "/exchange/template"
    class_permission_name = SYSTEM
    default_view = "show"

    @expose("/<string:name>")
    @permission_name(Capability.SEARCH)
    def show(self, name: str) -> Response:
        register = get_register(name)
        if register is None or not register.sections:
            raise NotFound(_("没有这个模块。"))
        policy.require(Capability.SEARCH, register.name)
        file = io.BytesIO()
        templates.write_register(file, register)
        return workbook(file, _("%(what)s模板", what=register.label))


def workbook(file: io.BytesIO, name: str) -> Response:
    """A workbook to be kept under a name."""
    file.seek(0)
    return send_file(
        file, mimetype=MEDIA_TYPE, download_name=f"{name}.xlsx", as_attachment=True, etag=False
    )


def import_page() -> dict[str, Any]:
    """What every import's page shows, as the list of households has it."""
    whole = {
        "name": "whole",
        "label": _("全部成功才导入"),
        "help": _("有一行不能导入时，一行也不写入。不勾选时，能导入的行照常导入。"),
        "checked": request.form.get("whole") == "yes",
    }
    issued = issued_list()
    following = households.following(issued.name) if issued else []
    return {
        "title": _("名单下发"),
        "intro": _(
            "导入农户名单，每户自动列入%(what)s，状态为未录入。",
            what=_("、").join(register.label for register in following),
        ),
        "template_url": f"{household_import.PAGE}/template",
        "action_url": f"{household_import.PAGE}/",
        "accept": ".xlsx,.xls,.csv",
        "max_bytes": MAX_BYTES,
        "options": [whole],
        "hints": [
            _("空格、全角数字、“5人”等写法会自动整理。"),
            _("身份证号、电话、村名有疑问的行照常导入并标出，可稍后更正。"),
            _("同一名单可以重复导入：不会产生重复的户。"),
            _("有问题的行会生成标注文件，在其中改正后可直接再次导入。"),
        ],
    }
