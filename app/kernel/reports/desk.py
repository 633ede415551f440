"""我的桌面: what waits first, then how far the own area is, then the tables (ui.md "Desk")."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import func, literal, select, true

from app.access.account import Account
from app.access.accounts import notices, unusual
from app.access.actor import Actor, Capability
from app.access.audit.log import Act, AuditEntry
from app.access.divisions import regions
from app.access.divisions.regions import Level, Region
from app.core.clock import local
from app.core.db import db
from app.core.i18n import _
from app.kernel.declare.register import Register, all_registers
from app.kernel.figures import statistics
from app.kernel.figures.days import Then, a_week_ago
from app.kernel.figures.statistics import Line, LineKind, Sheet
from app.kernel.figures.waiting import Jobs, Waiting, jobs_of, waiting_for
from app.kernel.reports import charts, tables, trend
from app.kernel.reports.shares import UNKNOWN
from app.kernel.reports.tables import Cell, Report, Row
from app.kernel.rows import transfer as transfers
from app.kernel.rows.transfer import Transfer


@dataclass(frozen=True)
class Big:
    """One large figure, None while it is being counted; ``gain`` is what it grew by since the day of the
    desk's comparison.
    """

    figure: str
    n: int | None
    gain: int | None


@dataclass(frozen=True)
class Module:
    """A register on the desk, of its usual ``year``: its large figures, how much is done, its table and chart, how it grew
    day by day, and what lies in no division below the account's.
    """

    register: Register
    year: int | None
    figures: tuple[Big, ...]
    progress: tuple[int, int] | None
    report: Report | None
    chart: dict[str, Any] | None
    trend: dict[str, Any] | None
    unplaced: Line | None


@dataclass(frozen=True)
class LastLogin:
    """When and from which address the account signed in before this time."""

    at: dt.datetime
    address: str


@dataclass(frozen=True)
class Desk:
    """Everything that the first page tells. ``since`` is the day that gains compare with; ``notices``
    how many the account has not taken note of; ``locked`` how many accounts wait to be
    unlocked; ``transfers`` how many requests to move wait for the account.
    """

    region: Region
    waiting: list[Waiting]
    jobs: Jobs
    modules: tuple[Module, ...]
    since: dt.date | None
    last_login: LastLogin | None
    notices: int
    locked: int
    transfers: int


def read(actor: Actor) -> Desk:
    """The desk of an account. Statements: one a register and ten, and two where divisions below are ranked."""
    region = statistics.region_asked_for(actor, None)
    registers = [
        register
        for register in all_registers()
        if register.tables and actor.has(Capability.SEARCH, register.name)
    ]
    children = regions.children(region)
    sheets = [
        statistics.read(register, region, _figures(register), children, _usual_year(register))
        for register in registers
    ]
    kept = region.level <= Level.COUNTY  # days are kept down to the county
    then = a_week_ago(sheets, [region]) if sheets and kept else None
    trends = _trends(sheets)
    told, locked, transfers, login = _for_the_account(actor)
    logins = _last_logins(sheets, children)
    return Desk(
        region=region,
        waiting=waiting_for(actor),
        jobs=jobs_of(actor),
        modules=tuple(_module(s, then, trends.get(s.register.name), logins) for s in sheets),
        since=then.day if then else None,
        last_login=login,
        notices=told,
        locked=locked,
        transfers=transfers,
    )


def _for_the_account(actor: Actor) -> tuple[int, int, int, LastLogin | None]:
    """Unread notices, locked accounts, requests to move, and the sign-in before the present one (None
    at the first), in one statement.
    """
    before = (
        select(AuditEntry.at, AuditEntry.address)
        .where(AuditEntry.account_id == actor.account_id, AuditEntry.act == Act.LOGIN)
        .order_by(AuditEntry.at.desc())
        .offset(1)
        .limit(1)
        .subquery()
    )
    locked = unusual.number_locked(actor) if actor.has(Capability.MANAGE_USERS) else literal(0)
    moving = select(func.count()).select_from(Transfer).where(transfers.waits_for(actor))
    decides = any(c == Capability.APPROVE_MOVE for c, _of in actor.capabilities)
    counts = (
        notices.number_unseen(actor),
        locked,
        moving.scalar_subquery() if decides else literal(0),
    )
    here = select(literal(1).label("here")).subquery()
    query = select(*counts, before.c.at, before.c.address)
    found = db.session.execute(query.select_from(here.outerjoin(before, true()))).one()
    unread, closed, waiting, at, address = found
    return unread, closed, waiting, LastLogin(at, address or "") if at is not None else None


def _usual_year(register: Register) -> int | None:
    return register.years.usual() if register.years and register.years.usual else None


def _figures(register: Register) -> tuple[str, ...]:
    shown = [t for t in register.tables if t.on_desk or t.progress]
    names = [
        name for table in shown for name in (*tables.table_figures(table), *(table.progress or ()))
    ]
    return (*register.headline.split(), *names)


def _trends(sheets: Sequence[Sheet]) -> dict[str, dict[str, Any] | None]:
    """The large figures day by day, by register, without the whole: beside it the others are flat
    lines. One statement.
    """
    asked = []
    for sheet in sheets:
        progress = sheet.register.progress_table
        if progress is not None and progress.progress and sheet.region.level <= Level.COUNTY:
            headline = sheet.register.headline.split()
            asked.append((sheet, [n for n in headline if n != progress.progress[1]]))
    found = zip(asked, trend.read_all(asked, trend.ON_DESK), strict=True)
    return {sheet.register.name: trend.chart(one, names) for (sheet, names), one in found}


def _big(sheet: Sheet, then: Then | None, name: str) -> Big:
    if not sheet.told(name):
        return Big(name, None, None)
    n = sheet.total.counts[name]
    before = then.of(sheet, sheet.region, name) if then and then.tells(sheet, name) else None
    return Big(name, n, None if before is None else n - before)


def _last_logins(sheets: Sequence[Sheet], children: Sequence[Region]) -> dict[int, dt.datetime]:
    """When somebody of each of the divisions below signed in last, where a table on the desk ranks them (spec
    06 "Key figures"); one statement.
    """
    if not children or not any(ranked_on_desk(sheet.register) for sheet in sheets):
        return {}
    query = select(Account.region_id, func.max(Account.last_login))
    query = query.where(Account.region_id.in_([one.id for one in children]))
    found = db.session.execute(query.group_by(Account.region_id))
    return {key: at for key, at in found if key is not None and at is not None}


def ranked_on_desk(register: Register) -> bool:
    """Does its table on the desk rank divisions by what they were given to do?"""
    return any(table.on_desk and table.quotas for table in register.tables)


def _with_logins(report: Report, logins: Mapping[int, dt.datetime]) -> Report:
    def cell(row: Row) -> Cell:
        at = logins.get(row.region.id) if row.kind == LineKind.DIVISION else None
        return Cell(f"{local(at.replace(tzinfo=dt.UTC)):%Y-%m-%d}" if at else UNKNOWN, words=True)

    rows = tuple(replace(row, cells=(*row.cells, cell(row))) for row in report.rows)
    return replace(report, heads=(*report.heads, (_("最近登录"),)), rows=rows)


def _module(
    sheet: Sheet,
    then: Then | None,
    trend_chart: dict[str, Any] | None,
    logins: Mapping[int, dt.datetime],
) -> Module:
    register, total = sheet.register, sheet.total.counts
    table = next((t for t in register.tables if t.on_desk), None)
    report = tables.of_sheet(table, sheet) if table else None
    if report and ranked_on_desk(register):
        report = _with_logins(report, logins)
    progress = register.progress_table
    return Module(
        register=register,
        year=sheet.year,
        figures=tuple(_big(sheet, then, name) for name in register.headline.split()),
        progress=(total[progress.progress[0]], total[progress.progress[1]])
        if progress and progress.progress and sheet.told(*progress.progress)
        else None,
        report=report,
        chart=charts.of_sheet(progress, sheet) if progress else None,
        trend=trend_chart,
        unplaced=last if (last := sheet.lines[-1]).kind == LineKind.UNPLACED else None,
    )
