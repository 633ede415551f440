"""以往信息 from Excel, as a job: earlier appraisals and survey results by ID number or parcel number.

A result is known by its kind, day and house: the same list twice makes nothing twice. It lies where the
household lies that it is about, else the parcel, else in the county that hands it in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

from sqlalchemy import select

from app.access import policy
from app.access.actor import Actor, Capability
from app.access.divisions.regions import Level
from app.access.scope import joined
from app.core.db import db
from app.core.i18n import _, mark, translate
from app.core.jobs.table import Job, JobContext, job_kind
from app.kernel import hooks
from app.kernel.declare.rules import RuleSet
from app.kernel.exchange import inbox
from app.kernel.exchange.imports import notes as import_notes
from app.kernel.exchange.imports import pipeline
from app.kernel.exchange.imports.heads import Wanted, plain_head
from app.kernel.exchange.imports.pipeline import Book, Line, SheetImport
from app.kernel.exchange.inbox import Kept
from app.kernel.exchange.writer import Book as Workbook
from app.kernel.exchange.writer import Column
from app.kernel.kinds import formats
from app.kernel.rows.household import Household, SearchKey
from app.modules.house_map.earlier import facts as prior
from app.modules.house_map.earlier.facts import PriorFact
from app.modules.house_map.parcels.table import Parcel

KIND = "prior.import"
#: The address of its page.
PAGE = "/exchange/import/prior"
_WHOSE = ("id_number", "parcel_number")
_EXACT = frozenset({*_WHOSE, "kind", "found_on"})
_FIELDS = PriorFact.__fields__


def start(file: Kept, *, dry_run: bool, whole: bool) -> Job:
    """Queue the import of a file for the current actor.

    :raises Forbidden: the account may not import lists.
    """
    actor = policy.require(Capability.IMPORT_LIST)
    return inbox.begin(KIND, actor, file, {"dry_run": dry_run, "whole": whole})


@hooks.imports.listen(order=20)
def _import() -> Iterable[hooks.Import]:
    yield hooks.Import(
        KIND,
        start,
        label_of,
        PAGE,
        command="prior",
        what="the earlier results of an Excel or csv file",
        menu=mark("以往信息导入"),
    )


@job_kind(KIND, title="导入以往信息", forget=import_notes.forget_job)
def run(job: JobContext) -> dict[str, Any]:
    """Do it; the result has the counts of the outcomes and the marked workbook's name."""
    actor = policy.require(Capability.IMPORT_LIST)
    wanted = Wanted(_names(), label_of, _lacking)
    return _Import(job, actor, pipeline.read(job, wanted)).run()


def write_template(file: IO[bytes]) -> None:
    """An empty workbook to fill in."""
    columns = []
    for name, made in _FIELDS.items():
        label = translate(made.label)
        head = (
            _("%(label)s（%(unit)s）", label=label, unit=translate(made.unit))
            if made.unit
            else label
        )
        required = name in ("kind", "found_on")
        columns.append(
            Column((head,), 18, tuple(made.options().values()), translate(made.help), required)
        )
    with Workbook(file) as book:
        book.table(_("以往信息"), columns, [])


def label_of(name: str) -> str:
    """What notes call a column."""
    return translate(_FIELDS[name].label)


def _names() -> dict[str, str]:
    return {
        plain_head(label): name
        for name, made in _FIELDS.items()
        for label in (made.label, translate(made.label))
    }


def _lacking(columns: Collection[str]) -> list[str]:
    missing = [label_of(name) for name in ("kind", "found_on") if name not in columns]
    if set(columns).isdisjoint(_WHOSE):
        missing.append(_("或").join(map(label_of, _WHOSE)))
    return missing


@dataclass
class _Found(Line):
    """A row as it was read."""

    values: dict[str, Any] = field(default_factory=dict)
    key: str = ""


