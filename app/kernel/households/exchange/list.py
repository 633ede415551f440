"""The list of households: its columns, and what becomes of each row by itself (spec 08, "What an
import does with a row"). What a row means for the households that exist already is decided in
:mod:`app.kernel.households.exchange.importing`.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from app.access.divisions import match, regions
from app.access.divisions.match import Finder, Match, Place
from app.access.divisions.names import readable
from app.access.scope import in_scope
from app.core.i18n import mark, translate
from app.core.lazy import lazy
from app.kernel.declare import choice_lists
from app.kernel.declare.field import Field
from app.kernel.exchange.by_kind import CELLS
from app.kernel.exchange.columns import ETHNIC_MARK, HEADS, RELATIONS, SEXES, heads, label_of
from app.kernel.exchange.imports import pipeline
from app.kernel.exchange.imports.heads import Wanted
from app.kernel.kinds import formats
from app.kernel.kinds.values import is_missing
from app.kernel.rows.household import Finding, Household, match_key, number_key

if TYPE_CHECKING:
    from app.kernel.households.exchange.match import Known


def wanted(county: Place | None) -> Wanted:
    """What a list of households must name; under the account of a ``county`` its rows lie there."""

    def lacking(columns: Collection[str]) -> list[str]:
        needed = [name for name in _NEEDED if name not in columns]
        if county is not None and "county" in needed:
            needed.remove("county")
        if len(columns) >= _ENOUGH:
            needed = [name for name in needed if name in _ALWAYS]
        return [label_of(name) for name in needed]

    return Wanted(heads(), label_of, lacking, once=True)


_NEEDED = ("county", "town", "village", "head_name", "id_number")
_ALWAYS = ("county", "head_name")
_ENOUGH = 3
"""Columns that make a head of a row that names those that are always needed."""


@dataclass
class Line(pipeline.Line):
    """One row of the list: what it says once mended, what is wrong with it, what it changes."""

    id_number: str = ""
    id_valid: bool = False
    county: Place | None = None
    town: Place | None = None
    place: Place | None = None
    written_town: str = ""
    written_place: str = ""
    reference: uuid.UUID | None = None
    values: dict[str, Any] = field(default_factory=dict)
    extras: dict[str, Any] = field(default_factory=dict)  # what its list says besides
    findings: set[Finding] = field(default_factory=set)
    group: str = ""  # 户编号, where it has one
    member: bool = False  # somebody else of the household than its head
    relation: str | None = None
    head: Line | None = None  # of a member: the row of its head
    known: Known | None = None  # the household that it means; None: a new one
    changes: dict[str, Any] = field(default_factory=dict)

    @lazy
    def id_key(self) -> str | None:
        """The household's key by its valid ID number."""
        return number_key(self.id_number) if self.id_valid else None

    @lazy
    def place_key(self) -> str:
        """Its key by county, town, village group, name and phone."""
        return match_key(
            None,
            self.county.path if self.county else "",
            self.town.path if self.town else readable(self.written_town),
            self.values.get("village_group"),
            self.name,
            self.values.get("phone"),
        )

    @property
    def key(self) -> str:
        return self.id_key or self.place_key

    def doubt(self, column: str, message: str, finding: Finding) -> None:
        """Flag the row for what stays doubtful of the household."""
        self.flag(column, message)
        self.findings.add(finding)


