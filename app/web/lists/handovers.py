"""``/handovers``: asking for a record that another account entered, and answering."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from flask import flash, redirect, request
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import permission_name
from sqlalchemy import select

from app.access import policy
from app.access.actor import SYSTEM, Actor, Capability
from app.access.divisions import regions
from app.access.divisions.regions import Region
from app.core.clock import local, to_minute
from app.core.db import db
from app.core.errors import Conflict, Invalid, NotFound
from app.core.i18n import _, translate
from app.kernel.beyond import handovers
from app.kernel.declare.register import Register, get_register
from app.kernel.declare.rules import Problem
from app.kernel.kinds import formats
from app.kernel.records.history import Contact
from app.kernel.rows.handover import Handover, HandoverState
from app.web.frame import shell
from app.web.frame.clicks import once
from app.web.frame.listing import Action, Cell, Column, Empty, Listing, Row, cells
from app.web.register.parsing import contact_of
from app.web.register.shared import Said

BASE = "/handovers"
_MOST = 100
TONES = {
    HandoverState.WAITING: "info",
    HandoverState.AGREED: "good",
    HandoverState.REFUSED: "bad",
    HandoverState.WITHDRAWN: "neutral",
}


class HandoversView(BaseView):
    """转入申请: what waits for an answer here, what was asked from here."""

    route_base = BASE
    class_permission_name = SYSTEM
    default_view = "index"

    @expose("/")
    @permission_name(Capability.SEARCH)
    def index(self) -> Any:
        actor = policy.require(Capability.SEARCH)
        return self.render_template("lists/list.html", ledger=_list(actor))

    @expose("/ask/<string:register>/<uuid:record_id>", methods=["GET", "POST"])
    @permission_name(Capability.ENTER)
    def ask(self, register: str, record_id: uuid.UUID) -> Any:
        made = get_register(register)
        if made is None or not made.owned:
            raise NotFound(_("没有这个模块。"))
        actor = policy.require(Capability.ENTER, made.name)
        row, said, problems = handovers.wanted(made, record_id), Said(contact_of(actor)), ()
        if request.method == "POST":
            said = Said(contact_of(actor), request.form.get("opinion", "").strip())
            try:
                with once() as click:
                    asked = handovers.ask(
                        made, record_id, _own_place(actor, made), said.contact, said.opinion
                    )
                    click.leads_to(f"{BASE}/{asked.id}", _("申请已提交，等待对方答复。"))
            except Invalid as error:
                problems = tuple(error.problems)
            else:
                return click.answer()
        return self._ask_page(made, row, actor, said, problems)

    def _ask_page(
        self, register: Register, row: Any, actor: Actor, said: Said, problems: Sequence[Problem]
    ) -> Any:
        number = register.model.__fields__[register.number_field]
        county, to = regions.get(row.county_id), regions.get(_own_place(actor, register) or 0)
        said = Said(said.contact, said.opinion, problems=problems)
        context = said.context | {
            "title": _("申请转入%(name)s", name=register.named(row)),
            "subtitle": register.label,
            "facts": [
                {"label": translate(number.label), "text": number.mask(getattr(row, number.name))},
                {"label": _("现在所在地"), "text": county.full_name if county else ""},
                {"label": _("录入人"), "text": row.entered_name},
                {"label": _("转入"), "text": to.full_name if to else ""},
            ],
            "notices": [
                {"tone": "info", "text": _("录入该信息的账号同意后，记录转到您处，由您管理。")}
            ],
            "problems": problems,
            "decisions": [
                {
                    "name": "ask", "label": _("提交申请"), "needs_opinion": True,
                    "action_url": f"{BASE}/ask/{register.name}/{row.id}",
                }
            ],
            "version": "", "history": [], "sections": [],
        }  # fmt: skip
        shell.at(f"/{register.name}/{register.menus[0].name}")
        shell.crumb(_("申请转入"))
        return self.render_template(
            "register/record.html", record=context
        ), 422 if problems else 200

    @expose("/<uuid:handover_id>")
    @permission_name(Capability.SEARCH)
    def show(self, handover_id: uuid.UUID) -> Any:
        actor = policy.require(Capability.SEARCH)
        return self._page(handovers.get(handover_id), actor, Said(contact_of(actor)))

    @expose("/<uuid:handover_id>/agree", methods=["POST"])
    @permission_name(Capability.ENTER)
    def agree(self, handover_id: uuid.UUID) -> Any:
        return self._answer(handover_id, agreed=True)

    @expose("/<uuid:handover_id>/refuse", methods=["POST"])
    @permission_name(Capability.ENTER)
    def refuse(self, handover_id: uuid.UUID) -> Any:
        return self._answer(handover_id, agreed=False)

    @expose("/<uuid:handover_id>/withdraw", methods=["POST"])
    @permission_name(Capability.ENTER)
    def withdraw(self, handover_id: uuid.UUID) -> Any:
        policy.require(Capability.ENTER, handovers.get(handover_id).register)
        try:
            with once() as click:
                handovers.withdraw(handover_id)
                click.leads_to(f"{BASE}/{handover_id}", _("申请已撤回。"))
        except Conflict as error:
            flash(error.message, "danger")
            return redirect(f"{BASE}/{handover_id}")
        return click.answer()

    def _answer(self, handover_id: uuid.UUID, *, agreed: bool) -> Any:
        actor = policy.require(Capability.ENTER, handovers.get(handover_id).register)
        said = Said(contact_of(actor), request.form.get("opinion", "").strip())
        try:
            with once() as click:
                made = handovers.answer(
                    handover_id, agreed=agreed, contact=said.contact, opinion=said.opinion
                )
                gone = _("%(name)s已转出。", name=made.name)
                click.leads_to(BASE + "/", gone if agreed else _("已答复：不同意转出。"))
        except Invalid as error:
            said = Said(said.contact, said.opinion, problems=error.problems)
            return self._page(handovers.get(handover_id), actor, said)
        except Conflict as error:
            flash(error.message, "danger")
            return redirect(f"{BASE}/{handover_id}")
        return click.answer()

    def _page(self, handover: Handover, actor: Actor, said: Said) -> Any:
        places = {r.id: r.full_name for r in _regions([handover])}
        waits = handover.state == HandoverState.WAITING
        base = f"{BASE}/{handover.id}"
        decisions = []
        if handovers.may_answer(handover, actor):
            decisions = [
                {"name": "agree", "label": _("同意转出"), "action_url": f"{base}/agree"},
                {
                    "name": "refuse", "label": _("不同意转出"), "needs_opinion": True,
                    "danger": True, "action_url": f"{base}/refuse",
                },
            ]  # fmt: skip
        actions = []
        if waits and handover.asked_by == actor.account_id:
            actions.append({"label": _("撤回"), "url": f"{base}/withdraw", "post": True})
        here = handover.from_path if handover.state != HandoverState.AGREED else handover.to_path
        if regions.within(here, actor.path):
            url = f"/{handover.register}/{handover.record_id}"
            actions.append({"label": _("查看"), "url": url})
        context = said.context | {
            "title": _("%(name)s的转入申请", name=handover.name),
            "subtitle": handovers.register_of(handover).label,
            "state": {"text": handover.state.label, "tone": TONES[handover.state]},
            "facts": [
                {"label": _("姓名"), "text": handover.name},
                {"label": _("身份证号"), "text": handover.number, "kind": "id"},
                {"label": _("从"), "text": places.get(handover.from_region_id, "")},
                {"label": _("转入"), "text": places.get(handover.to_region_id, "")},
            ],
            "actions": actions,
            "decisions": decisions,
            "problems": said.problems,
            "history": list(_told(handover)),
            "version": "",
            "sections": [],
        }
        shell.at(BASE + "/")
        shell.crumb(handover.name)
        status = 422 if said.problems else 200
        return self.render_template("register/record.html", record=context), status


def _own_place(actor: Actor, register: Register) -> int | None:
    """The division that a record comes to: the account's own, or the first that it may enter in."""
    own = regions.get(actor.region_id)
    if own is not None and register.creates is not None and own.level >= register.creates.level:
        return own.id
    areas = actor.areas(Capability.ENTER, register.name)
    query = select(Region.id).where(Region.path.in_(areas), ~Region.structural)
    return db.session.scalar(query.order_by(Region.path).limit(1))


