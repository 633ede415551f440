"""房屋图斑 from GeoJSON, as a job: twice makes nothing twice, a kill loses nothing.

A parcel is known by its number. What the file says of one that is there already replaces what it said
before; a property that the file has not stays. An outline that is none rejects the parcel; a fact that
cannot be read is left out and flagged.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access import policy
from app.access.actor import Actor, Capability
from app.access.divisions import borders, match, regions
from app.access.divisions.match import Finder, Place
from app.access.divisions.regions import Level
from app.access.scope import in_scope, joined
from app.core.db import db
from app.core.i18n import _, mark, translate
from app.core.jobs.table import Job, JobContext, job_kind
from app.kernel import hooks
from app.kernel.declare import choice_lists
from app.kernel.declare.field import Field
from app.kernel.declare.rules import RuleSet
from app.kernel.exchange import inbox
from app.kernel.exchange.imports import marked
from app.kernel.exchange.imports import notes as import_notes
from app.kernel.exchange.imports.pipeline import Line, RowImport
from app.kernel.exchange.inbox import Kept
from app.kernel.exchange.writer import Book, Column
from app.modules.house_map.parcels import columns as parcel_columns
from app.modules.house_map.parcels import geojson, outlines
from app.modules.house_map.parcels import table as parcels
from app.modules.house_map.parcels.table import Parcel

KIND = "parcel.import"
#: The address of its page.
PAGE = "/exchange/import/parcel"
_SHAPE, _PLACE = "outline", "region_code"
_FACTS = tuple(name for name in Parcel.__fields__ if name != "number")
_YEAR = re.compile(r"(1[89]\d\d|20\d\d)(?:年|\.0)?(?:[-/.年]\d{1,2}.*)?")
_BAND = re.compile(r"\d{4}")
_NEAR_KM = 5


def start(file: Kept, *, dry_run: bool, whole: bool) -> Job:
    """Queue the import of a file for the current actor.

    :raises Forbidden: the account may not import lists.
    """
    actor = policy.require(Capability.IMPORT_LIST)
    args = {"dry_run": dry_run, "whole": whole}
    return inbox.begin(KIND, actor, file, args)


@hooks.imports.listen(order=10)
def _import() -> Iterable[hooks.Import]:
    yield hooks.Import(
        KIND,
        start,
        parcel_columns.label_of,
        PAGE,
        named=mark("图斑编号"),
        command="parcel",
        what="the parcels of a GeoJSON file",
        menu=mark("房屋图斑导入"),
    )


@hooks.why_keep.listen()
def _why_keep(session: Session, row: Any, _known: Mapping[uuid.UUID, int]) -> Iterator[str]:
    """A parcel goes while no survey names it."""
    if isinstance(row, Parcel) and parcels.users(session, [row.number]):
        yield translate("已有农户在调查中选择了这个图斑。")


@job_kind(KIND, title="导入房屋图斑", forget=import_notes.forget_job)
def run(job: JobContext) -> dict[str, Any]:
    """Do it; the result has the counts of the outcomes and the marked workbook's name."""
    actor = policy.require(Capability.IMPORT_LIST)
    with inbox.local_copy(job) as path:
        return _Import(job, actor, path, geojson.survey(path)).run()


@dataclass
class _Found(Line):
    """A feature as it was read."""

    values: dict[str, Any] = field(default_factory=dict)
    columns: dict[str, Any] = field(default_factory=dict)  # of the outline
    place: Place | None = None