class Checker:
    """Reads rows one by one. Keep one for an import: it remembers the divisions that it met."""

    def __init__(
        self,
        county: Place | None,
        finder: Finder,
        today: dt.date,
        extras: Mapping[str, Field] | None = None,
    ) -> None:
        """``county``: where rows of a list without that column lie; ``extras``: fields of a register's
        rows that the list says besides.
        """
        self._own_county = county
        self._extras = extras or {}
        self._finder = finder
        self._today = today
        self._ethnicities = choice_lists.by_text("ethnicity")
        self._relations = choice_lists.by_text("relation")
        self._places: dict[tuple[str, ...], Line] = {}

    def check(self, number: int, raw: Mapping[str, str]) -> Line:
        """What the row says. Looks at nothing but the row and the divisions."""
        line = Line(number)
        raw = line.taken(raw, _EXACT)
        if line.rejected:
            line.name = self.name(raw)
            return line
        self._name(line, raw["head_name"])
        self._number(line, raw.get("id_number", ""))
        self._place(line, raw)
        self._sex(line, raw.get("sex", ""))
        self._ethnicity(line, raw.get("ethnicity", ""))
        self._phone(line, raw.get("phone", ""))
        self._count(
            line,
            "population",
            raw.get("population", ""),
            mark("人口数应为1至30的整数，未导入，请核对。"),
        )
        self._count(
            line,
            "exit_year",
            raw.get("exit_year", ""),
            mark("年份应为1980年以后的四位数，未导入，请核对。"),
        )
        group = self._mended(line, raw.get("village_group", ""), formats.mend_text)
        line.values["village_group"] = group or None
        if len(group) > Household.__fields__["village_group"].length:
            line.values["village_group"] = None
            line.flag("village_group", translate("村民小组过长，未导入，请核对。"))
        self._reference(line, raw.get("reference", ""))
        self._person(line, raw)
        for name, made in self._extras.items() if not line.member else ():
            self._extra(line, name, made, raw.get(name, ""))
        return line

    def _person(self, line: Line, raw: Mapping[str, str]) -> None:
        """Of a list of persons: whose household it is, and who in it. What is said of a household is
        asked of its head.
        """
        line.group = formats.mend_text(raw.get("household_number", ""))
        text = formats.half_width(formats.mend_text(raw.get("relation", "")))
        line.member = bool(text) and text not in HEADS
        if not line.member:
            return
        line.relation = self._relations.get(text) or self._relations.get(RELATIONS.get(text, ""))
        asked = {"town", "village"} if line.values.get("phone") else {"town", "village", "phone"}
        if not line.rejected:
            line.notes = [note for note in line.notes if note[0] not in asked]
        if line.relation is None:
            line.flag(
                "relation",
                translate("“%(text)s”不在与户主关系的选项中，未导入，请核对。", text=text[:30]),
            )

    @staticmethod
    def number(raw: Mapping[str, str]) -> str:
        """The mended ID number of a row, right or wrong: for finding rows that share one."""
        return formats.mend_id_number(raw.get("id_number", ""))

    @staticmethod
    def name(raw: Mapping[str, str]) -> str:
        """The mended name of a row."""
        return formats.mend_name(raw["head_name"])

    @staticmethod
    def _mended(line: Line, raw: str, mend: Callable[[str], str]) -> str:
        text = mend(raw)
        if text and text != raw:
            line.mended = True
        return text

    def _name(self, line: Line, raw: str) -> None:
        line.name = self._mended(line, raw, formats.mend_name)
        problem = formats.name_problem(line.name)
        if not line.name or len(line.name) > Household.__fields__["head_name"].length:
            line.reject(
                "head_name", problem.message if problem else translate("姓名过长，请核对。")
            )
        elif problem:
            line.flag("head_name", problem.message)

    def _number(self, line: Line, raw: str) -> None:
        line.id_number = self._mended(line, raw, formats.mend_id_number)
        problem = formats.id_number_problem(line.id_number, self._today)
        line.id_valid = problem is None
        if len(line.id_number) > Household.__fields__["issued_id"].length:
            line.reject("id_number", translate("身份证号过长，无法识别，请核对。"))
        elif problem:
            missing = problem.code == "id.missing"
            line.doubt(
                "id_number", problem.message, Finding.ID_MISSING if missing else Finding.ID_WRONG
            )

    def _place(self, line: Line, raw: Mapping[str, str]) -> None:
        """Rows that write their place alike lie in the same one."""
        key = tuple([raw.get(name, "") for name in _PLACE])
        found = self._places.get(key)
        if found is None:
            if len(self._places) >= _PLACES_KEPT:
                self._places.clear()
            found = self._places[key] = Line(line.number)
            self._find_place(found, raw)
        line.county, line.town, line.place = found.county, found.town, found.place
        line.written_town, line.written_place = found.written_town, found.written_place
        line.notes += found.notes
        line.findings |= found.findings
        line.outcome = found.outcome if found.rejected else line.outcome
        line.mended = line.mended or found.mended

    def _find_place(self, line: Line, raw: Mapping[str, str]) -> None:
        county = self._county(line, raw)
        if county is None:
            return
        line.county = line.place = county
        line.written_town, village = raw.get("town", "").strip(), raw.get("village", "").strip()
        line.written_place = f"{line.written_town} {village}".strip()[:120]
        if "town" not in raw and village:
            self._find_in_county(line, county, village)
            return
        if not line.written_town:
            text = mark("乡镇为空，已列入行政区划缺失，请补充乡镇和村。")
            line.doubt("town", translate(text), Finding.NO_VILLAGE)
            return
        town = self._taken(line, self._finder.town(county, line.written_town))
        if town is None:
            text = mark("%(county)s没有“%(town)s”，已列入行政区划缺失，请核对乡镇。")
            message = translate(text, county=county.name, town=line.written_town)
            line.doubt("town", message, Finding.NO_VILLAGE)
            return
        line.town = line.place = town
        if not village:
            text = mark("村为空，已列入行政区划缺失，请补充村。")
            line.doubt("village", translate(text), Finding.NO_VILLAGE)
            return
        found = self._taken(line, self._finder.village(town, village))
        if found is None:
            text = mark("%(town)s没有唯一对应“%(village)s”的村，已列入行政区划缺失，请核对村名。")
            message = translate(text, town=town.name, village=village)
            line.doubt("village", message, Finding.NO_VILLAGE)
            return
        line.place, line.written_place = found, ""

    def _find_in_county(self, line: Line, county: Place, village: str) -> None:
        """The village of a list that has no column for towns."""
        found = self._taken(line, self._finder.village_of_county(county, village))
        if found is None:
            text = mark(
                "%(county)s没有唯一对应“%(village)s”的村，已列入行政区划缺失，请核对村名，或补充乡镇列。"
            )
            message = translate(text, county=county.name, village=village)
            line.doubt("village", message, Finding.NO_VILLAGE)
            return
        line.place, line.written_place = found, ""
        line.town = match.place_of(regions.along(found.path)[-2])

    def _county(self, line: Line, raw: Mapping[str, str]) -> Place | None:
        if self._own_county is not None and "county" not in raw:
            return self._own_county
        written = raw.get("county", "").strip()
        if not written:
            line.reject("county", translate("县级行政区划为空，请填写。"))
            return None
        province, city = raw.get("province", "").strip(), raw.get("city", "").strip()
        found = self._finder.county(province, city, written)
        if found is None:
            text = mark("没有找到“%(name)s”，请核对省、市、县名称。")
            line.reject("county", translate(text, name=f"{province}{city}{written}"))
            return None
        if not in_scope(found.place.path):
            text = mark("%(name)s不在您的管辖范围内，不能导入。")
            line.reject("county", translate(text, name=found.place.name))
            return None
        return self._taken(line, found)

    @staticmethod
    def _taken(line: Line, found: Match | None) -> Place | None:
        if found is None:
            return None
        line.mended = line.mended or not found.exact
        return found.place

    def _sex(self, line: Line, raw: str) -> None:
        text = formats.mend_text(raw)
        sex = SEXES.get(text)
        line.values["sex"] = sex
        if sex is None and text:
            line.flag("sex", translate("性别应为男或女，未导入，请核对。"))
        elif sex:
            line.mended = line.mended or raw != sex.zh
            told = formats.sex_of(line.id_number) if line.id_valid else None
            if told and told != sex.zh:
                text = mark("性别与身份证号不符：身份证号第17位表示%(sex)s，请核对。")
                line.doubt("sex", translate(text, sex=translate(told)), Finding.SEX_MISMATCH)

    def _ethnicity(self, line: Line, raw: str) -> None:
        text = formats.mend_text(raw)
        code = self._ethnicities.get(text) or self._ethnicities.get(f"{text}{ETHNIC_MARK}")
        line.values["ethnicity"] = code
        if text and code is None:
            line.flag("ethnicity", translate("民族不在选项中，未导入，请核对。"))
        elif text:
            line.mended = line.mended or raw not in self._ethnicities

    def _phone(self, line: Line, raw: str) -> None:
        phone = self._mended(line, raw, formats.mend_phone)
        problem = formats.phone_problem(phone)
        if len(phone) > Household.__fields__["phone"].length:
            phone = ""
        line.values["phone"] = phone or None
        if problem:
            missing = problem.code == "phone.missing"
            finding = Finding.PHONE_MISSING if missing else Finding.PHONE_ODD
            line.doubt("phone", problem.message, finding)

    def _count(self, line: Line, name: str, raw: str, rule: str) -> None:
        text = formats.mend_text(raw)
        low, high = _LIMITS[name]
        mend = formats.mend_year if name == "exit_year" else formats.mend_count
        value = mend(text) if text else None
        if value is not None and low <= value <= high:
            line.mended = line.mended or raw != str(value)
        elif text:
            value = None
            line.flag(name, translate(rule))
        line.values[name] = value

    @staticmethod
    def _extra(line: Line, name: str, made: Field, raw: str) -> None:
        if not (text := raw.strip()):
            return
        value, problem = CELLS[made.kind].understood(made, text)
        if problem:
            line.flag(name, translate("%(why)s（该内容未导入）", why=problem))
        if not is_missing(value):
            line.extras[name] = value
            line.mended = line.mended or (made.kind.several and made.text(value) != text)

    @staticmethod
    def _reference(line: Line, raw: str) -> None:
        if not raw.strip():
            return
        try:
            line.reference = uuid.UUID(raw.strip())
        except ValueError:
            line.reject("reference", translate("农户编号不正确，请勿改动该列；新增的行请留空。"))


_EXACT = frozenset({"province", "city", "county", "head_name", "id_number", "reference"})
"""Columns that say who it is and where: a formula in them is taken for nothing."""
_PLACE = ("province", "city", "county", "town", "village")
_PLACES_KEPT = 20_000
_LIMITS = {"population": (1, 30), "exit_year": (1980, 2100)}
