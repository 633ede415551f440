"""A register's list as the template shows it: filters, rows with their actions, paging, exports."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any
from urllib.parse import urlencode

from flask_login import current_user
from flask_wtf.csrf import generate_csrf
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from app.access.actor import Actor, Capability
from app.access.divisions.regions import Region
from app.access.scope import showing_hidden
from app.core.db import db
from app.core.errors import BadInput
from app.core.i18n import _, translate
from app.core.jobs.table import Job
from app.kernel import hooks
from app.kernel.corrections import fields
from app.kernel.declare.groups import Menu
from app.kernel.declare.house_lists import issued_list
from app.kernel.declare.register import Register
from app.kernel.lists import chosen_columns
from app.kernel.lists.columns import REGION
from app.kernel.lists.combined import WHERE
from app.kernel.lists.ledger import Ledger, Page, TooWide, TooWideNow
from app.kernel.lists.query import BESIDE, DECIDED_FROM, Query, by_key, parse
from app.web.frame.listing import (
    CURSORS,
    Action,
    Empty,
    Listing,
    Paging,
    chips,
    size_of,
    span,
    url_with,
)
from app.web.lists import filters as ledger_filters
from app.web.lists import papers
from app.web.lists import rows as list_rows
from app.web.register import review_parts
from app.web.register.shared import new_url

_PLACES = (*CURSORS, "size", "list")
_KEPT = (
    "size",
    "figure",
    "unplaced",
    "found",
    WHERE,
    DECIDED_FROM,
)  # what a filter that is set leaves as it is


def context(register: Register, menu: Menu, actor: Actor, args: MultiDict[str, str]) -> Listing:
    """The list of one menu entry.

    :raises BadInput: a filter, cursor or size that cannot be read.
    """
    wanted, notices = asked(register, menu, actor, args)
    names = chosen_columns.kept(current_user, register, menu)
    query = parse(register, wanted, db.session, actor)
    size = size_of(args)
    ledger = Ledger(register, query, db.session, actor, [n for n in names if n != REGION])
    listing = frame(register, menu)
    page: Page | None = None
    try:
        with showing_hidden(when=menu.hidden):
            page = ledger.page(
                size, after=args.get("after"), before=args.get("before"), number=page_number(args)
            )
    except TooWide as error:
        notices = [*notices, {"tone": "warn", "text": error.message}]
        if isinstance(error, TooWideNow):
            listing.search = Action(_("在后台查询"), _beside(register, menu, "search", args))
    listing.notices = notices
    listing.filters = partial(ledger_filters.bar, register, menu, query, wanted)
    listing.filters_key = ledger_filters.key(register, args, wanted, query.region)
    listing.chips = chips(ledger_filters.said(register, query, args), args)
    kept = _kept(register, query)
    listing.keep = [(k, v) for k, v in args.items(multi=True) if k in kept and v]
    listing.columns_url = _beside(register, menu, "columns", args)
    listing.combined_url = _beside(register, menu, "compose", args)
    listing.saved_url = _beside(register, menu, "filters", args)
    if page is not None:
        own = db.session.get_one(Region, actor.region_id)
        listing.count_text = count_text(register, page)
        listing.columns = list_rows.columns(register, names, own, page.rows)
        listing.rows = list_rows.rows(
            register, menu, page, listing.columns, actor, asked_text(args)
        )
        listing.paging = paging(register, page, size, args)
    listing.empty = empty(register, menu, query, page, args, actor)
    listing.exports = exports(register, menu, actor, wanted)
    listing.bulk = list_rows.bulk(register, menu, actor)
    listing.token = generate_csrf() if register.renewal else ""
    listing.undo = review_parts.undo(register) if list_rows.review(register, menu) else None
    return listing


def _kept(register: Register, query: Query) -> list[str]:
    """What the form of the filters sends along; not what one of them says."""
    chosen = query.figure is not None and ledger_filters.offers(register, query.figure)
    return [name for name in _KEPT if name != "figure" or not chosen]


def count_text(register: Register, page: Page) -> str:
    return _("共 %(n)s %(unit)s", n=page.count, unit=translate(register.unit))


def searching(register: Register, menu: Menu, job: Job, shown: dict[str, Any]) -> Listing:
    """The same while a search in the background is on its way, or has failed: ``shown`` is the job as
    exchange/_job.html has it.
    """
    pairs = [(name, text) for name, texts in job.args["args"].items() for text in texts]
    url = address(register, menu, [pair for pair in pairs if pair[0] != "menu"])
    listing = frame(register, menu)
    listing.job = shown
    listing.actions = [Action(_("返回列表"), url, icon="chevron-left")]
    return listing


def frame(register: Register, menu: Menu) -> Listing:
    """What is the same whatever is asked."""
    return Listing(
        name=f"{register.name}-{menu.name}",
        title=translate(menu.title),
        reset_url=f"/{register.name}/{menu.name}",
    )


def asked(
    register: Register, menu: Menu, actor: Actor, args: MultiDict[str, str]
) -> tuple[MultiDict[str, str], list[dict[str, str]]]:
    """What the list shows when its address says ``args``: a menu entry opens with its states, a
    granted right in its counties; with the notices that say so. A figure is of all its states: the
    number that leads here counted them.
    """
    wanted = args.copy()
    if menu.states and not any(args.getlist("state")) and not args.get("figure"):
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


def page_number(args: MultiDict[str, str]) -> int:
    text = args.get("page", "1")
    if not (text.isascii() and text.isdigit() and len(text) < 9):
        raise BadInput(_("页码有误。"))
    return int(text)


# ---- around the rows ------------------------------------------------------------------------


def paging(register: Register, page: Page, size: int, args: MultiDict[str, str]) -> Paging:
    numbers = span(page.first, len(page.rows), page.count)
    text = _(
        "第 %(first)s–%(last)s %(unit)s，共 %(count)s %(unit)s",
        unit=translate(register.unit), **numbers,
    )  # fmt: skip
    return Paging.by_cursor(
        args, before=page.before, after=page.after, size=size, position_text=text
    )


def empty(
    register: Register,
    menu: Menu,
    query: Query,
    page: Page | None,
    args: MultiDict[str, str],
    actor: Actor,
) -> Empty:
    """Why there is nothing, and what to do next."""
    again = Action(_("清除全部条件"), f"/{register.name}/{menu.name}", icon="x")
    if page is None:
        return Empty(_("筛选的范围过大"), _("请按上面的提示缩小范围，再查询。"))
    if page.count.n:
        there = Action(_("回到第一页"), url_with(args, drop=CURSORS))
        title = _("这一页没有农户") if register.of_households else _("这一页没有记录")
        return Empty(title, _("列表已有变化。"), [there])
    if query.found:
        hint = _("没有符合条件的农户，或者他们已不在您的管辖范围内。")
        return Empty(_("后台查询没有结果"), hint, [again])
    if any(args.getlist(n) for n in (*register.lists.filters.split(), *BESIDE)):
        title = _("没有符合条件的农户") if register.of_households else _("没有符合条件的记录")
        return Empty(title, _empty_hint(register, query), [again])
    if menu.states:
        return Empty(_("没有等您处理的农户"), _("新上报的会出现在这里。"))
    hint = translate(menu.hint)
    whole = not menu.only and menu.rows is None
    if _is_issued(register) and whole and actor.has(Capability.IMPORT_LIST):
        hint = _("请先在“名单下发”导入农户名单。")
    if not register.of_households:
        return Empty(_("这里还没有记录"), hint)
    return Empty(_("这里还没有农户"), hint)


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


def exports(
    register: Register, menu: Menu, actor: Actor, wanted: MultiDict[str, str]
) -> list[Action]:
    """Files and papers hold what the page shows: ``wanted``, said in full. What is hidden is in none."""
    if menu.hidden:
        return []
    text = asked_text(wanted)
    printed = [*papers.of_list(register, actor, text)]
    if not actor.has(Capability.EXPORT, register.name):
        return printed
    url = f"/exchange/export/{register.name}"
    as_seen = "&".join(part for part in (text, f"as_seen={menu.name}") if part)
    return [
        Action(_("导出当前筛选的台账"), f"{url}?{text}" if text else url),
        Action(_("只导出列表显示的列"), f"{url}?{as_seen}"),
        *printed,
    ]


def wide_exports(
    register: Register, menu: Menu, actor: Actor, args: MultiDict[str, str]
) -> list[Action]:
    """Of a list beyond the own area: its own columns, masked."""
    if not actor.has(Capability.EXPORT, register.name):
        return []
    text = "&".join(part for part in (asked_text(args), f"menu={menu.name}") if part)
    return [Action(_("数据导出"), f"/exchange/export/{register.name}?{text}")]


def correcting(
    register: Register, menu: Menu, actor: Actor, args: MultiDict[str, str]
) -> list[Action]:
    """To correct a field of all that the list shows."""
    if menu.wide or menu.hidden or not register.entered:
        return []
    if not actor.has(Capability.ENTER, register.name) or not fields.offered(register):
        return []
    return [Action(_("批量更正"), _beside(register, menu, "correct", args), icon="edit")]


def actions(register: Register, actor: Actor, menu: Menu) -> list[Action]:
    if menu.adds and actor.has(Capability.ENTER, register.name):
        label, url = translate(menu.adds), new_url(register)
        found = [Action(label, url, icon="plus", primary=True)]
        if menu.rows is None and actor.has(Capability.IMPORT_LIST):
            found += [
                Action(translate(one.button), f"{one.page}/", icon="upload")
                for one in hooks.imports()
                if one.register == register.name
            ]
        return found
    if not menu.enters(actor, register.name) or menu.page:
        return []
    label = _("导入%(what)s", what=translate(register.record_word))
    found = [Action(label, f"/exchange/import/{register.name}/", icon="file-spreadsheet")]
    if register.creates is not None:
        url = new_url(register)
        found.append(Action(_("新增"), url, icon="plus", primary=True))
    if _is_issued(register) and menu.rows is None and actor.has(Capability.IMPORT_LIST):
        url = "/exchange/import/household"
        found.append(Action(_("名单下发"), url, icon="upload"))
    return found


def _is_issued(register: Register) -> bool:
    """Do the households that the ministry issues each get a record of it?"""
    issued = issued_list()
    return issued is not None and register.follows == issued.name