class _Import(RowImport[_Found]):
    rows_a_commit = 500

    def __init__(self, job: JobContext, actor: Actor, path: Path, total: int) -> None:
        super().__init__(job, Parcel.__tablename__, total)
        self.actor, self.path = actor, path
        self.reader = _Reader(actor)
        self.first: dict[int, int] = {}  # hash of a number -> where it stood first

    def rows(self) -> Iterator[tuple[int, Any]]:
        self.first.clear()
        for number, feature in geojson.features(self.path):
            key = hash(self.reader.number(feature))
            self.first.setdefault(key, number)  # before a checkpoint, too
            yield number, feature

    def check(self, number: int, row: Any) -> _Found:
        found = self.reader.read(number, row)
        if found.name and (first := self.first[hash(found.name)]) != number:
            found.reject("number", _("与第%(n)s个图斑的编号重复。", n=first))
        return found

    def decide(self, lines: Sequence[_Found], *, write: bool) -> None:
        good = [one for one in lines if not one.rejected]
        known = self._known([one.name for one in good])
        for one in good:
            self._decide(one, known.get(one.name), write=write)

    def _known(self, numbers: list[str]) -> dict[str, Any]:
        """Number -> the parcel, or False where it lies outside the account's area."""
        why = "a parcel's number is one parcel's in the whole country"
        with joined(why) as everywhere:
            taken = everywhere.scalars(select(Parcel.number).where(Parcel.number.in_(numbers)))
            known: dict[str, Any] = dict.fromkeys(taken, False)
        mine = db.session.scalars(select(Parcel).where(Parcel.number.in_(known)))
        return known | {parcel.number: parcel for parcel in mine}

    def _decide(self, one: _Found, known: Any, *, write: bool) -> None:
        if known is False:
            one.reject("number", _("这个编号的图斑已在其他地区，不能由您的账号更改。"))
            return
        if (place := one.place) is None:
            raise ValueError("a parcel without a place was rejected")
        new = {"number": one.name, "region_id": place.id} | one.values | one.columns
        if known is None:
            one.outcome = "created"
            if write:
                db.session.add(Parcel(**new))
            return
        changed = {n: v for n, v in new.items() if getattr(known, n) != v}
        one.outcome = "updated" if changed else "unchanged"
        if write:
            for name, value in changed.items():
                setattr(known, name, value)

    def mark(self, file: IO[bytes]) -> None:
        """Which parcels were rejected or flagged, and why; the file itself is corrected elsewhere."""
        heads = ((_("序号"), 8), (_("图斑编号"), 24), (_("处理结果"), 16), (_("问题说明"), 80))

        def rows() -> Iterator[list[str | int]]:
            for note in import_notes.notes_of(self.job.id):
                text = "\n".join(
                    _("%(label)s：%(value)s", label=parcel_columns.label_of(n), value=m)
                    for n, m in note.notes
                )
                yield [note.row, note.name, marked.outcome(note), text]

        with Book(file) as book:
            book.table(_("房屋图斑"), [Column((head,), width) for head, width in heads], rows())


