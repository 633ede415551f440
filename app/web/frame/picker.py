"""What the division picker asks: a search, and one step down the tree, in the account's area; with
``whole=1`` in the whole nation, for fields that name a division elsewhere (names are no secret).

Both answer ``{"items": [{id, code, name, full_name, level, level_label, has_children}]}``, of a search
also ``far``: it is not to be taken unless somebody points at it; the divisions lately chosen are kept by
the browser.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from flask import jsonify, request
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import permission_name

from app.access import policy
from app.access.actor import SYSTEM, Actor, Capability
from app.access.divisions import regions
from app.access.divisions.regions import Level
from app.access.divisions.search import LIMIT, Entry, entries_below, entry, of_keys, search
from app.core.errors import BadInput, NotFound
from app.core.i18n import _
from app.web.frame.addresses import takes

_LONGEST_QUERY = 60
_MOST_RECENT = 10
_PROVINCE, _COUNTY = 2, 4  # labels of such a path
_PROVINCE_DIGITS = 2  # of a code


class RegionPickerView(BaseView):
    """``/regions/search`` and ``/regions/children``, for every account that may search."""

    route_base = "/regions"
    class_permission_name = SYSTEM

    @expose("/search")
    @takes("q", "level", "until", "whole")
    @permission_name(Capability.SEARCH)
    def search(self) -> Any:
        """``q``: name, code or initials; ``level``: only this one; ``until``: none below it."""
        actor = policy.require(Capability.SEARCH)
        query = request.args.get("q", "")
        if len(query) > _LONGEST_QUERY:
            raise BadInput(_("查询内容不能超过%(n)s个字。", n=_LONGEST_QUERY))
        level, until = _level("level"), _level("until") or Level.VILLAGE
        levels = [one for one in Level if one <= until and level in {None, one}]
        found = search(query, _area(actor), levels, LIMIT, _near(actor))
        far = _far(actor, query, found)
        return jsonify(items=[one | {"far": one["id"] in far} for one in _shown(found, until)])

    @expose("/children")
    @takes("id", "until", "whole", "recent")
    @permission_name(Capability.SEARCH)
    def children(self) -> Any:
        """The divisions below ``id``, by default the account's own; ``trail`` leads down to it. Of
        ``recent``, keys that the browser remembers, those that are still there, by today's names.

        An account of a village has none below its own: it is offered that one. Where the whole nation
        is asked for, the way begins in the account's county.
        """
        actor = policy.require(Capability.SEARCH)
        until, area = _level("until") or Level.VILLAGE, _area(actor)
        found = entry(_id("id", _start(actor, area)), area)
        if found is None:
            raise NotFound(_("没有找到该行政区划，或它不在您的管辖范围内。"))
        region, path = found
        below = entries_below(region.id) if region.level < until else []
        items = [one for one in below if one.level <= until]
        if not items and region.id == actor.region_id:
            items = [region]
        trail = [
            {"id": above.id, "name": above.name}
            for above in regions.along(path)
            if regions.within(above.path, area)
        ]
        recent = of_keys(_ids("recent"), area)
        return jsonify(items=_shown(items, until), trail=trail, recent=_shown(recent, until))


def _area(actor: Actor) -> str:
    """The path below which divisions are offered."""
    return regions.NATION_PATH if request.args.get("whole") == "1" else actor.path


def _near(actor: Actor) -> list[str]:
    """Where divisions are looked for first: about the account's county, and its province."""
    labels = actor.path.rstrip(".").split(".")
    ends = [end for end in (_COUNTY, _PROVINCE) if len(labels) >= end]
    return [".".join(labels[:end]) + "." for end in ends]


def _far(actor: Actor, query: str, found: Sequence[Entry]) -> set[int]:
    """Those in another province than the account. Accounts that have none: all, where they lie in
    several provinces and the query does not name one alone.
    """
    provinces = {one.code[:_PROVINCE_DIGITS] for one in found}
    if actor.level > Level.NATION:
        own = regions.get(actor.region_id) if _area(actor) != actor.path else None
        code = own.code[:_PROVINCE_DIGITS] if own is not None else ""
        return {one.id for one in found if not one.code.startswith(code)}
    named = [one.id for one in found if query.strip() in (one.name, one.full_name)]
    several = {one.id for one in found} if len(provinces) > 1 else set()
    return several - set(named if len(named) == 1 else ())


def _start(actor: Actor, area: str) -> int:
    """The division at which the way down begins."""
    own = regions.get(actor.region_id) if area != actor.path else None
    return own.county_id if own is not None and own.county_id else actor.region_id


def _shown(entries: Iterable[Entry], until: Level) -> list[dict[str, Any]]:
    return [
        one._asdict()
        | {
            "level": one.level.name.lower(),
            "level_label": one.level.label,
            "has_children": one.has_children and one.level < until,
        }
        for one in entries
    ]


def _level(name: str) -> Level | None:
    """The level that a parameter names, e.g. ``village``; None if it is not given."""
    given = request.args.get(name, "")
    if not given:
        return None
    try:
        return Level[given.upper()]
    except KeyError:
        raise BadInput(_("没有“%(level)s”这一行政级别。", level=given[:20])) from None


def _id(name: str, default: int) -> int:
    given = request.args.get(name, "")
    if not given:
        return default
    if not (given.isascii() and given.isdecimal() and len(given) < 10):
        raise BadInput(_("行政区划编号有误，请从列表中选择。"))
    return int(given)


def _ids(name: str) -> list[int]:
    """A few keys with commas between; what is none is passed over, for a browser kept them."""
    given = request.args.get(name, "").split(",")[:_MOST_RECENT]
    return [int(key) for key in given if key.isascii() and key.isdecimal() and len(key) < 10]
