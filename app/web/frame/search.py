"""``/search``: a household by name or number, over all registers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import redirect, request
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import permission_name
from sqlalchemy import select

from app.access import policy
from app.access.actor import SYSTEM, Actor, Capability
from app.access.divisions.regions import Level, Region, subtree
from app.core.db import db
from app.core.i18n import _
from app.core.types import nfc
from app.kernel.households import words as household_words
from app.kernel.kinds import formats
from app.kernel.lists.asked import keyed
from app.kernel.rows.household import Household, SearchKey
from app.web.frame import shell
from app.web.frame.addresses import takes
from app.web.frame.listing import Action, Cell, Column, Empty, Listing, Row, cells

_MOST_FOUND = 50


class SearchView(BaseView):
    """``/search?q=``: a household by a name's beginning or a full ID number, in one's own area."""

    route_base = "/search"
    class_permission_name = SYSTEM
    default_view = "results"

    @expose("/")
    @takes("q")
    @permission_name(Capability.SEARCH)
    def results(self) -> Any:
        actor = policy.require(Capability.SEARCH)
        query = nfc(request.args.get("q", ""))[:50]
        mend = (
            formats.mend_id_number if any(c.isdigit() for c in query) else formats.mend_name_start
        )
        wanted = mend(query)
        found = _search(wanted, actor) if wanted else []
        if len(found) == 1:
            return redirect(f"/household/{found[0].id}")
        shell.crumb(_("查找"))
        return self.render_template("lists/list.html", ledger=_results(query, found))


def _search(wanted: str, actor: Actor) -> Sequence[Household]:
    """At most 51 households, by one index range; a number must be whole."""
    low, high = subtree(actor.path)
    key = SearchKey.value
    where = [*keyed(wanted)]
    if actor.level >= Level.COUNTY:
        region = db.session.get(Region, actor.region_id)
        where.append(SearchKey.county_id == (region.county_id if region else None))
    ids = (
        select(SearchKey.household_id)
        .where(*where, SearchKey.path >= low, SearchKey.path < high)
        .order_by(key, SearchKey.household_id)
        .limit(_MOST_FOUND * 2)
    )
    keys = list(dict.fromkeys(db.session.scalars(ids)))[: _MOST_FOUND + 1]
    rows = {h.id: h for h in db.session.scalars(select(Household).where(Household.id.in_(keys)))}
    return [rows[k] for k in keys if k in rows]


def _results(query: str, found: Sequence[Household]) -> Listing:
    keys = {household.region_id for household in found}
    places = {
        r.id: r.full_name for r in db.session.scalars(select(Region).where(Region.id.in_(keys)))
    }
    more = len(found) > _MOST_FOUND
    text = _("结果较多，只列出前%(n)s户；请输入更完整的姓名或身份证号。", n=_MOST_FOUND)
    columns: list[Column[Household]] = [
        Column("head", _("户主"), _head),
        Column("id", _("身份证号"), lambda h: formats.mask_id(h.head_id or h.matching_id), "id"),
        Column("region", _("行政区划"), lambda h: places.get(h.region_id), "region"),
    ]
    return Listing(
        name="search",
        title=_("查找“%(query)s”", query=query) if query else _("查找农户"),
        count_text=f"{_MOST_FOUND}+" if more else str(len(found)),
        notices=[{"tone": "info", "text": text}] if more else [],
        columns=columns,
        rows=[_row(columns, household) for household in found[:_MOST_FOUND]],
        empty=Empty(
            _("没有找到农户"),
            _("请输入姓名的开头，或完整的18位身份证号；只查找您管辖范围内的农户。"),
        ),
    )


def _head(household: Household) -> Cell:
    return Cell(household.head_name, sub=household_words.former_head(household))


def _row(columns: Sequence[Column[Household]], household: Household) -> Row:
    url = f"/household/{household.id}"
    return Row(str(household.id), url, cells(columns, household), [Action(_("查看"), url)])