class _Reader:
    """Reads features; keeps what many of them share."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self.names = parcel_columns.names()
        self.rules = RuleSet([Parcel.__fields__[name] for name in _FACTS], {})
        self.finder = Finder()
        own = regions.get(actor.region_id)
        self.own = match.place_of(own) if own else None
        self.places: dict[tuple[str, ...], Place | None] = {}

    def number(self, feature: Any) -> str:
        return _text(self._properties(feature).get("number"))[:40]

    def read(self, number: int, feature: Any) -> _Found:
        """One feature with its notes."""
        if not isinstance(feature, dict) or feature.get("type") != "Feature":
            found = _Found(number)
            found.reject(_SHAPE, translate("不是要素（Feature）。"))
            return found
        given = self._properties(feature)
        found = _Found(number, _text(given.get("number")))
        if not found.name:
            found.reject("number", translate("没有图斑编号。"))
        elif len(found.name) > 40 or not found.name.isprintable():
            found.name = found.name[:40]
            found.reject("number", translate("图斑编号有误（最多40个字）。"))
        try:
            outline, found.mended = outlines.read(feature.get("geometry"))
        except outlines.Broken as broken:
            found.reject(_SHAPE, str(broken))
            return found
        found.columns = parcels.placed(outline)
        self._place(found, given)
        self._facts(found, given)
        return found

    def _properties(self, feature: Any) -> dict[str, Any]:
        found = feature.get("properties") if isinstance(feature, dict) else None
        given = found if isinstance(found, dict) else {}
        known = ((self.names.get(str(key).strip().lower()), value) for key, value in given.items())
        return {name: value for name, value in known if name is not None}

    # ---- where it lies --------------------------------------------------------------------

    def _place(self, found: _Found, given: dict[str, Any]) -> None:
        code, town, village = (_text(given.get(n)) for n in ("region_code", "town", "village"))
        key = (code, "" if code else found.name[:12], town, village)
        if key not in self.places:
            self.places[key] = self._find(*key)
        place = found.place = self.places[key]
        if place is None:
            found.reject(_PLACE, translate("没有行政区划代码，或代码不对，无法确定所在区县。"))
        elif not in_scope(place.path):
            found.reject(_PLACE, _("%(place)s不在您的管辖范围内。", place=place.full_name))
        elif place.level < Level.VILLAGE:
            found.flag(_PLACE, translate("没有写明行政村，村级账号看不到这个图斑。"))
        if found.outcome != "rejected" and place is not None and self._far(found, place):
            found.flag(
                _SHAPE,
                _("图形不在%(place)s附近，请核对坐标或行政区划代码。", place=place.full_name),
            )

    def _find(self, code: str, start: str, town: str, village: str) -> Place | None:
        """By the code, else by the number's beginning; the names say which village. Else the
        account's own division.
        """
        place = _by_code(code) or (None if code else _by_code(start))
        if place is None and not code and self.own and self.own.level >= Level.COUNTY:
            place = self.own
        if place is not None and place.level == Level.COUNTY and town:
            match = self.finder.town(place, town)
            place = match.place if match else place
        if place is not None and place.level == Level.TOWN and village:
            match = self.finder.village(place, village)
            place = match.place if match else place
        return place

    def _far(self, found: _Found, place: Place) -> bool:
        """Kilometres outside the county's border, which is rough."""
        lat, lon = found.columns["lat"], found.columns["lon"]
        away = borders.km_outside(place.code[:6], lat, lon)
        return away is not None and away > _NEAR_KM

    # ---- what the census says of it -----------------------------------------------------------

    def _facts(self, found: _Found, given: dict[str, Any]) -> None:
        for name in _FACTS:
            if name not in given:
                continue
            made = Parcel.__fields__[name]
            text = _text(given[name])
            try:
                found.values[name] = made.parse(text)
            except ValueError as error:
                band = _band(made, text) if name == "year_built" else None
                if band is None:
                    found.flag(name, _("%(why)s已留空。", why=str(error)))
                else:
                    found.values[name], found.mended = band, True
        for problem in self.rules.evaluate(found.values).broken:
            value = _text(given[problem.field])
            found.flag(
                problem.field, _("“%(value)s”%(why)s已留空。", value=value, why=problem.message)
            )
            found.values.pop(problem.field)


def _text(value: Any) -> str:
    if value is None or isinstance(value, bool | dict | list):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _by_code(text: str) -> Place | None:
    """The village, town or county whose code ``text`` begins with."""
    digits = text if text.isascii() and text.isdigit() else ""
    for length, level in ((12, Level.VILLAGE), (9, Level.TOWN), (6, Level.COUNTY)):
        code = digits[:length]
        if len(code) == length and (place := regions.by_code(code, level)) is not None:
            return match.place_of(place)
    return None


def _band(made: Field, text: str) -> str | None:
    """The band of years in which a single year lies: 1995 is 1991-2000年."""
    found = _YEAR.fullmatch(text)
    year = int(found[1]) if found else None
    for code, known in choice_lists.known(made.source_list or "").items() if year else ():
        years = [int(one) for one in _BAND.findall(known.wording().text)]
        low, high = (years[0], years[-1]) if len(years) == 2 else (None, None)
        if len(years) == 1:
            low, high = (years[0], 9999) if "以后" in known.wording().text else (0, years[0])
        if low is not None and high is not None and year is not None and low <= year <= high:
            return code
    return None
