"""A register's list as the template shows it: filters, rows with their actions, paging, exports."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any
from urllib.parse import urlencode

from flask import request
from flask_login import current_user
from flask_wtf.csrf import generate_csrf
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from app.access.actor import Actor, Capability
from app.access.regions import Level, Region
from app.actions import list_columns, owners
from app.core.db import db
from app.core.errors import BadInput
from app.core.i18n import _, translate
from app.core.jobs import Job
from app.registry import hooks, stages
from app.registry.field import CHOICE, DATE, Field
from app.registry.flow import Review, State
from app.registry.households import issued_list
from app.registry.ledger import SIZES, Ledger, Page, TooWide, TooWideNow
from app.registry.ledger_columns import REGION, REGION_LABEL
from app.registry.ledger_query import BESIDE, DECIDED_FROM, Query, by_key, parse
from app.registry.reading import listed
from app.registry.register import Menu, Register
from app.web import ledger_filters, review_pages, walk
from app.web.ledger_filters import CURSORS
from app.web.record_pages import TONES

_SIZE = 20
#: What a page calls the choices of its rows: (field, code, when it was said) -> text.
Texts = dict[tuple[str, Any, Any], str]
_PLACES = (*CURSORS, "size", "list")
_KEPT = (
    "size",
    "figure",
    "unplaced",
    "found",
    DECIDED_FROM,
)  # what a filter that is set leaves as it is


def context(
    register: Register, menu: Menu, actor: Actor, args: MultiDict[str, str]
) -> dict[str, Any]:
    """The context of ``anju/list.html`` for one menu entry.

    :raises BadInput: a filter, cursor or size that cannot be read.
    """
    wanted, notices = asked(register, menu, actor, args)
    names = list_columns.kept(current_user, register, menu)
    query = parse(register, wanted, db.session, actor)
    size = size_of(args)
    ledger = Ledger(register, query, db.session, actor, [n for n in names if n != REGION])
    search = None
    try:
        page = ledger.page(
            size, after=args.get("after"), before=args.get("before"), number=page_number(args)
        )
    except TooWide as error:
        page, notices = None, [*notices, {"tone": "warn", "text": error.message}]
        if isinstance(error, TooWideNow):
            search = {"label": _("在后台查询"), "url": _beside(register, menu, "search", args)}
    return frame(register, menu) | {
        "count_text": count_text(register, page) if page else "",
        "notices": notices,
        "filters": partial(ledger_filters.bar, register, menu, query, wanted),
        "filters_key": ledger_filters.key(register, wanted),
        "chips": ledger_filters.chips(register, menu, query, args),
        "keep": {name: args[name] for name in _kept(register, query) if args.get(name)},
        "columns": _columns(register, names),
        "columns_url": _beside(register, menu, "columns", args),
        "saved_url": _beside(register, menu, "filters", args),
        "search": search,
        "rows": _rows(register, menu, page, names, actor, args) if page else [],
        "paging": paging(register, page, size, args) if page else None,
        "empty": empty(register, menu, query, page, args, actor),
        "exports": _exports(register, menu, actor, args),
        "bulk": _bulk(register, menu),
        "token": generate_csrf() if register.renews else "",
        "undo": review_pages.undo(register) if _review(register, menu) else None,
    }


def _kept(register: Register, query: Query) -> list[str]:
    """What the form of the filters sends along; not what one of them says."""
    chosen = query.figure is not None and ledger_filters.offers(register, query.figure)
    return [name for name in _KEPT if name != "figure" or not chosen]


def count_text(register: Register, page: Page) -> str:
    if register.of_households:
        return _("共 %(n)s 户", n=page.count)
    return _("共 %(n)s 条", n=page.count)


def searching(register: Register, menu: Menu, job: Job, shown: dict[str, Any]) -> dict[str, Any]:
    """The same while a search in the background is on its way, or has failed: ``shown`` is the job as
    anju/_job.html has it.
    """
    pairs = [(name, text) for name, texts in job.args["args"].items() for text in texts]
    url = address(register, menu, [pair for pair in pairs if pair[0] != "menu"])
    back = {"label": _("返回列表"), "url": url, "icon": "chevron-left"}
    return frame(register, menu) | {"job": shown, "rows": [], "actions": [back]}


def frame(register: Register, menu: Menu) -> dict[str, Any]:
    return {
        "name": f"{register.name}-{menu.name}",
        "title": translate(menu.title),
        "reset_url": f"/{register.name}/{menu.name}",
    }


def asked(
    register: Register, menu: Menu, actor: Actor, args: MultiDict[str, str]
) -> tuple[MultiDict[str, str], list[dict[str, str]]]:
    """What the list shows when its address says ``args``: a menu entry opens with its states, a
    granted right in its counties; with the notices that say so.
    """
    wanted = args.copy()
    if menu.states and not args.getlist("state"):
        wanted.setlist("state", [str(s) for s in menu.states])
    if menu.rows is not None:
        wanted["menu"] = menu.name
    if menu.only:
        name, code = menu.fixed
        wanted.setlist(name, [code])
    return wanted, _granted_areas(register, menu, actor, wanted)


def asked_text(args: MultiDict[str, str]) -> str:
    """The conditions of an address as its query, without the place in the list."""
    return urlencode([(k, v) for k, v in args.items(multi=True) if v and k not in _PLACES])


def address(register: Register, menu: Menu, pairs: Sequence[tuple[str, str]]) -> str:
    """The list with these conditions."""
    return f"/{register.name}/{menu.name}" + (f"?{urlencode(pairs)}" if pairs else "")


def _beside(register: Register, menu: Menu, what: str, args: MultiDict[str, str]) -> str:
    """A page about this list with these conditions: ``columns``, ``filters``, ``search``."""
    text = asked_text(args)
    return f"/{register.name}/{menu.name}/{what}" + (f"?{text}" if text else "")


def _granted_areas(
    register: Register, menu: Menu, actor: Actor, args: MultiDict[str, str]
) -> list[dict[str, str]]:
    """Where a right is granted only for named counties, its list opens in the first of them
    (``args`` is changed) and says which they are; a name or number is looked for everywhere.
    """
    areas = actor.areas(Capability(menu.capability), register.name)
    if areas == (actor.path,):
        return []
    query = select(Region).where(Region.path.in_(areas), ~Region.structural)
    found = list(db.session.scalars(query.order_by(Region.path)))
    if found and not any(args.get(name) for name in ("region", *by_key(register))):
        args["region"] = str(found[0].id)
    names = _("、").join(region.name for region in found)
    text = _(
        "依申请开通：您可以在以下区县%(what)s：%(names)s。", what=menu.capability.label, names=names
    )
    return [{"tone": "info", "text": text}]


def size_of(args: MultiDict[str, str]) -> int:
    text = args.get("size", str(_SIZE))
    if text not in map(str, SIZES):
        raise BadInput(_("每页条数有误。"))
    return int(text)


def page_number(args: MultiDict[str, str]) -> int:
    text = args.get("page", "1")
    if not (text.isascii() and text.isdigit() and len(text) < 9):
        raise BadInput(_("页码有误。"))
    return int(text)


# ---- rows ---------------------------------------------------------------------------------


def _columns(register: Register, names: Sequence[str]) -> list[dict[str, Any]]:
    columns = []
    for name in names:
        if name == REGION:
            columns.append({"name": name, "label": _(REGION_LABEL), "kind": "region"})
            continue
        made = register.model.__fields__[name]
        kind = "tag" if name == "state" else ("id" if made.masked else "text")
        columns.append({"name": name, "label": translate(made.label), "kind": kind})
    return columns


def _rows(
    register: Register,
    menu: Menu,
    page: Page,
    names: Sequence[str],
    actor: Actor,
    args: MultiDict[str, str],
) -> list[dict[str, Any]]:
    fields = [None if n == REGION else register.model.__fields__[n] for n in names]
    own = db.session.get_one(Region, actor.region_id)
    review, enters = _review(register, menu), menu.enters(actor, register.name)
    see, word = _("查看"), translate(menu.action)
    queue = review_pages.tail(request.args) if review else ""
    shown = []
    texts: Texts = {}
    areas = actor.areas(Capability(menu.capability), register.name)
    on = walk.way(menu, asked_text(args), page.count)
    kept = None
    if enters:
        areas = actor.areas(Capability.ENTER, register.name)
    if register.owned and enters:
        kept = owners.kept_by(register, [row.entered_by for row in page.rows], actor)
    for position, row in enumerate(page.rows, page.first):
        url = f"/{register.name}/{row.id}"
        there = f"{on}{position}"
        waits = review is not None and row.state == review.state
        renews = register.renews and row.state in (State.MISSING, State.APPROVED)
        actions: list[dict[str, Any]] = [{"label": see, "url": url + there}]
        if menu.page and row.path.startswith(areas):
            actions.insert(0, {"label": word, "url": f"{url}/{menu.page}", "primary": True})
        elif (
            enters
            and row.path.startswith(areas)
            and stages.is_open(register, row)
            and (kept is None or row.entered_by in kept)
        ):
            label = translate(register.renews) if renews else word
            actions = [{"label": label, "url": f"{url}/edit{there}", "primary": True}]
        elif enters and renews and row.path.startswith(areas):
            new = {"label": translate(register.renews), "url": f"{url}/renew", "post": True}
            actions.insert(0, new | {"primary": True})
        elif waits:
            actions.insert(0, {"label": word, "url": f"{url}/review{queue}", "primary": True})
        if enters and row.path.startswith(areas):
            actions += [
                {"label": translate(told), "url": f"{url}/{page_of}" if page_of else url}
                for page_of, told in menu.more.items()
            ]
        shown.append(
            {
                "id": str(row.id),
                "url": url + there,
                "selectable": waits,
                "cells": _cells(fields, row, own, texts),
                "actions": actions,
            }
        )
    return shown


def _cells(
    fields: Sequence[Field | None], row: Any, own: Region, texts: Texts
) -> list[dict[str, Any]]:
    """A cell for each field; for None the division, named from the account's ``own`` downwards.
    Rows have few choices between them: ``texts`` keeps what each is called.
    """
    cells: list[dict[str, Any]] = []
    # only read where a choice of the list has had another text, see Ledger
    said_at = getattr(row, "submitted_at", None) or getattr(row, "changed_at", None)
    for made in fields:
        if made is None:
            cells.append(_place(row, own))
            continue
        value = getattr(row, made.name)
        if made.name == "state":
            cells.append({"kind": "tag", "text": listed(made, value), "tone": TONES[value]})
        elif made.kind == CHOICE:
            text = texts.get((made.name, value, said_at))
            if text is None:
                text = texts[made.name, value, said_at] = listed(made, value, said_at)
            cells.append({"kind": "text", "text": text})
        else:
            kind = "id" if made.masked else ("date" if made.kind == DATE else "text")
            cells.append({"kind": kind, "text": listed(made, value, said_at)})
    former = getattr(row, "former_head", None)
    if former:
        cells[0]["sub"] = _("原户主 %(name)s", name=former)
    return cells


def _place(row: Any, own: Region) -> dict[str, Any]:
    whole = own.level == Level.NATION
    place = row.region_full_name if whole else row.region_full_name.removeprefix(own.full_name)
    unplaced = _("未指定行政村") if row.region_level < Level.VILLAGE else None
    return {"kind": "region", "text": place or own.name, "sub": unplaced}


# ---- around the rows ------------------------------------------------------------------------


def paging(register: Register, page: Page, size: int, args: MultiDict[str, str]) -> dict[str, Any]:
    last = page.first + len(page.rows) - 1
    place = {"first": f"{page.first:,}", "last": f"{last:,}", "count": page.count}
    return {
        "prev_url": ledger_filters.url(args, drop=CURSORS, before=page.before)
        if page.before
        else None,
        "next_url": ledger_filters.url(args, drop=CURSORS, after=page.after)
        if page.after
        else None,
        "position_text": _("第 %(first)s–%(last)s 户，共 %(count)s 户", **place)
        if register.of_households
        else _("第 %(first)s–%(last)s 条，共 %(count)s 条", **place),
        "size": size,
        "sizes": [
            {"size": s, "url": ledger_filters.url(args, drop=CURSORS, size=s), "active": s == size}
            for s in SIZES
        ],
    }


def empty(
    register: Register,
    menu: Menu,
    query: Query,
    page: Page | None,
    args: MultiDict[str, str],
    actor: Actor,
) -> dict[str, Any]:
    """Why there is nothing, and what to do next."""
    again = {"label": _("清除全部条件"), "url": f"/{register.name}/{menu.name}", "icon": "x"}
    if page is None:
        return {"title": _("筛选的范围过大"), "hint": _("请按上面的提示缩小范围，再查询。")}
    if page.count.n:
        there = {"label": _("回到第一页"), "url": ledger_filters.url(args, drop=CURSORS)}
        title = _("这一页没有农户") if register.of_households else _("这一页没有记录")
        return {"title": title, "hint": _("列表已有变化。"), "actions": [there]}
    if query.found:
        hint = _("没有符合条件的农户，或者他们已不在您的管辖范围内。")
        return {"title": _("后台查询没有结果"), "hint": hint, "actions": [again]}
    if any(args.getlist(n) for n in (*register.filters.split(), *BESIDE)):
        title = _("没有符合条件的农户") if register.of_households else _("没有符合条件的记录")
        return {
            "title": title,
            "hint": _empty_hint(register, query),
            "actions": [again],
        }
    if menu.states:
        return {"title": _("没有等您处理的农户"), "hint": _("新上报的会出现在这里。")}
    hint = translate(menu.hint)
    whole = not menu.only and menu.rows is None
    if _is_issued(register) and whole and actor.has(Capability.IMPORT_LIST):
        hint = _("请先在“名单下发”导入农户名单。")
    if not register.of_households:
        return {"title": _("这里还没有记录"), "hint": hint}
    return {"title": _("这里还没有农户"), "hint": hint}


def _empty_hint(register: Register, query: Query) -> str:
    """What is most often wrong with what was asked."""
    if query.number and register.of_households:
        return _("请核对身份证号是否完整、正确；农户也可能不在您的管辖范围内。")
    if query.number:
        return _("请核对身份证号是否完整、正确；也可能不在您的管辖范围内。")
    if query.name and not register.of_households:
        return _("请从姓名的第一个字开始输入。")
    if query.name:
        return _("请从姓名的第一个字开始输入；户主变更后，新旧户主的姓名都可以查到。")
    return _("请检查筛选条件，或清除全部条件后再查。")


def _exports(
    register: Register, menu: Menu, actor: Actor, args: MultiDict[str, str]
) -> list[dict[str, Any]]:
    if not actor.has(Capability.EXPORT, register.name):
        return []
    own = f"menu={menu.name}" if menu.rows is not None else ""
    text = "&".join(part for part in (asked_text(args), own) if part)
    url = f"/exchange/export/{register.name}"
    as_seen = "&".join(part for part in (text, f"as_seen={menu.name}") if part)
    return [
        {"label": _("导出当前筛选的台账"), "url": f"{url}?{text}" if text else url},
        {"label": _("只导出列表显示的列"), "url": f"{url}?{as_seen}"},
    ]


def wide_exports(
    register: Register, menu: Menu, actor: Actor, args: MultiDict[str, str]
) -> list[dict[str, Any]]:
    """Of a list beyond the own area: its own columns, masked."""
    if not actor.has(Capability.EXPORT, register.name):
        return []
    text = "&".join(part for part in (asked_text(args), f"menu={menu.name}") if part)
    return [{"label": _("数据导出"), "url": f"/exchange/export/{register.name}?{text}"}]


def actions(register: Register, actor: Actor, menu: Menu) -> list[dict[str, Any]]:
    found: list[dict[str, Any]]
    if menu.adds and actor.has(Capability.ENTER, register.name):
        label, url = translate(menu.adds), f"/{register.name}/new"
        found = [{"label": label, "url": url, "icon": "plus", "primary": True}]
        if menu.rows is None and actor.has(Capability.IMPORT_LIST):
            found += [
                {"label": translate(one.button), "url": f"{one.page}/", "icon": "upload"}
                for one in hooks.imports()
                if one.register == register.name
            ]
        return found
    if not menu.enters(actor, register.name) or menu.page:
        return []
    label = _("导入%(what)s", what=translate(register.record_word))
    found = [
        {"label": label, "url": f"/exchange/import/{register.name}/", "icon": "file-spreadsheet"}
    ]
    if register.creates is not None:
        url = f"/{register.name}/new"
        found.append({"label": _("新增"), "url": url, "icon": "plus", "primary": True})
    if _is_issued(register) and menu.rows is None and actor.has(Capability.IMPORT_LIST):
        url = "/exchange/import/household"
        found.append({"label": _("名单下发"), "url": url, "icon": "upload"})
    return found


def _is_issued(register: Register) -> bool:
    """Do the households that the ministry issues each get a record of it?"""
    issued = issued_list()
    return issued is not None and register.follows == issued.name


def _bulk(register: Register, menu: Menu) -> dict[str, Any] | None:
    review = _review(register, menu)
    if review is None:
        return None
    action = {"name": review.approve, "label": _("查看所选并审核"), "primary": True}
    return {"action_url": f"/{register.name}/batch/{review.approve}", "actions": [action]}


def _review(register: Register, menu: Menu) -> Review | None:
    """The review that begins at this list, or None."""
    return register.flow.review_by(menu.capability) if register.flow else None
