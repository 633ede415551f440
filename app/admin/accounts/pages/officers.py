"""负责人与责任人名单: read downwards, kept by each division's own manager; and notices."""

from __future__ import annotations

import io
import uuid
from typing import Any

from flask import Response, redirect, request, send_file
from flask_appbuilder import BaseView, expose

from app.access import policy
from app.access.accounts import notices
from app.access.accounts.officers import FIELDS, PHONES, Post
from app.access.actor import Actor, Capability
from app.access.divisions import asked as region_asked
from app.access.divisions import regions
from app.access.divisions.regions import Level, Region
from app.admin.accounts import officer_export as officer_list
from app.admin.accounts import officers
from app.core.clock import local, today
from app.core.db import db
from app.core.errors import Invalid, NotFound
from app.core.i18n import _, lazy, translate
from app.core.transactions import transaction
from app.kernel.declare.rules import Problem
from app.kernel.exchange.writer import MEDIA_TYPE
from app.kernel.kinds import formats
from app.web.exchange import export_form
from app.web.frame import shell
from app.web.frame.addresses import takes
from app.web.frame.clicks import once

BASE = "/officers"
#: What most exports of the list are for; the reason may also be typed.
_REASONS = (lazy("工作联系"), lazy("上级要求报送"))
_KINDS = dict.fromkeys(PHONES, "phone")


class OfficersView(BaseView):
    """``/officers``: the own division and those below it, one level at a time."""

    route_base = BASE
    default_view = "index"

    @expose("/")
    @takes("region")
    def index(self) -> Any:
        actor = policy.require(Capability.MANAGE_USERS)
        region = officers.place(_region_id(actor), actor)
        found = officers.overview(db.session, region)
        named = sum(1 for line in found if len(line.officers) == len(Post))
        page = {
            "title": _("负责人与责任人名单"),
            "count": _("%(n)s 个地区，%(named)s 个已填全", n=len(found), named=named),
            "trail": [
                {"title": r.name, "url": f"{BASE}/?region={r.id}"}
                for r in regions.along(region.path)
                if regions.within(r.path, actor.path)
            ],
            "posts": [post.label for post in Post],
            "rows": [_row(line, region) for line in found],
            "export_url": f"{BASE}/export?region={region.id}"
            if actor.has(Capability.EXPORT)
            else None,
            "edit_url": f"{BASE}/{region.id}" if officers.may_keep(actor, region) else None,
        }
        return self.render_template("accounts/officers.html", page=page)

    @expose("/<int:region_id>", methods=["GET", "POST"])
    def show(self, region_id: int) -> Any:
        actor = policy.require(Capability.MANAGE_USERS)
        region = officers.place(region_id, actor)
        line = officers.lines(db.session, [region])[0]
        values = {post: o.values() for post, o in line.officers.items()}
        problems: list[Problem] = []
        if request.method == "POST":
            values = {
                post: {name: request.form.get(f"{post}-{name}", "") for name in FIELDS}
                for post in Post
            }
            try:
                with once() as click:
                    officers.save(region_id, values)
                    click.leads_to(f"{BASE}/?region={region_id}", _("已保存，并已告知上一级。"))
            except Invalid as error:
                problems = error.problems
            else:
                return click.answer()
        shell.crumb(region.name)
        changed = max((o.changed_at for o in line.officers.values()), default=None)
        page = {
            "title": region.full_name,
            "keeps": officers.may_keep(actor, region),
            "problems": problems,
            "action_url": f"{BASE}/{region_id}",
            "back_url": f"{BASE}/?region={region_id}",
            "posts": [_post(region, post, values.get(post, {}), problems) for post in Post],
            "changed": f"{local(changed):%Y-%m-%d %H:%M}" if changed else "",
        }
        rendered = self.render_template("accounts/officers_form.html", page=page)
        return (rendered, 422) if problems else rendered

    @expose("/<int:region_id>/reveal", methods=["POST"])
    @takes("post", "field")
    def reveal(self, region_id: int) -> Any:
        """The whole of a masked number, on a click that the audit log keeps."""
        policy.require(Capability.MANAGE_USERS)
        post = next((p for p in Post if p == request.args.get("post")), None)
        if post is None:
            raise NotFound(_("没有这个项目。"))
        text = officers.phone(region_id, post, request.args.get("field", ""))
        return self.render_template("register/_revealed.html", text=text)

    @expose("/export", methods=["GET", "POST"])
    @takes("region")
    def export(self) -> Any:
        """The whole list of an area as a workbook, at once, once a reason is stated."""
        policy.require(Capability.EXPORT)
        actor = policy.require(Capability.MANAGE_USERS)
        region = officers.place(_region_id(actor), actor)

        def start(reason: str) -> Response:
            file = io.BytesIO()
            rows = officer_list.write(file, region)
            with transaction():
                officer_list.keep(region, reason, rows)
            file.seek(0)
            name = f"{_('负责人与责任人名单')}_{region.name}_{today():%Y%m%d}.xlsx"
            return send_file(file, mimetype=MEDIA_TYPE, download_name=name, as_attachment=True)

        def told() -> dict[str, Any]:
            return {
                "title": _("导出%(what)s", what=_("负责人与责任人名单")),
                "intro": _("填写原因后直接下载 Excel 文件。"),
                "count": f"{officers.number_below(region.path):,}",
                "count_label": _("地区数"),
                "warning": export_form.phones_warning(),
                "area": region.full_name,
                "filters": [],
                "back_url": f"{BASE}/?region={region.id}",
            }

        shell.crumb(_("导出"))
        return export_form.ask(self, _REASONS, start, told)


