"""``/<register>/statistics/why/<figure>``: why a division has its place in a rate, see app.kernel.reports.why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from flask import Response, request, send_file, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import permission_name

from app.access import policy
from app.access.actor import SYSTEM, Actor, Capability
from app.access.audit import log as audit
from app.access.audit.log import Act
from app.access.divisions.regions import Region
from app.core.clock import local, to_minute
from app.core.errors import Invalid, NotFound
from app.core.i18n import _, translate
from app.kernel.declare.register import Register, get_register
from app.kernel.declare.tables import LOWEST, Rate, Table
from app.kernel.exchange.writer import MEDIA_TYPE
from app.kernel.figures import statistics
from app.kernel.figures.state import being_counted, explained
from app.kernel.reports import urging, why
from app.kernel.reports.shares import UNKNOWN, share
from app.kernel.reports.standing import Standing
from app.kernel.reports.why import Asked, Cause, Trial, Why
from app.web.frame import shell
from app.web.frame.addresses import takes
from app.web.frame.clicks import once
from app.web.reports import choosing, why_book, why_line
from app.web.reports.links import address, ledger_url, of_dim
from app.web.reports.why_line import percent

_PLACES = 2  # of a rate
_BAR = 112  # of the bar of households beside their number


class WhyView(BaseView):
    """What keeps a division back: as a page, as a workbook, as a notice to it."""

    route_base = ""
    class_permission_name = SYSTEM
    default_view = "show"

    @expose("/<string:register>/statistics/why/<string:figure>")
    @takes("region", "year", "kind", "without")
    @permission_name(Capability.SEARCH)
    def show(self, register: str, figure: str) -> Any:
        """``without``: the codes of causes that are tried, see :attr:`Why.trial`."""
        actor, asked = _asked(register, figure, Capability.SEARCH)
        return self._page(actor, asked, Urged())

    @expose("/<string:register>/statistics/why/<string:figure>/excel")
    @takes("region", "year", "kind", "without")
    @permission_name(Capability.EXPORT_STATISTICS)
    def excel(self, register: str, figure: str) -> Response:
        """The same as a workbook; logged (spec 01)."""
        _actor, asked = _asked(register, figure, Capability.EXPORT_STATISTICS)
        found = why.read(asked)
        region, rate = asked.region, translate(found.chosen.rate.head)
        detail: dict[str, Any] = {
            "rate": rate,
            "region": region.full_name,
            "rows": len(found.causes),
        }
        detail |= {"year": asked.year} if asked.year else {}
        detail |= {"of_kind": asked.kind} if asked.kind else {}
        audit.note(Act.EXPORT, register=asked.register.name, path=region.path, detail=detail)
        name = f"{rate}_{dim_text(found)}_{region.name}_{local(found.at):%Y%m%d}"
        return send_file(
            why_book.of(found, dim_text(found)),
            mimetype=MEDIA_TYPE,
            as_attachment=True,
            download_name=f"{name}.xlsx",
        )

    @expose("/<string:register>/statistics/why/<string:figure>/notify", methods=["POST"])
    @takes("region", "year", "kind")
    @permission_name(Capability.QUOTAS)
    def notify(self, register: str, figure: str) -> Any:
        """Tell the division of the causes that are ticked."""
        actor, asked = _asked(register, figure, Capability.QUOTAS, request.form.getlist("without"))
        message = request.form.get("message", "")
        try:
            with once() as click:
                urging.urge(asked, message, partial(_households_url, asked), actor)
                text = _("已通知%(name)s。", name=asked.region.full_name)
                click.leads_to(own_url(asked), text)
        except Invalid as error:
            return self._page(actor, asked, Urged(message, error)), error.status
        return click.answer()

    def _page(self, actor: Actor, asked: Asked, urged: Urged) -> Any:
        found = why.read(asked)
        made, table = asked.register, _table_of(asked.register, found.chosen.rate)
        shell.at(url_for("StatisticsView.table", register=made.name, name=table.name))
        shell.crumb(asked.region.name)
        excel = (
            own_url(asked, "/excel") if actor.has(Capability.EXPORT_STATISTICS, made.name) else ""
        )
        told = page(found, table.name) | {"excel_url": excel, "notify": None}
        if urging.may_urge(made, asked.region, actor) and told["tries"]:
            told["notify"] = {
                "url": url_for("WhyView.notify", **_path(asked)),
                "title": _("通知%(name)s", name=asked.region.name),
                "message": urged.message,
                "longest": urging.LONGEST,
                "errors": urged.errors,
            }
        return self.render_template("reports/why.html", page=told)


@dataclass(frozen=True)
class Urged:
    """What somebody wrote to the division, and what was wrong with it."""

    message: str = ""
    error: Invalid | None = None

    @property
    def errors(self) -> dict[str, str]:
        """By field of the form."""
        return {one.field: one.message for one in self.error.problems} if self.error else {}


def _asked(
    register: str, figure: str, capability: Capability, without: Iterable[str] | None = None
) -> tuple[Actor, Asked]:
    """Who asks, with the right to, and for what."""
    made = get_register(register)
    if made is None or figure not in why.explained(made):
        raise NotFound(_("没有这项排名。"))
    actor = policy.require(capability, made.name)
    region = statistics.region_asked_for(actor, request.args.get("region"))
    year = statistics.year_asked_for(made, request.args.get("year"))
    kind = statistics.kind_asked_for(made, year, request.args.get("kind"))
    tried = request.args.getlist("without") if without is None else without
    return actor, Asked(made, region, figure, year, kind, frozenset(tried))


def _path(asked: Asked) -> dict[str, Any]:
    """The parts of its addresses."""
    dim = of_dim(asked.register, asked.year, asked.kind)
    return {"register": asked.register.name, "figure": asked.of, "region": asked.region.id, **dim}


def own_url(asked: Asked, tail: str = "") -> str:
    """The page with the causes that are tried; ``tail``: another form of it."""
    endpoint = "WhyView.excel" if tail else "WhyView.show"
    return url_for(endpoint, **_path(asked), without=sorted(asked.without))


def _households_url(asked: Asked, trial: Trial) -> str:
    """The households of the one cause that is tried, else the page that has them all."""
    only = trial.causes[0] if len(trial.causes) == 1 else None
    url = _ledger_of(asked, only.figure) if only else ""
    return url or why_url(asked.register, asked.of, asked.region.id, asked.year, asked.kind)


def _ledger_of(asked: Asked, figure: str) -> str:
    """The list of the households that a figure counts; empty: there is none."""
    ledger = ledger_url(asked.register)
    return f"{ledger}?figure={figure}&region={asked.region.id}" if ledger and figure else ""


def _table_of(register: Register, rate: Rate) -> Table:
    """The table in which the rate stands; the desk's own repeats some."""
    held = [one for one in register.tables if rate in one.leaves()]
    return min(held, key=lambda one: one.on_desk)