class _Import(SheetImport[_Found]):
    key_column = "kind"

    def __init__(self, job: JobContext, actor: Actor, book: Book) -> None:
        super().__init__(job, PriorFact.__tablename__, _("以往信息"), book)
        self.actor = actor
        self.rules = RuleSet(_FIELDS.values(), {})

    def label(self, name: str) -> str:
        return label_of(name)

    def decide(self, lines: Sequence[_Found], *, write: bool) -> None:
        good = [one for one in lines if not one.rejected]
        places = self._places(good)
        known = self._known([one.key for one in good])
        for one in good:
            self._decide(one, places, known, write=write)

    # ---- one row ------------------------------------------------------------------------------

    def check(self, number: int, row: Mapping[str, str]) -> _Found:
        found = _Found(number, formats.mend_name(row.get("head_name", ""))[:64])
        found.values = found.parsed(found.taken(row, _EXACT), _FIELDS)
        if found.rejected:
            return found
        result = self.rules.evaluate({name: found.values.get(name) for name in _FIELDS})
        for problem in result.errors:
            found.reject(problem.field, problem.message)
        self._require_substance(found)
        if not found.rejected:
            found.key = prior.match_key(found.values)
        return found

    def _require_substance(self, found: _Found) -> None:
        if not any(found.values.get(name) for name in _WHOSE):
            column = next(name for name in _WHOSE if name in self.columns)
            found.reject(column, translate("身份证号和图斑编号至少填一项。"))
        if not any(found.values.get(name) is not None for name in prior.FACTS):
            found.reject("kind", translate("没有任何结论或房屋信息，不用导入。"))

    # ---- where it lies, what is there ------------------------------------------------------------

    def _places(self, rows: Sequence[_Found]) -> dict[str, int]:
        """ID number or parcel number -> the division of the household or parcel in the area; two
        statements.
        """
        numbers, shapes = ({v for one in rows if (v := one.values.get(n))} for n in _WHOSE)
        homes = (
            select(SearchKey.value, Household.region_id)
            .join(Household, Household.id == SearchKey.household_id)
            .where(SearchKey.value.in_(numbers))
        )
        houses = select(Parcel.number, Parcel.region_id).where(Parcel.number.in_(shapes))
        found: dict[str, int] = {}
        for query, wanted in ((houses, shapes), (homes, numbers)):
            if wanted:
                found |= dict(db.session.execute(query).all())
        return found

    def _known(self, keys: list[str]) -> dict[str, Any]:
        """Key -> the row, or False where it lies outside the account's area."""
        why = "one result about one house is kept once in the whole country"
        with joined(why) as everywhere:
            query = select(PriorFact.match_key).where(PriorFact.match_key.in_(keys))
            known: dict[str, Any] = dict.fromkeys(everywhere.scalars(query), False)
        mine = db.session.scalars(select(PriorFact).where(PriorFact.match_key.in_(known)))
        return known | {row.match_key: row for row in mine}

    def _decide(
        self, one: _Found, places: Mapping[str, int], known: dict[str, Any], *, write: bool
    ) -> None:
        there = known.get(one.key)
        if there is False:
            one.reject("kind", _("这一条已由其他地区导入，不能由您的账号更改。"))
            return
        whose = [one.values[name] for name in _WHOSE if one.values.get(name)]
        place = next((places[number] for number in whose if number in places), None)
        if place is None and self.actor.level >= Level.COUNTY:
            place = self.actor.region_id
            one.flag(self._whose(one), translate("名单和图斑中都没有这个号码，已按本地区保存。"))
        if place is None:
            one.reject(
                self._whose(one), translate("名单和图斑中都没有这个号码，无法确定所在区县。")
            )
            return
        new = one.values | {"region_id": place}
        if there is None:
            one.outcome = "created"
            row: Any = PriorFact(**new, match_key=one.key) if write else new
            known[one.key] = row  # the same result once more in this file
            if write:
                db.session.add(row)
            return
        changed = {n: v for n, v in new.items() if _said(there, n) != v}
        one.outcome = "updated" if changed else "unchanged"
        for name, value in changed.items() if write else ():
            setattr(there, name, value)

    @staticmethod
    def _whose(one: _Found) -> str:
        return next(name for name in _WHOSE if one.values.get(name))


def _said(row: Any, name: str) -> Any:
    """What a row, or one that would be made, says of a field."""
    return row.get(name) if isinstance(row, dict) else getattr(row, name)
