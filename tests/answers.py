"""Complete, valid answers of a look-back form for each way of living: what tests and benchmarks fill
in. No database is needed for them.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from app.modules.homes.choices import Grade, Judged, Living, Measure, OtherHome, ParcelState, Policy

SURVEYED = dt.date(2024, 9, 7)

#: Files that a complete form needs beside its values, by way of living.
FILES_OWN = ("judged_paper", "front_photos")
FILES_UNSAFE = ("judged_paper", "front_photos", "risky_photos")

_BASICS: dict[str, Any] = {
    "died": False,
    "population": 4,
    "phone": "13909180000",
    "surveyor": "王排查",
    "surveyed_on": SURVEYED,
    "head_changed": False,
    "split": False,
    "moved": False,
}
_HOUSE: dict[str, Any] = {
    "living": Living.OWN,
    "policy_enjoyed": True,
    "policies": (Policy.RENOVATION.value,),
    "parcel_state": ParcelState.NOT_FOUND,
    "residence_type": "01",
    "storeys": 2,
    "floor_area": Decimal("120.50"),
    "year_built": "04",
    "structure": "01",
    "way_built": "01",
    "land_nature": "01",
    "planning_permit": False,
    "homestead_permit": False,
    "property_certificate": False,
    "geological_hazard": False,
    "seismic_design": False,
    "seismic_built": False,
    "strengthened": False,
    "altered": False,
    "business": False,
    "heating": "02",
    "cooking": "02",
    "judged": Judged.ASSESSMENT,
    "judged_on": dt.date(2023, 5, 1),
    "seismic_judged": False,
}


def died() -> dict[str, Any]:
    """The household died out: nothing else is needed."""
    return {"died": True}


def moved(village: int) -> dict[str, Any]:
    """The household moves to another village: nothing else is needed."""
    return {
        "died": False,
        "head_changed": False,
        "split": False,
        "moved": True,
        "new_place": village,
    }


def other_home(home: OtherHome = OtherHome.CARE_HOME) -> dict[str, Any]:
    """The household lives in other safe housing."""
    text = {"other_home_text": "住在子女的单位宿舍"} if home == OtherHome.OTHER else {}
    return _BASICS | {"living": Living.OTHER, "other_home": home} | text


def homeless() -> dict[str, Any]:
    """The household has no house, and applies for one for the next year."""
    return _BASICS | {
        "living": Living.NONE,
        "secured": False,
        "measure": Measure.RENOVATION,
        "measure_year": SURVEYED.year + 1,
    }


def own_house(grade: Grade = Grade.A) -> dict[str, Any]:
    """The household lives in its own rural house of that grade; C and D not yet secured.

    The record also needs the files :data:`FILES_OWN`, of grade C or D :data:`FILES_UNSAFE`.
    """
    form = _BASICS | _HOUSE | {"grade": grade}
    if grade in (Grade.C, Grade.D):
        form |= {
            "risky_parts": ("01", "04"),
            "secured": False,
            "measure": Measure.RENOVATION,
            "measure_year": SURVEYED.year + 1,
        }
    return form
