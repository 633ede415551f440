"""``/divisions/import`` and ``/divisions/export``: the tree as a workbook or CSV, both ways."""

from __future__ import annotations

import io
import uuid
from typing import Any

from flask import request, send_file
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import permission_name

from app.access import policy
from app.access.actor import SYSTEM, Actor, Capability
from app.access.audit import log as audit
from app.access.audit.log import Act
from app.access.divisions.regions import Level, Region
from app.admin.divisions import exporting as division_list
from app.admin.divisions import importing as division_import
from app.admin.divisions import publish as division_publish
from app.admin.divisions.pages.views import key_asked_for
from app.admin.divisions.pages.words import URL
from app.core.clock import local, now
from app.core.errors import BadInput
from app.core.i18n import _
from app.core.jobs.table import Job
from app.kernel.exchange.writer import MEDIA_TYPE
from app.web.exchange.imports import answer, answer_again, import_page, workbook
from app.web.exchange.jobs import job_details, own
from app.web.frame import shell
from app.web.frame.addresses import takes
from app.web.frame.clicks import once

_FORMS = ("xlsx", "csv")


class DivisionFilesView(BaseView):
    """Import with a check first; export at once, of a province or more by a job."""

    route_base = "/divisions"
    class_permission_name = SYSTEM
    default_view = "import_page"

    @expose("/import/", methods=["GET", "POST"])
    @takes("job")
    @permission_name(Capability.MAINTAIN_REGIONS)
    def import_page(self) -> Any:
        actor = policy.require(Capability.MAINTAIN_REGIONS)
        shell.at(URL)
        shell.crumb(_("导入"))
        force = request.form.get("force") == "yes"
        return answer(self, division_import.start, lambda: _page(actor), _shown, force=force)

    @expose("/import/again/<uuid:job_id>", methods=["POST"])
    @permission_name(Capability.MAINTAIN_REGIONS)
    def import_again(self, job_id: uuid.UUID) -> Any:
        """Import the file that was only checked."""
        policy.require(Capability.MAINTAIN_REGIONS)
        return answer_again(own(job_id), division_import.KIND, division_import.start)

    @expose("/import/template")
    @permission_name(Capability.MAINTAIN_REGIONS)
    def template(self) -> Any:
        policy.require(Capability.MAINTAIN_REGIONS)
        file = io.BytesIO()
        division_list.write_template(file)
        return workbook(file, _("行政区划模板"))

    @expose("/export")
    @takes("region", "format")
    @permission_name(Capability.MAINTAIN_REGIONS)
    def export(self) -> Any:
        """The divisions below a city or county as a file, at once; logged."""
        area, form = _asked()
        if area.level < Level.CITY:
            raise BadInput(_("省级及以上请在列表中点“导出”，在后台处理。"))
        file = io.BytesIO()
        rows = division_list.write(file, area, form)
        audit.note(
            Act.EXPORT,
            row=division_list.At(area.path),
            detail=division_list.detail(area, rows, form),
        )
        file.seek(0)
        return send_file(
            file,
            mimetype=division_list.CSV_TYPE if form == "csv" else MEDIA_TYPE,
            as_attachment=True,
            download_name=f"{_('行政区划')}_{area.name}_{local(now()):%Y%m%d}.{form}",
            etag=False,
        )

    @expose("/export/start", methods=["POST"])
    @takes("region", "format")
    @permission_name(Capability.MAINTAIN_REGIONS)
    def export_start(self) -> Any:
        """The same of a province or the nation, by a job."""
        area, form = _asked()
        with once() as click:
            division_list.start(area, form)
            click.leads_to("/exchange/jobs/")
        return click.answer()


def _asked() -> tuple[Region, str]:
    """The area and the form that an address names."""
    actor = policy.require(Capability.MAINTAIN_REGIONS)
    form = request.args.get("format", "xlsx")
    if form not in _FORMS:
        raise BadInput(_("只能导出Excel或CSV文件。"))
    return division_publish.area_of(key_asked_for("region") or actor.region_id), form


def _page(actor: Actor) -> dict[str, Any]:
    page = import_page()
    if actor.level < Level.COUNTY:
        force = {
            "name": "force",
            "label": _("名称相似的也导入"),
            "help": _("确为不同的行政区划时勾选。"),
            "checked": request.form.get("force") == "yes",
        }
        page["options"] = [*page["options"], force]
    return page | {
        "title": _("导入行政区划"),
        "intro": _("导入的内容列入待生效变更，点“立即生效”后才起作用。"),
        "template_url": f"{URL}import/template",
        "action_url": f"{URL}import/",
        "hints": [
            _("按级别和代码对应：已有的更新，没有的新增；不删除任何行政区划。"),
            _("新增的乡镇和它下面的村可以写在同一个文件里。"),
            _("可以直接导入在本系统导出的文件（Excel或CSV），改好再导入。"),
            _("有问题的行会生成标注文件，在其中改正后可直接再次导入。"),
        ],
    }


def _shown(job: Job) -> dict[str, Any]:
    """The job, and the way to what it staged."""
    shown = job_details(job)
    if job.kind == division_import.KIND and not job.args["dry_run"] and job.result:
        url = f"{URL}changes"
        shown["actions"] = [{"label": _("查看待生效变更"), "url": url, "primary": True}]
    return shown
