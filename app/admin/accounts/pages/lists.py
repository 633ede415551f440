"""用户管理 and 录入人台账 as the list template shows them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from flask import request
from werkzeug.datastructures import MultiDict

from app.access.account import Account
from app.access.accounts import listing as account_list
from app.access.accounts import managing
from app.access.accounts.listing import AccountQuery, AccountState, Line, state_of
from app.access.actor import Actor, Capability, Duty, Kind
from app.access.divisions.regions import Level, Region
from app.admin.accounts.exporting import FILTERS, RECORDERS, TITLES, USERS, parse, role_of
from app.core.db import db
from app.core.i18n import _, translate
from app.kernel.kinds import formats
from app.web.frame.listing import (
    Action,
    Cell,
    Column,
    Empty,
    Filter,
    Listing,
    Paging,
    Row,
    cells,
    chips,
    size_of,
    span,
    url_with,
)

_TONES = {
    AccountState.ACTIVE: "good",
    AccountState.LOCKED: "bad",
    AccountState.CLOSED: "neutral",
}


def context(what: str, actor: Actor, args: MultiDict[str, str]) -> Listing:
    """One of the two lists."""
    query = parse(args, actor)
    size = size_of(args)
    page = account_list.read(
        db.session, actor, query, size, after=args.get("after"), before=args.get("before")
    )
    own = db.session.get(Region, actor.region_id)
    columns = _columns(what, own.full_name if own and actor.level > Level.NATION else "")
    numbers = span(page.first, len(page.lines), page.count)
    return Listing(
        name=f"accounts-{what}",
        title=_("用户管理") if what == USERS else translate(TITLES[RECORDERS]),
        count_text=_("共 %(n)s 个", n=page.count),
        filters=_filters(actor, query, args),
        chips=chips(_asked(query), args),
        keep=[("size", args["size"])] if args.get("size") else (),
        reset_url=request.path,
        columns=columns,
        rows=[_row(columns, line, actor) for line in page.lines],
        paging=Paging.by_cursor(
            args, before=page.before, after=page.after, size=size,
            position_text=_("第 %(first)s–%(last)s 个，共 %(count)s 个", **numbers),
        ),
        empty=Empty(_("没有符合条件的用户"), _("请检查筛选条件，或点“新增用户”。")),
        exports=_exports(actor, args),
        actions=_actions(actor),
    )  # fmt: skip


def _filters(actor: Actor, query: AccountQuery, args: MultiDict[str, str]) -> list[Filter]:
    levels = [level for level in Level if level >= actor.level]

    def choice(name: str, label: str, options: dict[str, str], *, advanced: bool = False) -> Filter:
        return Filter.choice(name, label, args.get(name), options, advanced=advanced)

    return [
        Filter.region("region", _("所属地区"), query.region),
        Filter("q", _("账号或名称"), value=args.get("q"), placeholder=_("账号开头或名称")),
        choice("level", _("级别"), {x.name.lower(): x.label for x in levels}),
        choice("kind", _("类型"), {x.value: x.label for x in Kind}),
        choice("duty", _("职责"), {x.value: x.label for x in Duty}, advanced=True),
        choice("state", _("状态"), {x.value: x.label for x in AccountState}, advanced=True),
        choice("managed", _("由我管理"), {"yes": _("是")}, advanced=True),
    ]


def _asked(query: AccountQuery) -> Iterator[tuple[str, str, str]]:
    """The conditions of the query, for their chips."""
    said = {
        "region": (_("所属地区"), query.region.name if query.region else ""),
        "q": (_("账号或名称"), query.text),
        "level": (_("级别"), query.level.label if query.level is not None else ""),
        "kind": (_("类型"), query.kind.label if query.kind else ""),
        "duty": (_("职责"), query.duty.label if query.duty else ""),
        "state": (_("状态"), query.state.label if query.state else ""),
        "managed": (_("由我管理"), _("是") if query.managed else ""),
    }
    return ((name, label, value) for name, (label, value) in said.items() if value)


def _columns(what: str, prefix: str) -> list[Column[Line]]:
    """``prefix``: what the names of all divisions shown begin with."""

    def place(line: Line) -> str:
        region = line.account.region
        return region.full_name.removeprefix(prefix) or region.name

    columns: list[Column[Line]] = [
        Column("name", _("用户名称"), lambda line: line.account.first_name),
        Column("login", _("账号"), lambda line: line.account.username, "id"),
        Column("region", _("所属地区"), place, "region"),
        Column("role", _("用户角色"), lambda line: role_of(line.account)),
    ]
    if what == USERS:
        columns.append(Column("duties", _("职责"), _duties))
    else:
        columns += [
            Column("entry", _("录入人"), lambda line: line.account.entry_person),
            Column("review", _("审核责任人"), lambda line: line.account.review_person),
        ]
    return [
        *columns,
        Column("phone", _("联系电话"), lambda line: formats.mask_phone(line.account.phone), "id"),
        Column("state", _("状态"), _state, "tag"),
    ]


def _duties(line: Line) -> str:
    return _("、").join(duty.label for duty in line.duties)


def _state(line: Line) -> Cell:
    return Cell(state_of(line.account).label, tone=state_tone(line.account))


def _row(columns: Sequence[Column[Line]], line: Line, actor: Actor) -> Row:
    account = line.account
    url = f"/accounts/{account.uuid}"
    managed = managing.manages(actor, account)
    action = Action(_("修改") if managed else _("查看"), url, primary=managed)
    return Row(str(account.uuid), url, cells(columns, line), [action])


def _exports(actor: Actor, args: MultiDict[str, str]) -> list[Action]:
    if not actor.has(Capability.EXPORT):
        return []
    others = [name for name in args if name not in FILTERS]
    url = url_with(args, others, path=f"{request.path}export")
    return [Action(_("导出当前筛选的用户"), url)]


def _actions(actor: Actor) -> list[Action]:
    found = [Action(_("新增用户"), "/accounts/new", primary=True, icon="plus")]
    if actor.level == Level.COUNTY:
        found.insert(0, Action(_("批量创建"), "/accounts/bulk", icon="users"))
    return found


def state_tone(account: Account) -> str:
    """The look of its state."""
    return _TONES[state_of(account)]
