"""``/<register>/statistics/why/<figure>``: why a division has its place in a rate, see app.kernel.reports.why."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from flask import request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import permission_name

from app.access import policy
from app.access.actor import SYSTEM, Capability
from app.core.clock import local
from app.core.errors import NotFound
from app.core.i18n import _, translate
from app.kernel.declare.register import Register, get_register
from app.kernel.declare.tables import LOWEST, Rate, Table
from app.kernel.figures import statistics
from app.kernel.reports import why
from app.kernel.reports.shares import UNKNOWN, share
from app.kernel.reports.why import Cause, Standing, Why
from app.web.frame import shell
from app.web.frame.addresses import takes
from app.web.reports.links import address, ledger_url

_PLACES = 2  # of a rate
_WIDE = 1000  # of the line on which divisions stand


class WhyView(BaseView):
    """What keeps a division back, as a page."""

    route_base = ""
    class_permission_name = SYSTEM
    default_view = "show"

    @expose("/<string:register>/statistics/why/<string:figure>")
    @takes("region", "year", "kind")
    @permission_name(Capability.SEARCH)
    def show(self, register: str, figure: str) -> Any:
        made = get_register(register)
        if made is None or figure not in why.explained(made):
            raise NotFound(_("没有这项排名。"))
        actor = policy.require(Capability.SEARCH, made.name)
        region = statistics.region_asked_for(actor, request.args.get("region"))
        year = statistics.year_asked_for(made, request.args.get("year"))
        kind = statistics.kind_asked_for(made, year, request.args.get("kind"))
        found = why.read(made, region, figure, year, kind)
        table = _table_of(made, found.chosen.rate)
        shell.at(url_for("StatisticsView.table", register=made.name, name=table.name))
        shell.crumb(region.name)
        return self.render_template("reports/why.html", page=page(found, table.name))


def _table_of(register: Register, rate: Rate) -> Table:
    """The table in which the rate stands; the desk's own repeats some."""
    held = [one for one in register.tables if rate in one.leaves()]
    return min(held, key=lambda one: one.on_desk)


def page(found: Why, table: str) -> dict[str, Any]:
    """The context of reports/why.html; ``table`` is the one in which the rate stands."""
    chosen, region = found.chosen, found.region
    dim = found.year, found.kind
    return {
        "title": _("为什么是第%(n)s名", n=chosen.place) if chosen.place else _("没有名次"),
        "intro": _("%(name)s，%(above)s的%(n)s个下级地区之一", name=region.name, above=found.above.name, n=chosen.among)
        if chosen.place else region.full_name,
        "dim": _dim_text(found),
        "as_of": f"{local(found.at):%Y-%m-%d %H:%M}",
        "cards": [_card(found, one) for one in found.standings],
        "said": _said(found),
        "steps": [
            _("再做%(n)s户到第%(place)s名", n=f"{one.households:,}", place=one.place)
            for one in found.better
        ],
        "by_rule": chosen.rate.rank == LOWEST,
        "head": translate(chosen.rate.head),
        "causes": [_cause(found, one) for one in found.causes],
        "line": _line(found),
        "siblings": [
            {
                "place": one.place,
                "name": one.region.name,
                "share": _percent(one.share),
                "own": one.region.id == region.id,
                "url": why_url(found.register, chosen.rate.of, one.region.id, *dim),
            }
            for one in found.siblings
        ],
        "table_url": address(found.register, table, found.above.id, *dim),
        "below_url": address(found.register, table, region.id, *dim),
        "several": found.several,
    }  # fmt: skip


def why_url(register: Register, figure: str, region_id: int, year: int | None, kind: str) -> str:
    """The page of a division and a rate."""
    return address(register, f"why/{figure}", region_id, year, kind)


def _dim_text(found: Why) -> str:
    year = _("%(year)s年", year=found.year) if found.year else _("全部年度")
    kind = found.register.kind_label(found.kind) if found.kind else ""
    return _("%(year)s，%(kind)s", year=year, kind=kind) if kind else year


def _percent(exact: Fraction) -> str:
    return share(exact.numerator, exact.denominator, _PLACES)


def _card(found: Why, one: Standing) -> dict[str, Any]:
    order = _("低者在前") if one.rate.rank == LOWEST else _("高者在前")
    return {
        "label": translate(one.rate.head),
        "place": _("第%(n)s名", n=one.place) if one.place else UNKNOWN,
        "among": one.among,
        "share": share(one.done, one.whole, _PLACES),
        "sub": _("%(done)s / %(whole)s 户，%(order)s", done=f"{one.done:,}", whole=f"{one.whole:,}", order=order),
        "here": one is found.chosen,
        "url": why_url(found.register, one.rate.of, found.region.id, found.year, found.kind),
    }  # fmt: skip


def _said(found: Why) -> str:
    """The answer in a sentence."""
    chosen = found.chosen
    if chosen.place is None:
        return _("没有下达任务量，不参加排名。")
    text = _(
        "%(rate)s %(share)s，第%(place)s名。",
        rate=translate(chosen.rate.head),
        share=share(chosen.done, chosen.whole, _PLACES),
        place=chosen.place,
    )
    if chosen.place == 1:
        return text + _("已是第一名。")
    if found.large:
        return text + _("户数太多，这里只列各条规则的户数；补齐后的名次请看下级地区。")
    first, place = _first_gain(found, chosen.place)
    if first is None:
        return text + _("没有哪一项能单独让名次上升。")
    return text + _(
        "影响最大的是“%(what)s”：补齐后第%(place)s名，上升%(n)s位。",
        what=first.label, place=place, n=chosen.place - place,
    )  # fmt: skip


def _first_gain(found: Why, place: int) -> tuple[Cause | None, int]:
    """What would bring a better place than this one, and which."""
    for one in found.causes:
        if one.place is not None and one.place < place:
            return one, one.place
    return None, place


def _cause(found: Why, one: Cause) -> dict[str, Any]:
    chosen = found.chosen
    gain = chosen.place - one.place if chosen.place and one.place else 0
    ledger = ledger_url(found.register)
    url = f"{ledger}?figure={one.figure}&region={found.region.id}" if ledger and one.figure else ""
    return {
        "label": one.label,
        "remedy": translate(one.remedy) if one.remedy else "",
        "n": f"{one.n:,}",
        "only": UNKNOWN if one.only is None else f"{one.only:,}",
        "of_whole": share(one.n, chosen.whole, _PLACES),
        "after": UNKNOWN if one.done is None else share(one.done, chosen.whole, _PLACES),
        "place": _("第%(n)s名", n=one.place) if one.place else UNKNOWN,
        "gain": _("上升%(n)s位", n=gain) if gain else "",
        "url": url,
        "see": _("看%(n)s户", n=f"{one.n:,}"),
    }


def _line(found: Why) -> dict[str, Any] | None:
    """Where the divisions stand on a line from the lowest rate to the highest."""
    if len(found.siblings) < 2:
        return None
    most = max(one.share for one in found.siblings)
    if not most:
        return None
    return {
        "width": _WIDE,
        "most": _percent(most),
        "dots": [
            {
                "x": round(one.share / most * _WIDE),
                "text": f"{one.place} {one.region.name} {_percent(one.share)}",
                "own": one.region.id == found.region.id,
            }
            for one in found.siblings
        ],
    }
