"""The list of households and the page of each."""

from __future__ import annotations

import uuid
from typing import Any

from flask import request
from flask_appbuilder import BaseView, expose

from app.access import policy
from app.access.actor import Actor, Capability
from app.actions import households, personal
from app.actions.chronicle import Chronicle
from app.core.db import db
from app.core.errors import NotFound
from app.core.i18n import _
from app.registry import household_words
from app.registry.households import Household
from app.registry.ledger import Ledger
from app.registry.ledger_query import Query
from app.registry.register import Menu, Register, register_of
from app.web import household_pages, shell
from app.web.list_views import ListPages


class HouseholdView(ListPages, BaseView):
    """``/household/list``: the households of one's area; ``/household/<id>``: all that is known of
    one.
    """

    route_base = "/household"
    default_view = "ledger"

    def __init__(self) -> None:
        register = register_of(Household)
        if register is None:
            raise LookupError("the list of households is not declared")
        self.register = register
        super().__init__()

    @expose("/list")
    def ledger(self, name: str = "list") -> Any:
        return super().ledger(name)

    def _actions(self, menu: Menu, actor: Actor) -> list[dict[str, Any]]:
        return _list_actions(self.register, actor)

    @expose("/<uuid:household_id>")
    def show(self, household_id: uuid.UUID) -> Any:
        chronicle = self._chronicle(household_id)
        shell.crumb(_("农户主页"))
        shell.crumb(chronicle.household.head_name)
        context = household_pages.context(chronicle, request.args)
        return self.render_template("anju/household.html", household=context)

    def _chronicle(self, household_id: uuid.UUID) -> Chronicle:
        household = households.get(household_id)
        actor = policy.require(Capability.SEARCH)
        return Chronicle(db.session(), household, actor)

    @expose("/<uuid:household_id>/reveal", methods=["POST"])
    def reveal(self, household_id: uuid.UUID) -> Any:
        """The whole of a masked number, on a click that the audit log keeps."""
        household = households.get(household_id)
        policy.require(Capability.SEARCH)
        made = Household.__fields__.get(request.args.get("field", ""))
        if made is None or not made.masked:
            raise NotFound(_("没有这个项目。"))
        text = household_words.revealed(household, made.name)
        personal.note_look("household", household, made.name)
        return self.render_template("anju/_revealed.html", text=text)


def _list_actions(register: Register, actor: Actor) -> list[dict[str, Any]]:
    """What to do about the list: give those a village that have none, issue more."""
    found = []
    lost = Query(figure="no_village")
    count = Ledger(register, lost, db.session, actor).count()
    if count.n:
        label = _("行政区划缺失 %(n)s 户", n=count)
        url = "/household/list?figure=no_village"
        found.append({"label": label, "url": url, "icon": "alert-triangle"})
    if actor.has(Capability.IMPORT_LIST):
        url = "/exchange/import/household"
        found.append({"label": _("名单下发"), "url": url, "icon": "upload"})
    return found
