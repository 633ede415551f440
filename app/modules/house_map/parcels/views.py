"""Choosing a parcel: what the map of a form asks for, 补录图斑 and 删除图斑."""

from __future__ import annotations

import uuid
from typing import Any

from flask import flash, jsonify, redirect, request
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import permission_name

from app.access import policy
from app.access.actor import Actor, Capability
from app.access.divisions import borders
from app.access.divisions.regions import Region
from app.core.db import db
from app.core.errors import BadInput, Conflict
from app.core.i18n import _, translate
from app.kernel.declare.register import Register
from app.kernel.kinds import formats
from app.kernel.records import save as records
from app.kernel.rows.household import get_household
from app.modules.house_map.parcels import late as acts
from app.modules.house_map.parcels import maps, outlines
from app.modules.house_map.parcels import table as parcels
from app.modules.house_map.parcels.table import Near
from app.web.frame import shell
from app.web.frame.addresses import takes
from app.web.frame.clicks import once
from app.web.register import show as record_pages
from app.web.register.parsing import version
from app.web.register.shared import Routes

#: Methods of this part that are routes.
ROUTES = frozenset({"parcel_map", "late_parcel", "drop_parcel"})
_LONGEST = 40


class ParcelRoutes(Routes):
    """The routes of a register of houses that concern parcels."""

    @expose("/<uuid:record_id>/parcels")
    @takes("box", "q")
    @permission_name(Capability.ENTER)
    def parcel_map(self, record_id: uuid.UUID) -> Any:
        """JSON for the map: parcels of ``box``, or whose number begins with ``q``, or where to open."""
        row, _actor = self._house(record_id)
        if "box" in request.args:
            near = parcels.within(db.session, maps.box_argument(request.args["box"]))
        elif "q" in request.args:
            near = Near(_numbered(request.args["q"]))
        else:
            return jsonify(_opening(row))
        used = parcels.users(db.session, [p.number for p in near.parcels])
        others = {n: [u for u in us if u.record_id != row.id] for n, us in used.items()}
        return jsonify(maps.near_json(near, others))

    @expose("/<uuid:record_id>/parcel", methods=["GET", "POST"])
    @permission_name(Capability.ENTER)
    def late_parcel(self, record_id: uuid.UUID) -> Any:
        """补录图斑: choose the parcel of a survey that had none, without a new review."""
        row, actor = self._house(record_id)
        back = shell.list_url(self._parcel_menu())
        problem = ""
        if request.method == "POST":
            number = request.form.get("number", "").strip()[:_LONGEST]
            try:
                with once() as click:
                    seen = version(request.form.get("version"))
                    row = acts.add(self.register, row.id, number, seen)
                    said = {"name": row.head_name, "number": number}
                    click.leads_to(back, _("%(name)s的图斑已补录：%(number)s。", **said))
                return click.answer()
            except BadInput as error:
                problem = error.message
            except Conflict as error:
                flash(error.message, "warning")
                return redirect(f"/{self.register.name}/{record_id}/parcel")
            row = records.get(self.register, record_id)
        if not acts.may_add(self.register, row, actor):
            flash(_("该户不在补录图斑之列，请刷新后再看。"), "warning")
            return redirect(f"/{self.register.name}/{row.id}")
        context = {
            "title": row.head_name,
            "state": record_pages.state_tag(self.register, row.state),
            "facts": record_pages.household_facts(get_household(row.household_id), whole=False),
            "version": row.version,
            "action_url": f"/{self.register.name}/{row.id}/parcel",
            "back_url": back,
            "error": problem,
            "parcels": chooser(self.register, row),
            "typed": _typed(row),
        }
        shell.at(self._parcel_menu())
        shell.crumb(row.head_name)
        return self.render_template("house_map/parcel.html", page=context), 422 if problem else 200

    @expose("/<uuid:record_id>/parcel/drop", methods=["POST"])
    @takes("version")
    @permission_name(Capability.ENTER)
    def drop_parcel(self, record_id: uuid.UUID) -> Any:
        """删除图斑: clear a wrong one; what was typed about the house stays."""
        self._house(record_id)
        back = shell.where_from(f"/{self.register.name}/{record_id}")
        try:
            with once() as click:
                row = acts.drop(self.register, record_id, version(request.args.get("version")))
                text = _("%(name)s的图斑已删除，可在“补录图斑”中重新选择。", name=row.head_name)
                click.leads_to(back, text)
        except Conflict as error:
            flash(error.message, "warning")
            return redirect(back)
        return click.answer()

    def _house(self, record_id: uuid.UUID) -> tuple[Any, Actor]:
        row = records.get(self.register, record_id)
        return row, policy.require(Capability.ENTER, self.register.name, row)

    def _parcel_menu(self) -> str:
        found = (m.name for m in self.register.menus if m.page == "parcel")
        return f"/{self.register.name}/{next(found, '')}"


def chooser(register: Register, row: Any) -> dict[str, Any] | None:
    """What a page with the map needs; None where there are no parcels to choose from."""
    if not acts.stocked(row):
        return None
    return {"url": f"/{register.name}/{row.id}/parcels", "tiles": maps.tiles()}


def notices(row: Any) -> list[tuple[str, str]]:
    """That other surveys name the same parcel: several households may share a house, or one of
    them is wrong.
    """
    users = parcels.others(db.session, row)
    if not users:
        return []
    names = _("、").join(maps.user_text(user) for user in users[:5])
    text = _(
        "图斑%(number)s还被%(names)s选用。如不是同住一栋房屋，请核对。",
        number=row.parcel_number,
        names=names,
    )
    return [("warn", text)]


def drop_action(register: Register, row: Any, actor: Actor) -> list[dict[str, Any]]:
    """The button 删除图斑 of a record's page."""
    if not acts.may_drop(register, row, actor):
        return []
    question = _(
        "将删除%(name)s的图斑%(number)s。房屋信息保留，状态不变；该户列入“补录图斑”。",
        name=row.head_name, number=row.parcel_number,
    )  # fmt: skip
    url = f"/{register.name}/{row.id}/parcel/drop?version={row.version}"
    return [
        {
            "label": _("删除图斑"),
            "url": url,
            "post": True,
            "confirm": question,
            "icon": "map-off",
        }
    ]


def _numbered(text: str) -> list[parcels.Parcel]:
    start = formats.half_width(text).strip()[:_LONGEST]
    return parcels.numbered(db.session, start) if start else []


def _opening(row: Any) -> dict[str, Any]:
    """Where the map opens: at the village's parcels, else the town's, else the county's border."""
    place = db.session.get_one(Region, row.region_id)
    county = db.session.get_one(Region, row.county_id)
    box = parcels.extent(db.session, place.path)
    border = borders.of_county(county.code)
    if box is None:
        box = parcels.extent(db.session, county.path)
    if box is None and border:
        box = outlines.box_of(border)
    chosen = parcels.get(db.session, row.parcel_number) if row.parcel_number else None
    return {
        "box": maps.box_json(box),
        "border": border,
        "place": place.name,
        "chosen": maps.parcel_json(chosen, {}) if chosen else None,
    }


def _typed(row: Any) -> list[dict[str, str]]:
    """What was typed about the house, to compare a parcel with."""
    found = []
    for name in parcels.FACTS:
        made = type(row).__fields__[name]
        if text := made.text(getattr(row, name), row.said_at):
            found.append({"label": translate(made.label), "text": text + translate(made.unit)})
    return found
