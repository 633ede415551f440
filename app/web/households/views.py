"""The list of households and the page of each."""

from __future__ import annotations

import io
import uuid
from typing import Any

from flask import Response, current_app, request, send_file
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import permission_name

from app.access import policy
from app.access.actor import Actor, Capability
from app.core.clock import today
from app.core.db import db
from app.core.errors import NotFound
from app.core.i18n import _, lazy
from app.core.transactions import transaction
from app.kernel.beyond import reveal as personal
from app.kernel.declare.groups import Menu
from app.kernel.declare.register import Register, register_of
from app.kernel.exchange import printing
from app.kernel.households import lists as households
from app.kernel.households import words as household_words
from app.kernel.households.exchange import paper as household_paper
from app.kernel.households.story import Chronicle
from app.kernel.lists.ledger import Ledger
from app.kernel.lists.query import Query
from app.kernel.rows.household import Household, get_household
from app.web.exchange import export_form
from app.web.frame import shell
from app.web.frame.addresses import takes
from app.web.frame.listing import Action
from app.web.frame.rights import needs, of_menus, one_of, permissions
from app.web.households import pages as household_pages
from app.web.lists.views import ListRoutes
from app.web.register.shared import adopt, conditions

#: What a paper with whole numbers is for; the reason may also be typed.
_REASONS = (lazy("入户核实"), lazy("资料留存"), lazy("上级要求报送"))


class HouseholdListRoutes(ListRoutes):
    """The routes of the list of households, which is the only one of its register."""

    @expose("/list")
    @takes(conditions)
    @one_of(of_menus)
    def ledger(self, name: str = "list") -> Any:
        return super().ledger(name)

    def _actions(self, _menu: Menu, actor: Actor) -> list[Action]:
        return _list_actions(self.register, actor)


class HouseholdView(BaseView):
    """``/household/list``: the households of one's area; ``/household/<id>``: all that is known of
    one.
    """

    route_base = "/household"
    class_permission_name = "household"
    default_view = "ledger"

    def __init__(self) -> None:
        register = register_of(Household)
        if register is None:
            raise LookupError("the list of households is not declared")
        lists = HouseholdListRoutes(register)
        adopt(self, lists)
        needed = needs(HouseholdListRoutes, lists.of(register), register)
        self.method_permission_name = permissions(needed)["method_permission_name"]
        super().__init__()

    @expose("/<uuid:household_id>")
    @takes("on", "register")
    @permission_name(Capability.SEARCH)
    def show(self, household_id: uuid.UUID) -> Any:
        chronicle = self._chronicle(household_id)
        shell.crumb(_("农户主页"))
        shell.crumb(chronicle.household.head_name)
        context = household_pages.context(chronicle, request.args)
        return self.render_template("households/household.html", household=context)

    @expose("/<uuid:household_id>/paper")
    @permission_name(Capability.SEARCH)
    def paper(self, household_id: uuid.UUID) -> Response:
        """一户一档 as PDF, numbers masked."""
        chronicle = self._chronicle(household_id)
        return _pdf(household_paper.masked(chronicle, _home_url(household_id)), chronicle)

    @expose("/<uuid:household_id>/print", methods=["GET", "POST"])
    @permission_name(Capability.EXPORT)
    def print(self, household_id: uuid.UUID) -> Any:
        """The same with whole numbers, for a stated reason."""
        chronicle = self._chronicle(household_id)
        policy.require(Capability.EXPORT, "household", chronicle.household)

        def start(reason: str) -> Response:
            made = household_paper.with_numbers(chronicle, _home_url(household_id), reason)
            with transaction():
                household_paper.keep(chronicle.household, reason)
            return _pdf(made, chronicle)

        def told() -> dict[str, Any]:
            return {
                "title": _("打印一户一档"),
                "intro": _("农户住房安全一户一档（PDF），含完整号码。"),
                "count": "1",
                "area": chronicle.place,
                "filters": [{"label": _("户主"), "text": chronicle.household.head_name}],
                "back_url": f"/household/{household_id}",
            }

        shell.crumb(chronicle.household.head_name, f"/household/{household_id}")
        shell.crumb(_("打印一户一档"))
        return export_form.ask(self, _REASONS, start, told)

    def _chronicle(self, household_id: uuid.UUID) -> Chronicle:
        household, family = households.with_family(household_id)
        actor = policy.require(Capability.SEARCH)
        return Chronicle(db.session(), household, actor, family)

    @expose("/<uuid:household_id>/reveal", methods=["POST"])
    @takes("field")
    @permission_name(Capability.SEARCH)
    def reveal(self, household_id: uuid.UUID) -> Any:
        """The whole of a masked number, on a click that the audit log keeps."""
        household = get_household(household_id)
        policy.require(Capability.SEARCH)
        made = Household.__fields__.get(request.args.get("field", ""))
        if made is None or not made.masked:
            raise NotFound(_("没有这个项目。"))
        text = household_words.revealed(household, made.name)
        personal.note_look("household", household, made.name)
        return self.render_template("register/_revealed.html", text=text)


def _home_url(household_id: uuid.UUID) -> str:
    """The page's whole address, for the code on the paper."""
    base = current_app.config["PUBLIC_URL"] or request.host_url.rstrip("/")
    return f"{base}/household/{household_id}"


def _pdf(content: bytes, chronicle: Chronicle) -> Response:
    name = _(
        "一户一档_%(name)s_%(day)s", name=chronicle.household.head_name, day=f"{today():%Y%m%d}"
    )
    return send_file(
        io.BytesIO(content), mimetype=printing.MEDIA_TYPE, download_name=f"{name}.pdf", etag=False
    )


def _list_actions(register: Register, actor: Actor) -> list[Action]:
    """What to do about the list: give those a village that have none, issue more."""
    found = []
    lost = Query(figure="no_village")
    count = Ledger(register, lost, db.session, actor).count()
    if count.n:
        label = _("行政区划缺失 %(n)s 户", n=count)
        url = "/household/list?figure=no_village"
        found.append(Action(label, url, icon="alert-triangle"))
    if actor.has(Capability.IMPORT_LIST):
        found.append(Action(_("名单下发"), "/exchange/import/household", icon="upload"))
    return found