class NoticesView(BaseView):
    """``/notices``: what the division was told and nobody has taken note of yet."""

    route_base = "/notices"
    default_view = "index"

    @expose("/")
    def index(self) -> Any:
        actor = policy.require(Capability.MANAGE_USERS)
        shell.crumb(_("通知"))
        rows = [
            {
                "text": one.text,
                "time": f"{local(one.at):%Y-%m-%d %H:%M}",
                "url": one.url,
                "seen_url": f"/notices/{one.id}/seen",
            }
            for one in notices.unseen(db.session, actor, most=100)
        ]
        return self.render_template("accounts/notices.html", notices=rows)

    @expose("/<uuid:notice_id>/seen", methods=["POST"])
    def seen(self, notice_id: uuid.UUID) -> Any:
        actor = policy.require(Capability.MANAGE_USERS)
        with transaction():
            notices.take_note(db.session, actor, notice_id)
        return redirect("/notices/")


def _region_id(actor: Actor) -> int:
    text = request.args.get("region", "")
    return region_asked.read_key(text) if text else actor.region_id


def _row(line: officers.Line, above: Region) -> dict[str, Any]:
    region = line.region
    down = region.id != above.id and region.level < Level.COUNTY
    return {
        "name": region.name,
        "level": region.level.label,
        "own": region.id == above.id,
        "url": f"{BASE}/?region={region.id}" if down else None,
        "show_url": f"{BASE}/{region.id}",
        "posts": [_cell(line, post) for post in Post],
    }


def _cell(line: officers.Line, post: Post) -> dict[str, str] | None:
    officer = line.officers.get(post)
    if officer is None:
        return None
    parts = (officer.employer, officer.position)
    return {
        "name": officer.name,
        "work": " ".join(part for part in parts if part),
        "phone": _("、").join(
            formats.mask_phone(n) for n in (officer.office_phone, officer.mobile) if n
        ),
    }


def _post(region: Region, post: Post, values: Any, problems: list[Problem]) -> dict[str, Any]:
    fields = []
    for name, (label, most) in FIELDS.items():
        key = f"{post}-{name}"
        fields.append(
            {
                "name": key,
                "label": translate(label),
                "kind": _KINDS.get(name, "text"),
                "value": values.get(name, ""),
                "length": most,
                "errors": [p.message for p in problems if p.field == key],
            }
        )
    return {
        "name": post.value,
        "title": post.label,
        "fields": fields,
        "facts": [_fact(region, post, name, values.get(name, "")) for name in FIELDS],
    }


def _fact(region: Region, post: Post, name: str, value: str) -> dict[str, Any]:
    """What those see who do not keep the list: numbers masked, whole on a click."""
    fact = {"label": translate(FIELDS[name][0]), "text": value}
    if name not in PHONES or not value:
        return fact
    url = f"{BASE}/{region.id}/reveal?post={post.value}&field={name}"
    return fact | {"text": formats.mask_phone(value), "kind": "id", "mask_url": url}
