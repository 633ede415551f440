"""用户管理 and 录入人台账 to Excel, in the background: every row of what the list shows, with whole
phone numbers, for a stated reason (spec 01 "Personal data").
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from app.access import policy
from app.access.account import Account
from app.access.accounts import listing as account_list
from app.access.accounts.listing import AccountQuery, AccountState, Line, state_of
from app.access.actor import Actor, Capability, Duty, Kind
from app.access.audit import log as audit
from app.access.audit.log import Act
from app.access.divisions import asked as region_asked
from app.access.divisions.regions import Level, Region
from app.access.policy import role_name
from app.core.clock import to_minute, today
from app.core.db import db
from app.core.errors import BadInput
from app.core.i18n import _, mark, translate
from app.core.jobs.table import Job, JobContext, Owner, enqueue, job_kind
from app.kernel.exchange.reasons import required_reason
from app.kernel.exchange.writer import MEDIA_TYPE, Book, Cell, Column

KIND = "account.export"
USERS, RECORDERS = "users", "recorders"
TITLES = {USERS: mark("用户列表"), RECORDERS: mark("录入人台账")}
FILTERS = ("region", "level", "kind", "duty", "state", "q", "managed")
_TEXT_LENGTH = 50


def parse(args: Mapping[str, str], actor: Actor) -> AccountQuery:
    """The query of a list's address.

    :raises BadInput: what cannot be read. :raises NotFound: a division outside.
    """
    return AccountQuery(
        region=_region(args.get("region", ""), actor),
        level=_level(args.get("level", "")),
        kind=_choice(Kind, args.get("kind", "")),
        duty=_choice(Duty, args.get("duty", "")),
        state=_choice(AccountState, args.get("state", "")),
        text=args.get("q", "").strip()[:_TEXT_LENGTH],
        managed=args.get("managed", "") == "yes",
    )


def _region(text: str, actor: Actor) -> Region | None:
    if not text:
        return None
    return region_asked.in_area(db.session, region_asked.read_key(text), actor.path)


def _level(text: str) -> Level | None:
    if not text:
        return None
    try:
        return Level[text.upper()]
    except KeyError:
        raise BadInput(_("没有“%(level)s”这一行政级别。", level=text[:20])) from None


def _choice(choices: Any, text: str) -> Any:
    if not text:
        return None
    try:
        return choices(text)
    except ValueError:
        raise BadInput(_("筛选条件有误，请从列表中选择。")) from None


def start(what: str, args: Mapping[str, str], reason: str, rows: int) -> Job:
    """Queue the export of what ``args`` (a list's parameters) select, so many ``rows`` as is known.

    :raises Forbidden: without the right to export. :raises BadInput: no reason.
    """
    policy.require(Capability.EXPORT)
    actor = policy.require(Capability.MANAGE_USERS)
    reason = required_reason(reason)
    detail = {"list": TITLES[what], "filter": dict(args), "rows": rows, "reason": reason}
    audit.record(db.session, Act.EXPORT, register="account", detail=detail)
    return enqueue(
        KIND,
        {"what": what, "args": dict(args)},
        owner=Owner(actor.account_id, actor.name, actor.path),
        subject=_("%(title)s（%(n)s 个）", title=translate(TITLES[what]), n=f"{rows:,}"),
    )


@job_kind(KIND, title="导出用户")
def run(job: JobContext) -> dict[str, Any]:
    """Write the workbook and attach it."""
    policy.require(Capability.EXPORT)
    actor = policy.require(Capability.MANAGE_USERS)
    what = job.args["what"]
    title = translate(TITLES[what])
    with tempfile.TemporaryFile() as file:
        query = parse(job.args["args"], actor)
        total = account_list.count(db.session, actor, query)
        with Book(file) as book:
            rows = book.table(
                title,
                [Column((translate(head),), width=width) for head, width, _cell in _COLUMNS[what]],
                _rows(what, actor, query, lambda done: job.further(done, max(total, done))),
                frozen_columns=2,
            )
        file.seek(0)
        job.attach(file, f"{title}_{today():%Y%m%d}.xlsx", MEDIA_TYPE)
    return {"rows": rows}


def _rows(
    what: str, actor: Actor, query: AccountQuery, progress: Callable[[int], None]
) -> Iterator[Sequence[Cell]]:
    done = 0
    for lines in account_list.stream(db.session, actor, query):
        yield from ([cell(line) for _head, _width, cell in _COLUMNS[what]] for line in lines)
        done += len(lines)
        progress(done)


def role_of(account: Account) -> str:
    """县级管理用户 …, in the reader's language."""
    return translate(role_name(Level(account.level), account.kind))


def department_of(account: Account) -> str:
    """住建, 民政 …, in the reader's language."""
    department = account.department or ""
    return translate(department)


def _duties(line: Line) -> str:
    return _("、").join(duty.label for duty in line.duties)


def _last_login(line: Line) -> str:
    at = line.account.last_login
    return to_minute(at.replace(tzinfo=dt.UTC)) if at else ""


_Cells = tuple[tuple[str, int, Callable[[Line], Cell]], ...]
_WHO: _Cells = (
    (mark("用户名称"), 24, lambda line: line.account.first_name),
    (mark("账号"), 18, lambda line: line.account.username),
    (mark("所属地区"), 36, lambda line: line.account.region.full_name),
    (mark("用户角色"), 18, lambda line: role_of(line.account)),
)
_COLUMNS: dict[str, _Cells] = {
    USERS: (
        *_WHO,
        (mark("职责"), 24, _duties),
        (mark("所属部门"), 12, lambda line: department_of(line.account)),
        (mark("联系电话"), 16, lambda line: line.account.phone),
        (mark("状态"), 8, lambda line: state_of(line.account).label),
        (mark("最近登录"), 18, _last_login),
    ),
    RECORDERS: (
        *_WHO,
        (mark("录入人"), 16, lambda line: line.account.entry_person),
        (mark("审核责任人"), 16, lambda line: line.account.review_person),
        (mark("所属部门"), 12, lambda line: department_of(line.account)),
        (mark("联系电话"), 16, lambda line: line.account.phone),
        (mark("状态"), 8, lambda line: state_of(line.account).label),
    ),
}
