"""A list that reaches beyond the own area, and one of its records: masked, read only (spec 05)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from functools import partial
from typing import Any

from werkzeug.datastructures import MultiDict

from app.access.actor import Actor
from app.access.divisions.regions import Level, Region, ancestor_paths, within
from app.core.i18n import _, mark, translate
from app.kernel.beyond import cross_area
from app.kernel.declare.groups import Menu
from app.kernel.declare.register import Register
from app.kernel.lists import combined
from app.kernel.lists.ledger import Ledger, Page, TooWide
from app.kernel.lists.query import parse
from app.kernel.records import save as records
from app.web.frame import shell
from app.web.frame.listing import Action, Column, Listing, Row, cells, chips, size_of
from app.web.lists import filters as ledger_filters
from app.web.lists import pages as ledger_pages
from app.web.register import show as record_pages

#: What its columns call the divisions of a row.
PLACES = {
    "@city": (Level.CITY, mark("市")), "@county": (Level.COUNTY, mark("区县")),
    "@town": (Level.TOWN, mark("乡镇")), "@village": (Level.VILLAGE, mark("村")),
}  # fmt: skip


def context(register: Register, menu: Menu, own: Actor, args: MultiDict[str, str]) -> Listing:
    """The list beyond the own area."""
    combined.require_own_area(args)
    asked = {name: args.getlist(name) for name in args if name in register.lists.filters.split()}
    notices: list[dict[str, str]] = []
    with cross_area.looking(register, menu, asked) as (session, actor):
        query = parse(register, args, session, actor)
        names = menu.ledger.split()
        fields = [name for name in names if name not in PLACES]
        ledger = Ledger(register, query, session, actor, fields)
        size = size_of(args)
        try:
            page: Page | None = ledger.page(
                size, after=args.get("after"), before=args.get("before"),
                number=ledger_pages.page_number(args),
            )  # fmt: skip
        except TooWide as error:
            page, notices = None, [{"tone": "warn", "text": error.message}]
        known = cross_area.places(session, {row.path for row in page.rows}) if page else {}
        columns = [_column(register, name, known) for name in names]
        rows = [_row(register, menu, row, columns, own) for row in page.rows] if page else []
    listing = ledger_pages.frame(register, menu)
    listing.count_text = ledger_pages.count_text(register, page) if page else ""
    listing.intro = _("身份证号和联系电话显示为掩码，每次查看记入审计日志。")
    listing.notices = notices
    listing.filters = partial(ledger_filters.bar, register, menu, query, args, whole=True)
    listing.chips = chips(ledger_filters.said(register, query, args), args)
    listing.columns, listing.rows = columns, rows
    listing.key = names.index(register.name_field)
    listing.paging = ledger_pages.paging(register, page, size, args) if page else None
    listing.empty = ledger_pages.empty(register, menu, query, page, args, own)
    listing.exports = ledger_pages.wide_exports(register, menu, own, args)
    return listing


def _column(register: Register, name: str, known: Mapping[str, Region]) -> Column[Any]:
    """``known``: the divisions along the paths of the rows."""
    if name in PLACES:
        level, label = PLACES[name]
        return Column(name[1:], translate(label), partial(_place, level, known), "region")
    made = register.model.__fields__[name]
    kind = "id" if made.masked else "text"
    return Column(name, translate(made.label), lambda row: made.listed(getattr(row, name)), kind)


def _place(level: Level, known: Mapping[str, Region], row: Any) -> str:
    """What the division of that level is called in which the row lies."""
    above = (known[path] for path in (*ancestor_paths(row.path), row.path) if path in known)
    return next((region.name for region in above if region.level == level), "")


def _row(register: Register, menu: Menu, row: Any, columns: list[Column[Any]], own: Actor) -> Row:
    mine = within(row.path, own.path)
    url = f"/{register.name}/{row.id}" if mine else f"/{register.name}/{menu.name}/of/{row.id}"
    return Row(str(row.id), url, cells(columns, row), [Action(_("查看"), url)])


def record(register: Register, menu: Menu, record_id: uuid.UUID) -> dict[str, Any]:
    """The context of ``register/record.html`` for a record beyond the own area: what the list shows, with
    the sections of the form; no numbers, no files, no history.
    """
    with cross_area.looking(register, menu, {"record": [str(record_id)]}) as (session, actor):
        row = cross_area.record(session, register, record_id, actor)
        region = session.get_one(Region, row.region_id)
        evaluation = records.evaluate(register, row, files=())
        sections = record_pages.sections(register, row, evaluation, (), whole=False)
        facts = [{"label": _("行政区划"), "text": region.full_name}]
        title = register.named(row)
    for section in sections:
        kept = [f for f in section["fields"] if register.fields[f["name"]].stored]
        section["fields"] = [f | {"mask_url": None} for f in kept]
    shell.at(f"/{register.name}/{menu.name}")
    shell.crumb(title)
    return {
        "title": title, "subtitle": register.label, "facts": facts,
        "sections": [section for section in sections if section["fields"]],
        "notices": [{"tone": "info", "text": _("该记录由其他地区管理，这里只读，号码显示为掩码。")}],
        "history": [], "version": "",
    }  # fmt: skip
