"""A list that reaches beyond the own area, and one of its records: masked, read only (spec 05)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from functools import partial
from typing import Any

from werkzeug.datastructures import MultiDict

from app.access.actor import Actor
from app.access.regions import Level, Region, ancestor_paths, within
from app.actions import records, wide
from app.core.i18n import _, mark, translate
from app.registry.field import FILES
from app.registry.ledger import Ledger, Page, TooWide
from app.registry.ledger_query import parse
from app.registry.reading import listed
from app.registry.register import Menu, Register
from app.web import ledger_filters, ledger_pages, record_pages, shell

#: What its columns call the divisions of a row.
PLACES = {
    "@city": (Level.CITY, mark("市")), "@county": (Level.COUNTY, mark("区县")),
    "@town": (Level.TOWN, mark("乡镇")), "@village": (Level.VILLAGE, mark("村")),
}  # fmt: skip


def context(
    register: Register, menu: Menu, own: Actor, args: MultiDict[str, str]
) -> dict[str, Any]:
    """The context of ``anju/list.html``."""
    said = {name: args.getlist(name) for name in args if name in register.filters.split()}
    with wide.looking(register, menu, said) as (session, actor):
        query, notices = parse(register, args, session, actor), []
        names = menu.ledger.split()
        fields = [name for name in names if name not in PLACES]
        ledger = Ledger(register, query, session, actor, fields)
        size = ledger_pages.size_of(args)
        try:
            page: Page | None = ledger.page(
                size, after=args.get("after"), before=args.get("before"),
                number=ledger_pages.page_number(args),
            )  # fmt: skip
        except TooWide as error:
            page, notices = None, [{"tone": "warn", "text": error.message}]
        known = wide.places(session, {row.path for row in page.rows}) if page else {}
        rows = [_row(register, menu, row, names, known, own) for row in page.rows] if page else []
    return ledger_pages.frame(register, menu) | {
        "count_text": ledger_pages.count_text(register, page) if page else "",
        "intro": _("身份证号和联系电话显示为掩码，每次查看记入审计日志。"),
        "notices": notices,
        "filters": partial(_bar, register, menu, query, args),
        "filters_key": None,
        "chips": ledger_filters.chips(register, menu, query, args),
        "columns": [_column(register, name) for name in names],
        "key": names.index(register.name_field),
        "rows": rows,
        "paging": ledger_pages.paging(register, page, size, args) if page else None,
        "empty": ledger_pages.empty(register, menu, query, page, args, own),
        "exports": ledger_pages.wide_exports(register, menu, own, args),
    }


def _bar(*asked: Any) -> list[dict[str, Any]]:
    return [
        one | {"whole": True} if one["kind"] == "region" else one
        for one in ledger_filters.bar(*asked)
    ]


def _column(register: Register, name: str) -> dict[str, Any]:
    if name in PLACES:
        return {"name": name[1:], "label": translate(PLACES[name][1]), "kind": "region"}
    made = register.model.__fields__[name]
    return {"name": name, "label": translate(made.label), "kind": "id" if made.masked else "text"}


def _row(
    register: Register, menu: Menu, row: Any, names: list[str], known: Mapping[str, Region],
    own: Actor,
) -> dict[str, Any]:  # fmt: skip
    above = [known[path] for path in (*ancestor_paths(row.path), row.path) if path in known]
    by_level = {region.level: region.name for region in above}
    cells = []
    for name in names:
        if name in PLACES:
            cells.append({"kind": "region", "text": by_level.get(PLACES[name][0], "")})
        else:
            made = register.model.__fields__[name]
            kind = "id" if made.masked else "text"
            cells.append({"kind": kind, "text": listed(made, getattr(row, name))})
    mine = within(row.path, own.path)
    url = f"/{register.name}/{row.id}" if mine else f"/{register.name}/{menu.name}/of/{row.id}"
    return {
        "id": str(row.id),
        "url": url,
        "cells": cells,
        "actions": [{"label": _("查看"), "url": url}],
    }


def record(register: Register, menu: Menu, record_id: uuid.UUID) -> dict[str, Any]:
    """The context of ``anju/record.html`` for a record beyond the own area: what the list shows, with
    the sections of the form; no numbers, no files, no history.
    """
    with wide.looking(register, menu, {"record": [str(record_id)]}) as (session, actor):
        row = wide.record(session, register, record_id, actor)
        region = session.get_one(Region, row.region_id)
        evaluation = records.evaluate(register, row, files=())
        sections = record_pages.sections(register, row, evaluation, (), whole=False)
        facts = [{"label": _("行政区划"), "text": region.full_name}]
        title = register.named(row)
    for section in sections:
        kept = [f for f in section["fields"] if register.fields[f["name"]].kind != FILES]
        section["fields"] = [f | {"mask_url": None} for f in kept]
    shell.at(f"/{register.name}/{menu.name}")
    shell.crumb(title)
    return {
        "title": title, "subtitle": register.label, "facts": facts,
        "sections": [section for section in sections if section["fields"]],
        "notices": [{"tone": "info", "text": _("该记录由其他地区管理，这里只读，号码显示为掩码。")}],
        "history": [], "version": "",
    }  # fmt: skip