def _regions(rows: Sequence[Handover]) -> Sequence[Region]:
    keys = {key for row in rows for key in (row.from_region_id, row.to_region_id)}
    return db.session.scalars(select(Region).where(Region.id.in_(keys))).all()


def _told(handover: Handover) -> Any:
    """What was said to the request, newest first, as templates show a history."""
    if handover.answered_at is not None:
        who = Contact(handover.answered_person or "", handover.answered_phone or "")
        yield _line(
            handover.answered_at, handover.state.label, handover.answered_name, who,
            handover.answer, TONES[handover.state],
        )  # fmt: skip
    who = Contact(handover.asked_person, handover.asked_phone)
    yield _line(
        handover.asked_at, _("申请转入"), handover.asked_name, who, handover.reason, "neutral"
    )


def _line(
    at: Any, title: str, account: str | None, who: Contact, opinion: str | None, tone: str
) -> dict[str, Any]:
    named = who.person and who.person != account
    person = _("%(person)s（%(account)s）", person=who.person, account=account or "")
    return {
        "time": to_minute(at),
        "title": title,
        "who": person if named else account or "",
        "phone": formats.mask_phone(who.phone or None),
        "tone": tone,
        "opinion": opinion or "",
        "changes": [],
    }


# ---- the list ----------------------------------------------------------------------------------


def _list(actor: Actor) -> Listing:
    rows = handovers.latest(actor, _MOST)
    columns = _columns({r.id: r.full_name for r in _regions(rows)})
    return Listing(
        name="handovers",
        title=_("转入申请"),
        count_text=_("共 %(n)s 条", n=len(rows)),
        columns=columns,
        rows=[_row(columns, row) for row in rows],
        empty=Empty(
            _("没有转入申请"),
            _("录入时身份证号已在其他账号的名录中，可以从提示申请转入。"),
        ),
    )


def _columns(places: Mapping[int, str]) -> list[Column[Handover]]:
    def place(key: int) -> Cell:
        return Cell(places.get(key), "region")

    return [
        Column("name", _("姓名"), lambda one: one.name),
        Column("number", _("身份证号"), lambda one: Cell(one.number, "id")),
        Column("from", _("从"), lambda one: place(one.from_region_id)),
        Column("to", _("转入"), lambda one: place(one.to_region_id)),
        Column("who", _("申请人"), lambda one: one.asked_name),
        Column("at", _("申请时间"), lambda one: f"{local(one.asked_at):%Y-%m-%d}"),
        Column("state", _("状态"), lambda one: Cell(one.state.label, "tag", tone=TONES[one.state])),
    ]


def _row(columns: Sequence[Column[Handover]], one: Handover) -> Row:
    url = f"{BASE}/{one.id}"
    return Row(str(one.id), url, cells(columns, one), [Action(_("查看"), url)])