def page(found: Why, table: str) -> dict[str, Any]:
    """The context of reports/why.html; ``table`` is the one in which the rate stands."""
    chosen, asked = found.chosen, found.asked
    register, region, dim = asked.register, asked.region, (asked.year, asked.kind)
    return {
        "title": _("为什么是第%(n)s名", n=chosen.place) if chosen.place else _("没有名次"),
        "intro": _("%(name)s，%(above)s的%(n)s个下级地区之一", name=region.name, above=found.above.label, n=chosen.among)
        if chosen.place else region.full_name,
        "dim": dim_text(found),
        "as_of": to_minute(found.at),
        "cards": [
            card(register, region, one, dim, here=one is chosen) | ({"beside": ""} if found.siblings else {})
            for one in found.standings
        ],
        "said": _said(found),
        "steps": [
            _("再做%(n)s户到第%(place)s名", n=f"{one.households:,}", place=one.place)
            for one in found.better
        ],
        "by_rule": chosen.rate.rank == LOWEST,
        "head": translate(chosen.rate.head),
        "causes": [_cause(found, one) for one in found.causes],
        "tries": bool(found.causes) and not found.large,
        "asked": {"region": region.id} | of_dim(register, *dim),
        "show_url": f"/{register.name}/statistics/why/{asked.of}",
        "choosing": choosing.form(
            register, *dim, lambda year, kind: why_url(register, asked.of, region.id, year, kind), {"region": region.id}
        ),
        "trial": _trial(found),
        "line": why_line.of(found),
        "siblings": [
            {
                "place": one.place,
                "name": one.region.name,
                "share": percent(one.share),
                "own": one.region.id == region.id,
                "url": why_url(register, asked.of, one.region.id, *dim),
            }
            for one in found.siblings
        ],
        "beside": beside(found) if not found.siblings else [],
        "table_url": address(register, table, (found.above if found.siblings else region).id, *dim),
        "below_url": address(register, table, region.id, *dim),
        "several": found.several,
    }  # fmt: skip


