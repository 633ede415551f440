"""The papers of a register: of a record, of those that a list finds or that were ticked there, of none."""

from __future__ import annotations

import io
import uuid
from collections.abc import Iterator
from typing import Any

from flask import Response, current_app, request, send_file
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import permission_name

from app.access import policy
from app.access.actor import Actor, Capability
from app.core.clock import today
from app.core.errors import NotFound
from app.core.i18n import _, translate
from app.core.transactions import transaction
from app.kernel.declare.groups import Paper
from app.kernel.declare.register import Register
from app.kernel.exchange import printing
from app.kernel.exchange.printed import many, single
from app.kernel.records import save as records
from app.web.exchange import export_form
from app.web.exchange.exports import REASONS, args_of, filters_said
from app.web.frame import shell
from app.web.frame.addresses import takes
from app.web.frame.listing import Action
from app.web.register.parsing import parse_uuid
from app.web.register.shared import Routes, conditions


class PaperRoutes(Routes):
    """The routes of a register's papers."""

    @classmethod
    def of(cls, register: Register) -> frozenset[str]:
        if not register.papers:
            return frozenset()
        several = any(paper.several for paper in register.papers)
        blank = any(paper.blank for paper in register.papers)
        without = set() if several else {"print_several"}
        return super().of(register) - (without | (set() if blank else {"blank_paper"}))

    @expose("/<uuid:record_id>/paper/<string:paper>")
    @permission_name(Capability.SEARCH)
    def paper(self, record_id: uuid.UUID, paper: str) -> Response:
        """The record's paper as PDF, numbers masked."""
        made = single.get_paper(self.register, paper)
        row = records.get(self.register, record_id)
        return _pdf(single.masked(self.register, made, row, home()), made, self._called(row))

    @expose("/<uuid:record_id>/print/<string:paper>", methods=["GET", "POST"])
    @permission_name(Capability.EXPORT)
    def print_one(self, record_id: uuid.UUID, paper: str) -> Any:
        """The same with whole numbers, for a stated reason."""
        made = single.get_paper(self.register, paper)
        row = records.get(self.register, record_id)
        policy.require(Capability.EXPORT, self.register.name, row)
        here, title = f"/{self.register.name}/{record_id}", _("打印%(what)s", what=made.label)

        def start(reason: str) -> Response:
            content = single.with_numbers(self.register, made, row, home(), reason)
            with transaction():
                single.keep(self.register, made, row, reason)
            return _pdf(content, made, self._called(row))

        def told() -> dict[str, Any]:
            label = translate(self.register.model.__fields__[self.register.name_field].label)
            return {
                "title": title,
                "intro": _("%(what)s（PDF），含完整号码。", what=made.label),
                "count_label": self._count_label(),
                "count": "1",
                "filters": [{"label": label, "text": self._called(row)}],
                "word": _("打印"),
                "back_url": here,
            }

        shell.crumb(self._called(row), here)
        shell.crumb(title)
        return export_form.ask(self, REASONS, start, told)

    @expose("/papers/<string:paper>", methods=["GET", "POST"])
    @takes(conditions)
    @permission_name(Capability.EXPORT)
    def print_several(self, paper: str) -> Any:
        """Those of what the address selects, or of what a list posts as ticked; in the background."""
        made = single.get_paper(self.register, paper)
        if not made.several:
            raise NotFound(_("没有找到该页面。"))
        actor = policy.require(Capability.EXPORT, self.register.name)
        ids = [one for one in map(parse_uuid, request.form.getlist("id")) if one is not None]
        args = {} if ids else args_of(conditions(self))
        title = _("打印%(what)s", what=made.label)

        def start(reason: str) -> Any:
            asked = many.asked(self.register, made, args, ids[: many.MOST], reason)
            return export_form.in_background(lambda: many.start(asked, home()))

        def told() -> dict[str, Any]:
            found = many.found(self.register, args, ids, actor)
            ticked = [{"label": _("范围"), "text": _("列表中所选的记录")}] if ids else []
            return {
                "title": title,
                "intro": _("在后台生成PDF，完成后在“导入导出记录”下载。"),
                "count_label": self._count_label(),
                "count": str(found.count),
                "area": found.region.full_name if found.region else None,
                "filters": [*ticked, *filters_said(self.register, args, found.where)],
                "ids": ids,
                "word": _("开始打印"),
                "back_url": self._menu_url(Capability.SEARCH),
            }

        shell.at(self._menu_url(Capability.SEARCH))
        shell.crumb(title)
        return export_form.ask(self, REASONS, start, told)

    @expose("/papers/<string:paper>/blank")
    @permission_name(Capability.SEARCH)
    def blank_paper(self, paper: str) -> Response:
        """The form to be filled in by hand, as PDF."""
        actor = policy.require(Capability.SEARCH, self.register.name)
        made = single.get_paper(self.register, paper)
        return _pdf(single.blank(self.register, made, actor), made, _("空白"))

    def _called(self, row: Any) -> str:
        return self.register.named(row) or self.register.word

    def _count_label(self) -> str:
        return _("记录数（%(unit)s）", unit=translate(self.register.unit))


def of_list(register: Register, actor: Actor, asked: str) -> Iterator[Action]:
    """What a list whose conditions are ``asked`` offers: its records on paper, and a form without one."""
    for paper in register.papers:
        url = f"/{register.name}/papers/{paper.name}"
        if paper.several and actor.has(Capability.EXPORT, register.name):
            label = _("打印当前筛选的%(what)s", what=paper.label)
            yield Action(label, f"{url}?{asked}" if asked else url)
        if paper.blank:
            yield Action(_("空白%(what)s", what=paper.label), f"{url}/blank")


def of_ticked(register: Register, actor: Actor) -> dict[str, Any] | None:
    """What a list offers for its ticked rows: their first paper."""
    paper = next((paper for paper in register.papers if paper.several), None)
    if paper is None or not actor.has(Capability.EXPORT, register.name):
        return None
    action = {"name": paper.name, "label": _("打印所选"), "primary": False}
    return {"action_url": f"/{register.name}/papers/{paper.name}", "actions": [action]}


def home() -> str:
    """The beginning of the program's addresses, for codes on paper."""
    base = current_app.config["PUBLIC_URL"] or request.host_url
    return str(base).rstrip("/")


def _pdf(content: bytes, paper: Paper, of: str) -> Response:
    name = f"{paper.label}_{of}_{today():%Y%m%d}.pdf"
    return send_file(
        io.BytesIO(content), mimetype=printing.MEDIA_TYPE, download_name=name, etag=False
    )
