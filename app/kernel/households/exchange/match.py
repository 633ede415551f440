"""Which household of the list a row means, and what the row would change about it.

A row is matched by its valid ID number, else by county, town, village group, name and phone; a row
of a marked workbook by the household's key that stands in it. The number is looked for in the
whole country: a person is on one list only.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import select

from app.access.divisions.regions import Level, Region
from app.access.scope import in_scope, joined
from app.core.clock import today
from app.core.i18n import mark, translate
from app.kernel.declare.house_lists import HouseList, issued_list
from app.kernel.exchange.columns import REFERENCE, REFERENCE_WRONG
from app.kernel.households import lists as households
from app.kernel.households.exchange.list import Line
from app.kernel.kinds import formats
from app.kernel.rows.household import Finding, Household, SearchKey
from app.kernel.rows.member import PersonNumber

_FACTS = ("sex", "ethnicity", "phone", "population", "village_group", "exit_year")


class Known(NamedTuple):
    """What a match needs to know of a household that exists."""

    id: uuid.UUID
    match_key: str
    path: str
    level: int
    full_name: str
    issued_name: str
    head_name: str
    issued_id: str | None
    corrected_id: str | None
    head_id: str | None
    sex: Any
    ethnicity: str | None
    phone: str | None
    population: int | None
    village_group: str | None
    exit_year: int | None
    findings: tuple[str, ...]
    poverty_exit: bool
    low_income: bool

    @property
    def number(self) -> str | None:
        return self.corrected_id or self.issued_id

    @property
    def number_valid(self) -> bool:
        return formats.id_number_valid(self.number, today())


def decide(lines: Sequence[Line], onto: HouseList) -> None:
    """Match checked lines of a list; a constant number of statements, no lock."""
    good = [line for line in lines if not line.rejected]
    candidates = _Candidates(good)
    for line in sorted(good, key=lambda line: line.member):  # heads first: members ask theirs
        (_match_member if line.member else _match)(line, candidates)
        if line.rejected:
            continue
        if line.known is not None and not getattr(line.known, onto.name):
            line.changes[onto.name] = True
        if onto.of_persons and line.id_valid:
            stands = candidates.standing.get(line.id_number)
            if stands is not None and stands != _own(line):
                text = mark("该身份证号已在低收入群体名单中，是另一户的户主或家庭成员，请核对。")
                line.reject("id_number", translate(text))
                continue
        if line.known is not None and not line.member:
            line.outcome = "updated" if line.changes else "unchanged"


def _match(line: Line, candidates: _Candidates) -> None:
    known = None
    if line.reference:
        known = candidates.by_id.get(line.reference)
        if known is None or not in_scope(known.path) or not _plausible(line, known):
            line.reject(REFERENCE.name, translate(REFERENCE_WRONG))
            return
    same_number = candidates.by_number.get(line.id_number) if line.id_valid else None
    if same_number and (known is None or same_number.id != known.id):
        if known is not None or not _is_same(line, same_number):
            line.reject("id_number", _listed_already(same_number))
            return
        known = same_number
    known = known or candidates.by_place(line)
    if known is not None:
        line.known, line.household_id = known, known.id
        line.changes = _changes(line, known)


def _own(line: Line) -> uuid.UUID | None:
    """The household that the row is about, where it is known."""
    known = line.head.known if line.head is not None else line.known
    return known.id if known is not None else line.household_id


def _match_member(line: Line, candidates: _Candidates) -> None:
    """Whose household it is, its head says, or the key of a marked workbook; the person belongs to no
    other, as its head or a member.
    """
    if line.head is None:
        theirs = candidates.by_id.get(line.reference) if line.reference else None
        if theirs is None or not in_scope(theirs.path):
            line.reject(REFERENCE.name, translate(REFERENCE_WRONG))
            return
        line.household_id = theirs.id
    if not line.id_valid:
        return
    own, other = _own(line), candidates.by_number.get(line.id_number)
    if other is not None and other.id != own:
        line.reject("id_number", _listed_already(other))
    elif (theirs := candidates.of_person(line.id_number, own)) is not None:
        line.reject("id_number", _member_already(theirs))


def _is_same(line: Line, known: Known) -> bool:
    """Same number, same name, same county: the row means this household."""
    county = line.county
    return (
        county is not None
        and known.path.startswith(county.path)
        and line.name in (known.issued_name, known.head_name)
    )


def _plausible(line: Line, known: Known) -> bool:
    """The key in a marked workbook may have slipped to another row: something else must agree."""
    return (
        line.name in (known.issued_name, known.head_name)
        or bool(line.id_number and line.id_number in (known.issued_id, known.corrected_id))
        or known.match_key in (line.id_key, line.place_key)
    )


def _listed_already(known: Known) -> str:
    if not in_scope(known.path):
        return translate("该身份证号已在其他地区的名单中。")
    text = mark("该身份证号已在名单中：%(place)s，户主%(name)s，请核对。")
    return translate(text, place=known.full_name, name=known.head_name)


def _member_already(known: Known) -> str:
    if not in_scope(known.path):
        return translate("该身份证号是其他地区一户的家庭成员，请核对。")
    text = mark("该身份证号是另一户的家庭成员：%(place)s，户主%(name)s，请核对。")
    return translate(text, place=known.full_name, name=known.head_name)


def _changes(line: Line, known: Known) -> dict[str, Any]:
    changes = {
        name: line.values[name]
        for name in _FACTS
        if line.values.get(name) not in (None, "", getattr(known, name))
    }
    if formats.phone_valid(known.phone) and not formats.phone_valid(line.values.get("phone")):
        changes.pop("phone", None)  # a doubtful number replaces no good one
    if line.id_valid and not known.number_valid:
        changes["corrected_id"] = line.id_number
        if known.head_id in (None, known.issued_id):
            changes["head_id"] = line.id_number
    if line.name not in (known.issued_name, known.head_name):
        text = mark("姓名与已下发的“%(name)s”不同，未更改；户主变更请在%(what)s中填报。")
        issued = issued_list()
        surveys = households.following(issued.name) if issued else []
        words = (translate(register.record_word) for register in surveys)
        where = translate(mark("、")).join(words)
        line.flag("head_name", translate(text, name=known.issued_name, what=where))
    _place_changes(line, known, changes)
    findings = _findings(line, known, changes)
    if set(findings) != set(known.findings):
        changes["findings"] = findings or None
    return changes


def _place_changes(line: Line, known: Known, changes: dict[str, Any]) -> None:
    place = line.place
    if place is None or place.path == known.path or known.path.startswith(place.path):
        return
    if place.path.startswith(known.path):
        changes["region_id"] = place.id
        return
    text = mark("该户现在%(place)s，与名单不同，未更改；迁移请使用“是否迁户”。")
    line.flag("village", translate(text, place=known.full_name))


def _findings(line: Line, known: Known, changes: dict[str, Any]) -> tuple[str, ...]:
    """What is still doubtful once the row is in: what was put right elsewhere stays right."""
    found = set(line.findings)
    number_valid = line.id_valid or known.number_valid
    if number_valid:
        found -= {Finding.ID_MISSING, Finding.ID_WRONG}
    if formats.phone_valid(changes.get("phone", known.phone)):
        found -= {Finding.PHONE_MISSING, Finding.PHONE_ODD}
    if known.level == Level.VILLAGE:
        found.discard(Finding.NO_VILLAGE)
    return tuple(sorted(finding.value for finding in found))


class _Candidates:
    """The households that some lines may mean."""

    def __init__(self, lines: Sequence[Line]) -> None:
        numbers = {line.id_number for line in lines if line.id_number}
        keys = {key for line in lines for key in (line.id_key, line.place_key) if key}
        references = {line.reference for line in lines if line.reference}
        with joined("an ID number is on one list in the whole country") as session:
            self._read = session
            found = self._find(Household.match_key, keys)
            found += self._find(Household.id, references)
            self._known_by: dict[str, set[uuid.UUID]] = defaultdict(set)
            found += self._searched(numbers)
            rows = session.execute(
                select(PersonNumber.number, PersonNumber.household_id).where(
                    PersonNumber.number.in_(numbers)
                )
            )
            self.standing: dict[str, uuid.UUID] = {row.number: row.household_id for row in rows}
            names = [line for line in lines if not line.id_valid]
            found += self._searched(
                {line.name for line in names},
                {line.county.id for line in names if line.county},
            )
        self.by_id = {known.id: known for known in found}
        self._by_key = {known.match_key: known for known in found}
        self.by_number: dict[str, Known] = {}
        self._by_name: dict[str, list[Known]] = {}
        for known in self.by_id.values():
            for number in (known.issued_id, known.corrected_id):
                if number:
                    self.by_number.setdefault(number, known)
            self._by_name.setdefault(known.issued_name, []).append(known)

    def by_place(self, line: Line) -> Known | None:
        """The household of the same county, town, group, name and phone, or the same wrong number.

        For a row with a valid number only one that has none yet: the row corrects it.
        """
        found = self._by_key.get(line.place_key)
        if line.id_valid:
            return found if found and not found.number_valid else None
        return found or next((k for k in self._by_name.get(line.name, ()) if _is_at(line, k)), None)

    def of_person(self, number: str, own: uuid.UUID | None) -> Known | None:
        """Another household than ``own`` that is found by a person's number: its member's."""
        others = sorted(self._known_by.get(number, set()) - {own})
        return self.by_id.get(others[0]) if others else None

    def _find(self, column: Any, values: Iterable[Any]) -> list[Known]:
        wanted = list(values)
        return self._rows(column.in_(wanted)) if wanted else []

    def _searched(self, values: set[str], counties: set[int] | None = None) -> list[Known]:
        if not values or counties == set():
            return []
        found = select(SearchKey.value, SearchKey.household_id).where(SearchKey.value.in_(values))
        if counties is not None:
            found = found.where(SearchKey.county_id.in_(counties))
        rows = self._read.execute(found).all()
        for value, household_id in rows:
            self._known_by[value].add(household_id)
        return self._find(Household.id, {household_id for _value, household_id in rows})

    def _rows(self, condition: Any) -> list[Known]:
        columns = {name: getattr(Household, name) for name in Known._fields if name not in _PLACE}
        columns |= {"level": Region.level, "full_name": Region.full_name}
        query = (
            select(*(columns[name] for name in Known._fields))
            .join(Region, Region.id == Household.region_id)
            .where(condition)
        )
        return [Known(*row) for row in self._read.execute(query)]


_PLACE = {"level", "full_name"}


def _is_at(line: Line, known: Known) -> bool:
    """Same town and name, and the very same wrong number, or the same group and phone."""
    area = line.town or line.county
    if area is None or not known.path.startswith(area.path):
        return False
    if line.id_number and line.id_number == known.issued_id:
        return True
    group, phone = line.values.get("village_group"), line.values.get("phone")
    return group == known.village_group and phone == known.phone