def why_url(register: Register, figure: str, region_id: int, year: int | None, kind: str) -> str:
    """The page of a division and a rate."""
    return address(register, f"why/{figure}", region_id, year, kind)


def dim_text(found: Why) -> str:
    """The year and kind of which it is told."""
    asked = found.asked
    year = _("%(year)s年", year=asked.year) if asked.year else _("全部年度")
    kind = asked.register.kind_label(asked.kind) if asked.kind else ""
    return _("%(year)s，%(kind)s", year=year, kind=kind) if kind else year


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
        "beside": _("最好%(best)s，中位数%(middle)s", best=percent(one.best), middle=percent(one.middle))
        if one.best is not None and one.middle is not None else "",
        "here": here,
        "url": why_url(register, one.rate.of, region.id, *dim),
    }  # fmt: skip


def _order(one: Standing) -> str:
    return _("低者在前") if one.rate.rank == LOWEST else _("高者在前")


def beside(found: Why) -> list[tuple[str, str]]:
    """What is told where the divisions beside it have no names: label and value."""
    one = found.chosen
    told = [
        (_("本地区名次"), _("第%(n)s名", n=one.place) if one.place else UNKNOWN),
        (_("参加排名的地区"), f"{one.among:,}"),
        (_("本地区"), share(one.done, one.whole, _PLACES)),
    ]
    if one.best is not None and one.middle is not None:
        told += [(_("最好"), percent(one.best)), (_("中位数"), percent(one.middle))]
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
    return {
        "code": one.code,
        "tried": one.code in found.asked.without,
        "label": one.label,
        "remedy": translate(one.remedy) if one.remedy else "",
        "n": f"{one.n:,}",
        "only": UNKNOWN if one.only is None else f"{one.only:,}",
        "bar": _bar(found, one),
        "of_whole": share(one.n, chosen.whole, _PLACES),
        "after": UNKNOWN if one.done is None else share(one.done, chosen.whole, _PLACES),
        "place": _("第%(n)s名", n=one.place) if one.place else UNKNOWN,
        "gain": _gain(chosen, one.place),
        "url": _ledger_of(found.asked, one.figure),
        "see": _("看%(n)s户", n=f"{one.n:,}"),
    }


def _bar(found: Why, one: Cause) -> dict[str, int]:
    """Where its bar ends, and the dark part of it: who stands under this cause alone."""
    most = max(cause.n for cause in found.causes)
    return {"all": one.n * _BAR // most, "only": (one.only or 0) * _BAR // most}


def _gain(chosen: Standing, place: int | None) -> str:
    """By how many places that is better; empty: by none."""
    gain = chosen.place - place if chosen.place and place else 0
    return _("上升%(n)s位", n=gain) if gain else ""


def _trial(found: Why) -> dict[str, Any] | None:
    """What would be without the causes that are ticked."""
    tried, chosen = found.trial, found.chosen
    if tried is None:
        return None
    return {
        "causes": [one.label for one in tried.causes],
        "codes": [one.code for one in tried.causes],
        "n": _("%(before)s → %(after)s 户", before=f"{chosen.done:,}", after=f"{tried.done:,}"),
        "share": f"{share(chosen.done, chosen.whole, _PLACES)} → {share(tried.done, chosen.whole, _PLACES)}",
        "place": _("第%(n)s名", n=tried.place),
        "gain": _gain(chosen, tried.place),
        "links": [
            {"text": _("看%(what)s%(n)s户", what=one.label, n=f"{one.n:,}"), "url": url}
            for one in tried.causes
            if (url := _ledger_of(found.asked, one.figure))
        ],
    }  # fmt: skip
