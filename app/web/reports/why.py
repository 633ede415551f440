"""``/<register>/statistics/why/<figure>``: why a division has its place in a rate, see app.kernel.reports.why."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from flask import request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import permission_name

from app.access import policy
from app.access.actor import SYSTEM, Capability
from app.access.divisions.regions import Region
from app.core.clock import to_minute
from app.core.errors import NotFound
from app.core.i18n import _, translate
from app.kernel.declare.register import Register, get_register
from app.kernel.declare.tables import LOWEST, Rate, Table
from app.kernel.figures import statistics
from app.kernel.figures.state import being_counted, explained
from app.kernel.reports import why
from app.kernel.reports.shares import UNKNOWN, share
from app.kernel.reports.standing import Standing
from app.kernel.reports.why import Cause, Why
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
        "intro": _("%(name)s，%(above)s的%(n)s个下级地区之一", name=region.name, above=found.above.label, n=chosen.among)
        if chosen.place else region.full_name,
        "dim": _dim_text(found),
        "as_of": to_minute(found.at),
        "cards": [
            card(found.register, region, one, dim, here=one is chosen) for one in found.standings
        ],
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
        "beside": _beside(found) if not found.siblings else [],
        "table_url": address(found.register, table, (found.above if found.siblings else region).id, *dim),
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


def card(
    register: Register, region: Region, one: Standing, dim: tuple[int | None, str], *, here: bool = False
) -> dict[str, Any]:  # fmt: skip
    """A division's place in a rate for reports/_standings.html; it leads to why it is that one."""
    return {
        "label": translate(one.rate.head),
        "place": _("第%(n)s名", n=one.place) if one.place else UNKNOWN,
        "among": one.among,
        "share": share(one.done, one.whole, _PLACES) if one.told else being_counted(),
        "sub": _("%(done)s / %(whole)s 户，%(order)s", done=f"{one.done:,}", whole=f"{one.whole:,}", order=_order(one)),
        "beside": _("最好%(best)s，中位数%(middle)s", best=_percent(one.best), middle=_percent(one.middle))
        if one.best is not None and one.middle is not None else "",
        "here": here,
        "url": why_url(register, one.rate.of, region.id, *dim),
    }  # fmt: skip


def _order(one: Standing) -> str:
    return _("低者在前") if one.rate.rank == LOWEST else _("高者在前")


def _beside(found: Why) -> list[tuple[str, str]]:
    """What is told where the divisions beside it have no names: label and value."""
    one = found.chosen
    told = [
        (_("本地区名次"), _("第%(n)s名", n=one.place) if one.place else UNKNOWN),
        (_("参加排名的地区"), f"{one.among:,}"),
        (_("本地区"), share(one.done, one.whole, _PLACES)),
    ]
    if one.best is not None and one.middle is not None:
        told += [(_("最好"), _percent(one.best)), (_("中位数"), _percent(one.middle))]
    return told


def _said(found: Why) -> str:
    """The answer in a sentence."""
    chosen = found.chosen
    if not chosen.told:
        return explained()
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
    """Where the divisions stand on a line from the lowest rate to the highest; of those without a name the best
    and the one in the middle.
    """
    dots = [
        (one.share, f"{one.place} {one.region.name} {_percent(one.share)}", one.region.id == found.region.id)
        for one in found.siblings
    ] or list(_marks(found))  # fmt: skip
    most = max((exact for exact, _text, _own in dots), default=Fraction(0))
    if len(dots) < 2 or not most:
        return None
    return {
        "width": _WIDE,
        "most": _percent(most),
        "dots": [
            {"x": round(exact / most * _WIDE), "text": text, "own": own}
            for exact, text, own in dots
        ],
    }


def _marks(found: Why) -> Iterator[tuple[Fraction, str, bool]]:
    one = found.chosen
    for label, exact in ((_("最好"), one.best), (_("中位数"), one.middle)):
        if exact is not None and one.share is not None:
            yield exact, f"{label} {_percent(exact)}", False
    if one.share is not None:
        yield one.share, f"{found.region.name} {_percent(one.share)}", True
