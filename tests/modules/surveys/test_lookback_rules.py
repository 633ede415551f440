"""The rules of the look-back, one by one (spec 02 "Form"; 2024 manual 1.2.1)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from app.kernel.kinds import CHILDREN, FILES
from app.modules.homes.choices import Grade, Living, Measure, OtherHome, ParcelState, Seismic
from app.modules.surveys.lookback.register import LOOKBACK
from tests.builders import (
    FILES_OWN,
    FILES_UNSAFE,
    SURVEYED,
    died,
    full_house,
    id_number,
    moved,
    other_home,
    own_house,
)

Y = SURVEYED.year
NEXT_DAY = SURVEYED + dt.timedelta(days=1)
UNSEISMIC = {
    "seismic_judged": True,
    "seismic_judged_on": dt.date(2023, 6, 1),
    "seismic_result": Seismic.NOT_SATISFIED,
}
SECURED = {"secured": True, "measure": Measure.RENOVATION, "measure_year": Y}
FILES_ALL = (*FILES_UNSAFE, "seismic_paper")


def record(form: dict[str, Any], files: tuple[str, ...] = ()) -> dict[str, Any]:
    """All fields of the register by name, as the rules read a stored record."""
    empty = {n: [] if m.kind in (FILES, CHILDREN) else None for n, m in LOOKBACK.fields.items()}
    return empty | form | {name: [f"file of {name}"] for name in files}


def broken(form: dict[str, Any], files: tuple[str, ...] = ()) -> set[str]:
    return {p.code for p in LOOKBACK.rules.evaluate(record(form, files)).errors}


def shown(form: dict[str, Any]) -> set[str]:
    return LOOKBACK.rules.evaluate(record(form)).shown


@pytest.mark.parametrize(
    ("form", "files"),
    [
        pytest.param(died(), (), id="died"),
        *[pytest.param(other_home(home), (), id=f"other home {home}") for home in OtherHome],
        pytest.param(own_house(Grade.A), FILES_OWN, id="grade A"),
        pytest.param(own_house(Grade.B), FILES_OWN, id="grade B"),
        pytest.param(own_house(Grade.C), FILES_UNSAFE, id="grade C"),
        pytest.param(own_house(Grade.D), FILES_UNSAFE, id="grade D"),
        pytest.param(full_house(), FILES_ALL, id="everything"),
        pytest.param(moved(1), (), id="moved"),
        pytest.param(own_house(Grade.A) | UNSEISMIC | SECURED, (*FILES_OWN, "seismic_paper"),
                     id="grade A, not earthquake-proof"),
    ],
)  # fmt: skip
def test_complete_forms_are_valid(form: dict[str, Any], files: tuple[str, ...]) -> None:
    assert broken(form, files) == set()


def test_everything_is_used() -> None:
    """The fullest form answers every field but those of the two other ways of living."""
    assert set(full_house()) | set(FILES_ALL) == set(LOOKBACK.fields) - {
        "other_home", "other_home_text", "interim_measure", "new_place",
    }  # fmt: skip


MOVED = moved(1)
A, C, FULL = own_house(Grade.A), own_house(Grade.C), full_house()
OTHER = other_home(OtherHome.OTHER)

#: form, changes that make it wrong, the one rule that is broken
WRONG: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({}, {}, "died.required"),
    *[(OTHER, {name: None}, f"{name}.required") for name in (
        "surveyor", "surveyed_on", "head_changed", "split", "moved", "living", "other_home",
        "other_home_text")],
    *[(A, {name: None}, f"{name}.required") for name in (
        "policy_enjoyed", "policies", "parcel_state", "storeys", "floor_area", "year_built",
        "structure", "way_built", "land_nature", "planning_permit", "homestead_permit",
        "property_certificate", "geological_hazard", "seismic_design", "seismic_built",
        "strengthened", "altered", "business", "heating", "cooking", "judged", "judged_on",
        "grade", "seismic_judged", "judged_paper", "front_photos")],
    *[(C, {name: None}, f"{name}.required") for name in (
        "risky_parts", "risky_photos", "secured", "measure", "measure_year")],
    *[(FULL, {name: None}, f"{name}.required") for name in (
        "new_head_name", "new_head_id", "new_head_relation", "split_heads", "parcel_number",
        "hazard_kinds", "seismic_kinds", "strengthened_on", "damage_then", "altered_times",
        "altered_what", "business_approved", "business_kind", "seismic_judged_on",
        "seismic_result", "seismic_paper")],
    (MOVED, {"new_place": None}, "new_place.required"),
    (A, {"surveyed_on": dt.date(2099, 1, 1)}, "surveyed_on.late"),
    (A, {"population": 0}, "population.low"),
    (A, {"population": 31}, "population.high"),
    (A, {"phone": "12345"}, "phone.invalid"),
    (A, {"storeys": 0}, "storeys.low"),
    (A, {"storeys": 31}, "storeys.high"),
    (A, {"floor_area": 0}, "floor_area.low"),
    (A, {"floor_area": 10000}, "floor_area.high"),
    (A, {"judged_on": dt.date(2020, 12, 31)}, "judged_on.early"),
    (A, {"judged_on": NEXT_DAY}, "judged_on.late"),
    (A, {"judged_by_code": "91350100M000100Y44"}, "judged_by_code.invalid"),
    (A, {"judged_paper": ["p"] * 6}, "judged_paper.high"),
    (A, {"front_photos": ["p"] * 4}, "front_photos.high"),
    (C, {"risky_photos": ["p"] * 4}, "risky_photos.high"),
    (FULL, {"corrected_id": "61012219700101001X"}, "corrected_id.invalid"),
    (FULL, {"new_head_id": "61012219700101001X"}, "new_head_id.invalid"),
    (FULL, {"new_head_phone": "1"}, "new_head_phone.invalid"),
    (FULL, {"split_heads": [{"name": None, "id_number": id_number(6), "phone": None}]},
     "split_heads.name.required"),
    (FULL, {"split_heads": [{"name": "王小", "id_number": "1", "phone": None}]},
     "split_heads.id_number.invalid"),
    (FULL, {"split_heads": FULL["split_heads"] * 6}, "split_heads.high"),
    (FULL, {"owners": [FULL["owners"][0] | {"id_number": "1"}]}, "owners.id_number.invalid"),
    (FULL, {"owners": [FULL["owners"][0] | {"name": None}]}, "owners.name.required"),
    (FULL, {"occupants": [FULL["occupants"][0] | {"phone": "1"}]}, "occupants.phone.invalid"),
    (FULL, {"altered_times": 0}, "altered_times.low"),
    (FULL, {"altered_times": 51}, "altered_times.high"),
    (FULL, {"strengthened_on": NEXT_DAY}, "strengthened_on.late"),
    (FULL, {"planning_date": NEXT_DAY}, "planning_date.late"),
    (FULL, {"homestead_date": NEXT_DAY}, "homestead_date.late"),
    (FULL, {"property_date": NEXT_DAY}, "property_date.late"),
    (FULL, {"seismic_judged_on": NEXT_DAY}, "seismic_judged_on.late"),
    (FULL, {"seismic_paper": ["p"] * 6}, "seismic_paper.high"),
    (C, {"measure_year": Y - 1}, "measure_year.early"),
    (C, {"measure_year": Y + 2}, "measure_year.late"),
    (C, {"secured": True, "measure_year": Y + 1}, "measure_year.secured"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("form", "change", "rule"), [pytest.param(*case, id=case[2]) for case in WRONG]
)
def test_each_rule(form: dict[str, Any], change: dict[str, Any], rule: str) -> None:
    files = () if form in ({}, OTHER, MOVED) else FILES_UNSAFE if form is C else FILES_ALL
    whole = record(form, files)
    if form:
        assert not LOOKBACK.rules.evaluate(whole).errors
    whole |= {n: [] if v is None and isinstance(whole[n], list) else v for n, v in change.items()}
    assert {p.code for p in LOOKBACK.rules.evaluate(whole).errors} == {rule}


def test_every_rule_is_in_the_table() -> None:
    every = {f"{n}.{c.code}" for n, m in LOOKBACK.fields.items() for c in m.checks}
    every |= {f"{n}.required" for n, m in LOOKBACK.fields.items() if m.required}
    every -= {"owners.high", "occupants.high"}  # twenty owners: like split_heads.high
    assert every - {rule for *_, rule in WRONG} == set()


@pytest.mark.parametrize(
    ("form", "fields", "visible"),
    [
        ({}, "died", True),
        ({}, "living surveyor head_changed storeys", False),
        (died(), "surveyor living head_changed grade front_photos", False),
        (died() | A | {"died": True}, "living storeys grade secured new_head_name", False),
        (other_home(), "living other_home surveyor split", True),
        (other_home(), "other_home_text storeys grade policy_enjoyed front_photos", False),
        (OTHER, "other_home_text", True),
        (A | {"living": Living.OTHER}, "storeys grade front_photos", False),
        (A, "storeys judged grade front_photos judged_paper", True),
        (A, "risky_parts risky_photos secured measure other_home seismic_result", False),
        (A | {"policy_enjoyed": False}, "policies", False),
        (A, "parcel_number", False),
        (A | {"parcel_state": ParcelState.CHOSEN}, "parcel_number", True),
        (C, "risky_parts risky_photos secured measure measure_year interim_measure", True),
        (C | {"secured": True}, "interim_measure", False),
        (A | UNSEISMIC, "secured measure measure_year", True),
        (A | UNSEISMIC, "risky_parts risky_photos", False),
        (A | UNSEISMIC | {"seismic_judged": False}, "seismic_result secured measure", False),
        (A | UNSEISMIC | {"seismic_result": Seismic.SATISFIED}, "secured measure", False),
        (A | UNSEISMIC | {"grade": None}, "secured", False),
    ],
)
def test_what_shows(form: dict[str, Any], fields: str, visible: bool) -> None:
    names = set(fields.split())
    assert names & shown(form) == (names if visible else set())


def test_hidden_values_are_cleared() -> None:
    result = LOOKBACK.rules.evaluate(record(FULL | {"died": True}, FILES_ALL))
    left = {name for name, value in result.values.items() if value not in (None, [], ())}
    assert left == {"died"}
    assert result.errors == []


def test_an_old_record_does_not_break_as_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    from app.kernel.declare import terms

    monkeypatch.setattr(terms, "today", lambda: dt.date(2090, 1, 1))
    assert broken(FULL, FILES_ALL) == set()
