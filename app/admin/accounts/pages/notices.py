"""``/notices``: what the account's division was told and the account has not taken note of yet."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from flask import redirect, request
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import permission_name
from flask_wtf.csrf import generate_csrf
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from app.access import policy
from app.access.accounts import notices
from app.access.accounts.notices import Notice
from app.access.actor import SYSTEM, Actor, Capability
from app.core.clock import YEARS, to_minute
from app.core.db import db
from app.core.errors import BadInput
from app.core.i18n import _
from app.core.transactions import transaction
from app.web.frame import shell
from app.web.frame.addresses import takes
from app.web.frame.listing import (
    Action,
    Column,
    Empty,
    Listing,
    Paging,
    Row,
    cells,
    page_number,
    span,
)

URL = "/notices/"
_SIZE = 20


class NoticesView(BaseView):
    """通知, by pages, newest first."""

    route_base = URL.rstrip("/")
    class_permission_name = SYSTEM
    default_view = "index"

    @expose("/")
    @takes("page")
    @permission_name(Capability.SEARCH)
    def index(self) -> Any:
        actor = policy.require(Capability.SEARCH)
        shell.crumb(_("通知"))
        made = _list(actor, page_number(request.args))
        return self.render_template("lists/list.html", ledger=made)

    @expose("/<uuid:notice_id>/seen", methods=["POST"])
    @permission_name(Capability.SEARCH)
    def seen(self, notice_id: uuid.UUID) -> Any:
        actor = policy.require(Capability.SEARCH)
        with transaction():
            notices.take_note(db.session, actor, notice_id)
        return redirect(shell.where_from(URL))

    @expose("/seen", methods=["POST"])
    @takes("until")
    @permission_name(Capability.SEARCH)
    def all_seen(self) -> Any:
        actor, until = policy.require(Capability.SEARCH), _instant(request.args.get("until", ""))
        with transaction():
            notices.take_note_of_all(db.session, actor, until)
        return redirect(URL)


def _instant(text: str) -> dt.datetime:
    """When the page was made whose notices were all read: later ones are not among them."""
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None or found.year not in YEARS:
        raise BadInput(_("时间有误，请从页面上重新操作。"))
    return found


def _list(actor: Actor, page: int) -> Listing:
    total = db.session.scalar(select(notices.number_unseen(actor))) or 0
    page = min(page, max(1, -(-total // _SIZE)))  # the last one was read to its end
    start = (page - 1) * _SIZE
    found = notices.unseen(db.session, actor, start, _SIZE)
    columns: list[Column[Notice]] = [
        Column("text", _("内容"), lambda one: one.text),
        Column("at", _("时间"), lambda one: to_minute(one.at), "date"),
    ]
    return Listing(
        name="notices",
        title=_("通知"),
        count_text=_("%(n)s 条", n=f"{total:,}"),
        intro=_("名单、迁户等变动，您点“知道了”后不再显示。"),
        columns=columns,
        rows=[_row(columns, one) for one in found],
        actions=_for_all(found) if page == 1 else [],
        paging=Paging.by_number(
            MultiDict(), URL, page, more=start + len(found) < total,
            position_text=_("第 %(first)s–%(last)s 条，共 %(count)s 条", **span(start + 1, len(found), total)),
        ) if total > _SIZE else None,
        empty=Empty(_("没有未读通知"), _("下级更新名单、农户迁入迁出等变动会在这里告知。")),
        token=generate_csrf(),
    )  # fmt: skip


def _row(columns: Sequence[Column[Notice]], one: Notice) -> Row:
    seen = Action(_("知道了"), f"{URL}{one.id}/seen", post=True)
    return Row(str(one.id), one.url, cells(columns, one), [seen])


def _for_all(found: Sequence[Notice]) -> list[Action]:
    """Only what was told until the newest one that the page shows: what came since nobody has read."""
    if len(found) < 2:
        return []
    until = urlencode({"until": found[0].at.isoformat()})
    sure = _("到现在为止的通知都标为已读，确定吗？")
    return [Action(_("全部知道了"), f"{URL}seen?{until}", post=True, confirm=sure)]
