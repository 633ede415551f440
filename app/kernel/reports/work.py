"""The report of work: the county's 工作情况报告, the province's 工作简报 (2024 notice 三, annex 1 六（五）;
spec 02 "Lists").

What registers declare about themselves (:class:`Briefing`) is filled with the figures of the
statistics pages, read in the same way; tables by division follow as annexes.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator

from sqlalchemy import select

from app.access.accounts.officers import Officer, Post
from app.access.actor import Actor, Capability
from app.access.divisions.regions import Level, Region
from app.core.clock import today
from app.core.db import db
from app.core.errors import BadInput
from app.core.files.paper import Chapter, Grid, Paper
from app.core.i18n import _, translate
from app.kernel.declare.register import Register, all_registers
from app.kernel.declare.tables import Briefing, Column, Table
from app.kernel.figures import days, statistics
from app.kernel.reports import deadlines, tables, week
from app.kernel.reports.shares import share

#: How far back a period may begin, days.
LONGEST = 730
_BEST = 3  # divisions that are named
_IN_BRACES = re.compile(r"\{(\w+)\}")


def is_brief(region: Region) -> bool:
    """A province (and the nation) gives a 简报, a county or city a 报告."""
    return region.level <= Level.PROVINCE


def since_asked_for(text: str | None) -> dt.date:
    """The first day of the period that an address names; without one a week ago.

    :raises BadInput: no day, one to come, or one too long ago.
    """
    if not text:
        return today() - dt.timedelta(days=days.DAYS)
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        raise BadInput(_("请填写日期，例如 2024-09-07。")) from None
    if day > today():
        raise BadInput(_("开始日期不能晚于今天。"))
    if day < today() - dt.timedelta(days=LONGEST):
        raise BadInput(_("开始日期不能早于%(n)s天以前。", n=LONGEST))
    return day


def paper(actor: Actor, region: Region, since: dt.date) -> Paper:
    """The report of a county or a division above it, for the days from ``since`` until now.

    :raises BadInput: below a county no report is prescribed. :raises NotFound: outside the area.
    """
    if region.level > Level.COUNTY:
        raise BadInput(_("工作报告按县及以上地区生成，请选择县级或以上地区。"))
    told = [_Told(r, region, since) for r in all_registers() if r.briefing and _may(actor, r)]
    chapters = [one.chapter() for one in told]
    chapters.append(
        Chapter(_("待办事项和下一步工作"), tuple(_todo(told)) or (_("没有待办事项。"),))
    )
    name = region.label
    return Paper(
        title=_("%(place)s农村住房安全保障工作简报", place=name)
        if is_brief(region)
        else _("%(place)s农村住房安全保障工作情况报告", place=name),
        lead=_(
            "现将%(place)s农村住房安全保障工作情况汇总如下。数据由系统按档案统计，截至%(at)s；本期为%(from)s至%(to)s。",
            **{
                "place": region.full_label,
                "at": _day(today()),
                "from": _day(since),
                "to": _day(today()),
            },
        ),
        chapters=tuple(chapters),
        annexes=tuple(grid for one in told for grid in one.annexes()),
        signed=_unit(region),
        day=_day(today()),
    )


def _unit(region: Region) -> str:
    """Who signs: the unit that the division's list of officers names, else as such units are called."""
    query = select(Officer.employer).where(
        Officer.region_id == region.id, Officer.employer.is_not(None)
    )
    named = db.session.scalar(query.order_by(Officer.post == Post.OPERATOR).limit(1))
    if named:
        return named
    if region.level == Level.NATION:
        return _("住房和城乡建设部")
    if region.level == Level.PROVINCE:
        of = _("住房和城乡建设委员会") if region.name.endswith("市") else _("住房和城乡建设厅")
    else:
        of = _("住房和城乡建设局")
    return _("%(place)s%(unit)s", place=region.name, unit=of)


def _may(actor: Actor, register: Register) -> bool:
    return actor.has(Capability.SEARCH, register.name)


def _day(day: dt.date) -> str:
    return _("%(year)s年%(month)s月%(day)s日", year=day.year, month=day.month, day=day.day)


