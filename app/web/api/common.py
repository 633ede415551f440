"""The addresses beside those of registers: who I am, choices, divisions, records of a household."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from flask_appbuilder.api import BaseApi, expose
from flask_appbuilder.security.decorators import permission_name

from app.access import policy
from app.access.actor import SYSTEM, Actor, Capability
from app.access.divisions import regions
from app.access.divisions import search as region_search
from app.access.divisions.regions import Level, Region, within
from app.access.divisions.search import Entry
from app.access.scope import current_actor
from app.core.db import db
from app.core.errors import BadInput, Forbidden, NotFound
from app.core.i18n import _
from app.kernel.declare import choice_lists
from app.kernel.declare.offered import offered
from app.kernel.declare.register import all_registers
from app.kernel.households import lists as households
from app.kernel.rows.household import get_household
from app.kernel.settings import choices
from app.web.api import openapi, shapes
from app.web.frame.addresses import takes
from app.web.frame.problems import PREFIX

_LONGEST_QUERY = 60
_MOST_KEY = 10**9


class SystemApi(BaseApi):
    """``/api/v1/…``: the document of the API, the caller, choices."""

    route_base = PREFIX
    class_permission_name = SYSTEM

    @expose("/openapi.json")
    def document(self) -> Response:
        """The API's own document; the same until lists of choices or the day change."""
        _actor()
        text, tag = openapi.document()
        if tag in request.if_none_match:
            response = Response(status=304)
        else:
            response = Response(text, mimetype="application/json")
        response.set_etag(tag)
        response.headers["Cache-Control"] = "private, no-cache"
        return response

    @expose("/me")
    def me(self) -> Response:
        """Who is calling, where, and what it may do."""
        actor = _actor()
        region = db.session.get_one(Region, actor.region_id)
        body = {
            "account": actor.login,
            "name": actor.name,
            "token": actor.token or None,
            "region": _place(region),
            "capabilities": sorted(
                ({"capability": c, "register": r} for c, r in actor.capabilities),
                key=lambda one: (one["register"], one["capability"]),
            ),
        }
        return shapes.answer(body)

    @expose("/choices")
    @permission_name(Capability.SEARCH)
    def choices(self) -> Response:
        """All lists of choices."""
        policy.require(Capability.SEARCH)
        found = [
            {"name": one.name, "title": one.title, "fixed": one.fixed, "fields": list(one.fields)}
            for one in choices.all_lists()
        ]
        return shapes.answer({"items": found})

    @expose("/choices/<string:name>")
    @permission_name(Capability.SEARCH)
    def choice(self, name: str) -> Response:
        """One list: every code that ever was, with its texts and the days when it is offered."""
        policy.require(Capability.SEARCH)
        source = choices.named(name).source
        found = [
            {
                "code": one.code,
                "text": one.wording().shown(),
                "offered": choice_lists.is_offered(source, one.code),
                "valid_from": one.valid_from and one.valid_from.isoformat(),
                "valid_to": one.valid_to and one.valid_to.isoformat(),
                "former_texts": [w.shown() for w in one.wordings if w is not one.wording()],
            }
            for one in choice_lists.known(source).values()
        ]
        return shapes.answer({"items": found})


class DivisionsApi(BaseApi):
    """``/api/v1/divisions``: those of the caller's area."""

    route_base = f"{PREFIX}/divisions"
    class_permission_name = SYSTEM

    @expose("")
    @takes("q", "code", "level")
    @permission_name(Capability.SEARCH)
    def search(self) -> Response:
        """By a name, a code or pinyin initials (``q``), or one exactly by its code."""
        args = request.args
        actor = policy.require(Capability.SEARCH)
        level, query = _level(args.get("level")), args.get("q", "")
        if len(query) > _LONGEST_QUERY:
            text = _("查询内容不能超过%(n)s个字。", n=_LONGEST_QUERY)
            raise BadInput(text, parameter="q")
        if "code" in args:
            region = regions.by_code(_code(args["code"]), level)
            inside = region is not None and _inside(region, actor)
            return shapes.answer({"items": [_place(region)] if region and inside else []})
        levels = tuple(Level) if level is None else (level,)
        found = region_search.search(query, actor.path, levels)
        return shapes.answer({"items": [_entry(one) for one in found]})

    @expose("/<int:region_id>")
    @permission_name(Capability.SEARCH)
    def division(self, region_id: int) -> Response:
        """One division."""
        return shapes.answer(_place(_found(region_id)[0]))

    @expose("/<int:region_id>/children")
    @permission_name(Capability.SEARCH)
    def children(self, region_id: int) -> Response:
        """The divisions directly below one."""
        found = regions.children(_found(region_id)[0])
        return shapes.answer({"items": [_place(region) for region in found]})


class HouseholdRecordsApi(BaseApi):
    """``/api/v1/household/<id>/records``: what registers hold about a household."""

    route_base = f"{PREFIX}/household"
    class_permission_name = "household"

    @expose("/<uuid:household_id>/records")
    @permission_name(Capability.SEARCH)
    def records(self, household_id: Any) -> Response:
        actor = policy.require(Capability.SEARCH, "household")
        household = get_household(household_id)
        shown = offered()
        found = [
            {
                "register": register.name,
                "id": str(row.id),
                "state": row.state.value,
                "version": row.version,
                "url": shapes.url_of(register, row.id),
            }
            for register, row in households.records_of(db.session, household, all_registers())
            if register in shown
            and not getattr(row, "blank", False)
            and policy.may(Capability.SEARCH, register.name, row, actor=actor)
        ]
        return shapes.answer({"items": found})


def _actor() -> Actor:
    actor = current_actor()
    if actor is None:
        raise Forbidden(_("请先登录。"))
    return actor


def _found(region_id: int) -> tuple[Region, Actor]:
    """:raises NotFound: no such division in the caller's area."""
    actor = policy.require(Capability.SEARCH)
    region = regions.get(region_id) if region_id < _MOST_KEY else None
    if region is None or not _inside(region, actor):
        raise NotFound(_("没有找到该行政区划，或它不在您的管辖范围内。"))
    return region, actor


def _inside(region: Region, actor: Actor) -> bool:
    return not region.structural and within(region.path, actor.path)


def _level(text: str | None) -> Level | None:
    known = {one.name.lower(): one for one in Level}
    if text is not None and text not in known:
        message = _("没有“%(level)s”这一行政级别。", level=text[:20])
        raise BadInput(message, parameter="level")
    return known[text] if text is not None else None


def _code(text: str) -> str:
    if not (text.isascii() and text.isdigit() and len(text) <= regions.CODE_LENGTH):
        raise BadInput(_("行政区划代码应为不超过12位的数字。"), parameter="code")
    return text


def _place(region: Region) -> dict[str, Any]:
    place = shapes.place(region.id, region.code, region.full_name, region.level)
    return place | {"name": region.name}


def _entry(one: Entry) -> dict[str, Any]:
    place = shapes.place(one.id, one.code, one.full_name, one.level)
    return place | {"name": one.name}
