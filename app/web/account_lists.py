"""用户管理 and 录入人台账 as the list template shows them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import request
from werkzeug.datastructures import MultiDict

from app.access import account_list, managing
from app.access.account_list import AccountPage, AccountQuery, AccountState, Line, state_of
from app.access.accounts import Account
from app.access.actor import Actor, Capability, Duty, Kind
from app.access.regions import Level, Region
from app.core.db import db
from app.core.errors import BadInput
from app.core.i18n import _, translate
from app.exchange.account_list import (
    FILTERS,
    RECORDERS,
    TITLES,
    USERS,
    parse,
    role_of,
)
from app.registry import formats

SIZES = (20, 50, 100)
_CURSORS = ("after", "before")
_TONES = {
    AccountState.ACTIVE: "good",
    AccountState.LOCKED: "bad",
    AccountState.CLOSED: "neutral",
}


def context(what: str, actor: Actor, args: MultiDict[str, str]) -> dict[str, Any]:
    """The context of ``anju/list.html`` for one of the two lists."""
    query = parse(args, actor)
    size = _size(args)
    page = account_list.read(
        db.session, actor, query, size, after=args.get("after"), before=args.get("before")
    )
    own = db.session.get(Region, actor.region_id)
    prefix = own.full_name if own and actor.level > Level.NATION else ""
    return {
        "name": f"accounts-{what}",
        "title": _("用户管理") if what == USERS else translate(TITLES[RECORDERS]),
        "count_text": _("共 %(n)s 个", n=page.count),
        "filters": _filters(actor, query, args),
        "chips": _chips(query, args),
        "keep": {"size": args["size"]} if args.get("size") else {},
        "reset_url": request.path,
        "columns": _columns(what),
        "rows": [_row(what, line, actor, prefix) for line in page.lines],
        "paging": _paging(page, size, args),
        "empty": {
            "title": _("没有符合条件的用户"),
            "hint": _("请检查筛选条件，或点“新增用户”。"),
        },
        "exports": _exports(what, actor, args),
        "actions": _actions(actor),
    }


def _filters(actor: Actor, query: AccountQuery, args: MultiDict[str, str]) -> list[dict[str, Any]]:
    levels = [level for level in Level if level >= actor.level]
    return [
        {
            "name": "region",
            "label": _("所属地区"),
            "kind": "region",
            "value": query.region.id if query.region else None,
            "text": query.region.full_name if query.region else "",
        },
        {
            "name": "q",
            "label": _("账号或名称"),
            "kind": "text",
            "value": args.get("q"),
            "placeholder": _("账号开头或名称"),
        },
        _select("level", _("级别"), args, {x.name.lower(): x.label for x in levels}),
        _select("kind", _("类型"), args, {x.value: x.label for x in Kind}),
        _select("duty", _("职责"), args, {x.value: x.label for x in Duty}, advanced=True),
        _select("state", _("状态"), args, {x.value: x.label for x in AccountState}, advanced=True),
        _select("managed", _("由我管理"), args, {"yes": _("是")}, advanced=True),
    ]


def _select(
    name: str,
    label: str,
    args: MultiDict[str, str],
    options: dict[str, str],
    *,
    advanced: bool = False,
) -> dict[str, Any]:
    return {
        "name": name,
        "label": label,
        "kind": "choice",
        "value": args.get(name),
        "options": [{"value": value, "label": text} for value, text in options.items()],
        "advanced": advanced,
    }


def _chips(query: AccountQuery, args: MultiDict[str, str]) -> list[dict[str, str]]:
    shown = {
        "region": (_("所属地区"), query.region.name if query.region else ""),
        "q": (_("账号或名称"), query.text),
        "level": (_("级别"), query.level.label if query.level is not None else ""),
        "kind": (_("类型"), query.kind.label if query.kind else ""),
        "duty": (_("职责"), query.duty.label if query.duty else ""),
        "state": (_("状态"), query.state.label if query.state else ""),
        "managed": (_("由我管理"), _("是") if query.managed else ""),
    }
    return [
        {
            "label": _("%(label)s：%(value)s", label=label, value=value),
            "remove_url": _url(args, drop=(name, *_CURSORS)),
        }
        for name, (label, value) in shown.items()
        if value
    ]


def _columns(what: str) -> list[dict[str, Any]]:
    found = [
        ("name", _("用户名称"), "text"),
        ("login", _("账号"), "id"),
        ("region", _("所属地区"), "region"),
        ("role", _("用户角色"), "text"),
    ]
    if what == USERS:
        found.append(("duties", _("职责"), "text"))
    else:
        found += [("entry", _("录入人"), "text"), ("review", _("审核责任人"), "text")]
    found += [("phone", _("联系电话"), "id"), ("state", _("状态"), "tag")]
    return [{"name": name, "label": label, "kind": kind} for name, label, kind in found]


def _row(what: str, line: Line, actor: Actor, prefix: str) -> dict[str, Any]:
    account = line.account
    url = f"/accounts/{account.uuid}"
    place = account.region.full_name
    cells: list[dict[str, Any]] = [
        {"kind": "text", "text": account.first_name},
        {"kind": "id", "text": account.username},
        {"kind": "region", "text": place.removeprefix(prefix) or account.region.name},
        {"kind": "text", "text": role_of(account)},
    ]
    if what == USERS:
        cells.append({"kind": "text", "text": _("、").join(d.label for d in line.duties)})
    else:
        cells += [
            {"kind": "text", "text": account.entry_person},
            {"kind": "text", "text": account.review_person},
        ]
    cells += [
        {"kind": "id", "text": formats.mask_phone(account.phone)},
        {"kind": "tag", "text": state_of(account).label, "tone": state_tone(account)},
    ]
    managed = managing.manages(actor, account)
    action = {"label": _("修改") if managed else _("查看"), "url": url, "primary": managed}
    return {"id": str(account.uuid), "url": url, "cells": cells, "actions": [action]}


def _exports(what: str, actor: Actor, args: MultiDict[str, str]) -> list[dict[str, Any]]:
    if not actor.has(Capability.EXPORT):
        return []
    pairs = [(k, v) for k, v in args.items() if v and k in FILTERS]
    tail = f"?{urlencode(pairs)}" if pairs else ""
    return [{"label": _("导出当前筛选的用户"), "url": f"{request.path}export{tail}"}]


def _actions(actor: Actor) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if actor.level == Level.COUNTY:
        found.append({"label": _("批量创建"), "url": "/accounts/bulk", "icon": "users"})
    found.append({"label": _("新增用户"), "url": "/accounts/new", "primary": True, "icon": "plus"})
    return found


def _paging(page: AccountPage, size: int, args: MultiDict[str, str]) -> dict[str, Any]:
    after, before = page.after, page.before
    return {
        "prev_url": _url(args, drop=_CURSORS, before=before) if before else None,
        "next_url": _url(args, drop=_CURSORS, after=after) if after else None,
        "position_text": _(
            "第 %(first)s–%(last)s 个，共 %(count)s 个",
            first=f"{page.first:,}",
            last=f"{page.first + len(page.lines) - 1:,}",
            count=page.count,
        ),
        "size": size,
        "sizes": [
            {"size": s, "url": _url(args, drop=_CURSORS, size=s), "active": s == size}
            for s in SIZES
        ],
    }


def _size(args: MultiDict[str, str]) -> int:
    text = args.get("size", str(SIZES[0]))
    if text not in map(str, SIZES):
        raise BadInput(_("每页条数有误。"))
    return int(text)


def _url(args: MultiDict[str, str], drop: tuple[str, ...] = (), **changes: Any) -> str:
    pairs = [(k, v) for k, v in args.items() if v and k not in drop and k not in changes]
    pairs += [(k, str(v)) for k, v in changes.items()]
    return request.path + (f"?{urlencode(pairs)}" if pairs else "")


def state_tone(account: Account) -> str:
    """The look of its state."""
    return _TONES[state_of(account)]