class _Told:
    """What the report says of one register: all its tables are filled from one reading."""

    def __init__(self, register: Register, region: Region, since: dt.date) -> None:
        if register.briefing is None or register.progress_table is None:
            raise ValueError(f"{register.name} declares no briefing")
        self.register, self.region, self.since = register, region, since
        self.briefing: Briefing = register.briefing
        self.done, self.whole = register.progress_table.progress or ("", "")
        self.sheet = statistics.read(register, region, register.figures)
        self.counts = self.sheet.total.counts

    def chapter(self) -> Chapter:
        title = translate(self.briefing.title)
        if self.sheet.counting:
            return Chapter(title, (_("本部分数字正在统计，请在统计完成后重新生成报告。"),))
        if not any(self.counts.values()):
            return Chapter(title, (translate(self.briefing.nothing),))
        said = [self.fill(text) for text in self.briefing.sentences]
        said += [*self._gained(), *self._ranked(), *self._deadline()]
        by_year = self.register.table(self.briefing.by_year)
        return Chapter(title, tuple(said), (self._by_year(by_year),) if by_year else ())

    def fill(self, text: str) -> str:
        """A declared sentence with its figures."""
        rate = share(self.counts[self.done], self.counts[self.whole])

        def number(found: re.Match[str]) -> str:
            return rate if found[1] == "rate" else f"{self.counts[found[1]]:,}"

        return _IN_BRACES.sub(number, translate(text))

    def todo(self) -> Iterator[str]:
        for figure, text in self.briefing.todo:
            if self.counts[figure] and not self.sheet.counting:
                yield self.fill(text)

    def annexes(self) -> Iterator[Grid]:
        if any(self.counts.values()) and not self.sheet.counting:
            for table in self.register.tables:
                report = tables.of_sheet(table, self.sheet)
                title = _("%(register)s%(table)s", register=self.register.label, table=report.title)
                yield Grid(title, ((_("地区"),), *report.heads), _lines(report), report.notes)

    def _gained(self) -> Iterator[str]:
        """What the period brought, against the end of the day before it."""
        before = self.since - dt.timedelta(days=1)
        then = days.kept([self.sheet], [self.region], before)
        if then is not None and then.tells(self.sheet, self.done):
            label = tables.column_label(self.register, Column(self.done))
            gain = self.counts[self.done] - then.of(self.sheet, self.region, self.done)
            yield _(
                "与%(day)s相比，“%(what)s”%(change)s%(n)s%(unit)s。",
                day=_day(then.day),
                what=label,
                change=_("增加") if gain >= 0 else _("减少"),
                n=f"{abs(gain):,}",
                unit=translate(self.register.unit),
            )

    def _ranked(self) -> Iterator[str]:
        """The divisions that are furthest, and those that are not."""
        place = week.ranks(self.sheet.divisions, self.done, self.whole)
        order = sorted(
            (line for line in self.sheet.divisions if line.region.id in place),
            key=lambda line: place[line.region.id],
        )
        if len(order) < 2:
            return
        label = tables.column_label(self.register, Column(self.done))
        named = min(_BEST, len(order) // 2)
        yield _(
            "“%(what)s”占比较高的地区：%(best)s；较低的地区：%(last)s。",
            what=label,
            best=_("、").join(self._share(line) for line in order[:named]),
            last=_("、").join(self._share(line) for line in order[-named:][::-1]),
        )

    def _share(self, line: statistics.Line) -> str:
        done = share(line.counts[self.done], line.counts[self.whole])
        return _("%(value)s（%(sub)s）", value=line.label, sub=done)

    def _deadline(self) -> Iterator[str]:
        found = deadlines.of(self.register, self.region.path)
        if found is None or self.counts[self.done] >= self.counts[self.whole]:
            return
        if found.passed:
            yield _("填报截止日期为%(day)s，已逾期%(n)s天。", day=_day(found.until), n=-found.left)
        else:
            yield _("填报截止日期为%(day)s，还剩%(n)s天。", day=_day(found.until), n=found.left)

    def _by_year(self, table: Table) -> Grid:
        """The table's line of the whole region, for each year that has rows."""
        figures = tables.table_figures(table)
        years = self.register.years
        lines = []
        for year in sorted(years.offered()) if years else ():
            sheet = statistics.read(self.register, self.region, figures, (), year)
            if any(sheet.total.counts.values()):
                lines.append((_("%(year)s年", year=year), sheet))
        lines.append((_("合计"), self.sheet))
        return Grid(
            _("%(table)s（按年度）", table=translate(table.title)),
            ((_("年度"),), *tables.heads(self.register, table.columns)),
            tuple(
                (label, *_texts(tables.of_sheet(table, sheet).rows[0])) for label, sheet in lines
            ),
        )


def _texts(row: tables.Row) -> tuple[str, ...]:
    return tuple(cell.text for cell in row.cells)


def _lines(report: tables.Report) -> tuple[tuple[str, ...], ...]:
    return tuple((row.label, *_texts(row)) for row in report.rows)


def _todo(told: list[_Told]) -> Iterator[str]:
    for one in told:
        yield from one.todo()
