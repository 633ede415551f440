"""``/quotas/<register>/``: 任务管理 (spec 06 "Quotas"), for whoever holds QUOTAS in the register."""

from __future__ import annotations

import io
import uuid
from functools import partial
from typing import Any

from flask import Response, request
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import permission_name

from app.access import policy
from app.access.actor import SYSTEM, Actor, Capability
from app.access.audit import log as audit
from app.access.audit.log import Act
from app.access.divisions.regions import Level
from app.core.clock import local, now
from app.core.errors import Invalid, NotFound
from app.core.i18n import _
from app.kernel.declare.register import Register, get_register
from app.kernel.declare.tables import QUOTA
from app.kernel.exchange import quotas as sheets
from app.kernel.figures import statistics
from app.kernel.quotas import giving, telling
from app.kernel.quotas.giving import Meanwhile
from app.web.exchange.imports import answer, answer_again, import_page, workbook
from app.web.exchange.jobs import own
from app.web.frame import shell
from app.web.frame.addresses import takes
from app.web.frame.clicks import once
from app.web.quotas.page import Asked, Typed, page


class QuotasView(BaseView):
    """What divisions were given, down to the county, and what the own one gives."""

    route_base = "/quotas"
    class_permission_name = SYSTEM
    default_view = "grid"

    @expose("/<string:register>/", methods=["GET", "POST"])
    @takes("region", "year", "kind")
    @permission_name(Capability.QUOTAS)
    def grid(self, register: str) -> Any:
        """A number for each division one level below; all are set at once."""
        actor, asked = _asked(register)
        typed = Typed()
        if request.method == "POST":
            typed = Typed.of_form(request.form)
            try:
                return self._set(asked, typed)
            except Invalid as error:
                typed.errors |= {problem.field: problem.message for problem in error.problems}
                typed.failed = error
            except Meanwhile as error:
                typed.meanwhile(error.details["now"])
                typed.failed = error
        shell.at(f"/quotas/{asked.register.name}/")
        made = giving.plan(asked.register, asked.region, asked.year, asked.kind)
        shown = self.render_template("quotas/grid.html", page=page(asked, made, actor, typed))
        return (shown, typed.failed.status) if typed.failed else shown

    def _set(self, asked: Asked, typed: Typed) -> Any:
        with once() as click:
            numbers = typed.numbers()
            made = telling.give(
                asked.register, asked.region, asked.year, asked.kind, numbers, typed.seen
            )
            text = _("已保存，%(n)s 个地区的任务量有变动。", n=made) if made else _("没有变动。")
            click.leads_to(asked.url(), text)
        return click.answer()

    @expose("/<string:register>/excel")
    @takes("region", "year", "kind")
    @permission_name(Capability.QUOTAS)
    def excel(self, register: str) -> Response:
        """The numbers as a workbook, which the import takes back; logged."""
        _actor, asked = _asked(register)
        made = giving.plan(asked.register, asked.region, asked.year, asked.kind)
        file = io.BytesIO()
        rows = sheets.write(file, asked.register, made, asked.year, asked.kind)
        detail = {"table": QUOTA, "region": asked.region.full_name, "rows": rows}
        detail |= {"year": asked.year, "of_kind": asked.kind}
        audit.note(Act.EXPORT, register=asked.register.name, path=asked.region.path, detail=detail)
        kind = asked.register.kind_label(asked.kind) if asked.kind else ""
        name = f"{_('任务量')}_{asked.year}{kind}_{asked.region.name}_{local(now()):%Y%m%d}"
        return workbook(file, name)

    @expose("/<string:register>/import/", methods=["GET", "POST"])
    @takes("job")
    @permission_name(Capability.QUOTAS)
    def import_page(self, register: str) -> Any:
        made = _gives(register)
        shell.at(f"/quotas/{made.name}/")
        shell.crumb(_("导入"))
        return answer(self, partial(sheets.start, made), lambda: _import_page(made))

    @expose("/<string:register>/import/again/<uuid:job_id>", methods=["POST"])
    @permission_name(Capability.QUOTAS)
    def import_again(self, register: str, job_id: uuid.UUID) -> Any:
        """Import the file that was only checked."""
        start = partial(sheets.start, _gives(register))
        return answer_again(own(job_id), sheets.KIND, start)


def _gives(name: str) -> Register:
    """A register with quotas, which the account may set or see."""
    register = get_register(name)
    if register is None or not register.quotas:
        raise NotFound(_("没有这个模块。"))
    policy.require(Capability.QUOTAS, register.name)
    return register


def _asked(name: str) -> tuple[Actor, Asked]:
    """Who asks, with the right to, and for what."""
    register = _gives(name)
    actor = policy.require(Capability.QUOTAS, register.name)
    region = statistics.region_asked_for(actor, request.args.get("region"))
    if region.level > Level.COUNTY:
        raise NotFound(_("乡镇以下不再分解任务量。"))
    year = statistics.year_asked_for(register, request.args.get("year"))
    kinds = tuple(register.kinds)
    if year is None:  # numbers are set for one year and kind
        year = register.years.offered()[0] if register.years else 0
    kind = statistics.kind_asked_for(register, year, request.args.get("kind"))
    return actor, Asked(register, region, year, kind or next(iter(kinds), ""))


def _import_page(register: Register) -> dict[str, Any]:
    return import_page() | {
        "title": _("导入任务量"),
        "intro": _("一行一个下级地区、一个年度、一类资金；只能下达给本级的下一级。"),
        "template_url": f"/quotas/{register.name}/excel",
        "action_url": f"/quotas/{register.name}/import/",
        "hints": [
            _("模板里已有本级下达过的任务量，改好后直接导入。"),
            _("按代码对应地区，没有代码的按名称；任务量留空的行不改动。"),
            _("有问题的行会生成标注文件，在其中改正后可直接再次导入。"),
        ],
    }
