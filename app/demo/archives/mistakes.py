"""What is wrong with some archives of the demonstration: each mistake breaks another rule of a right one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial
from typing import Any

from app.demo.people import misspelt
from app.modules.archives.choices import ArchiveWay, RenovationReason

Values = dict[str, Any]


def mistakes(today: dt.date) -> Iterator[Callable[[Values], None]]:
    """Each breaks another rule of a right archive."""
    yield from (partial(_without, name) for name in (
        "head_id", "phone", "population", "ethnicity", "poverty_kind", "income", "old_area", "old_structure",
        "reason", "way", "structure", "area", "approved_on", "accepted", "invested", "loan", "own_funds",
        "subsidy", "started_on", "face_shown", "demonstration", "village_group",
    ))  # fmt: skip
    yield from (
        _no_number, _no_phone, _wrong_number, _wrong_phone, _other_year, _before_approval, _early_start,
        _before_plan, partial(_years_later, today), _fast, _repaired_d, _rebuilt_c, _large, _small, _wrong_sum, _cheap, _dear,
        _no_face, _late_photo, _early_photo, partial(_to_come, today),
    )  # fmt: skip


def _without(name: str, said: Values) -> None:
    said[name] = None


def _no_number(said: Values) -> None:
    said |= {"head_id": None, "no_number": True, "no_number_why": "户口未登记"}


def _no_phone(said: Values) -> None:
    said |= {"phone": None, "no_phone": True, "no_phone_why": "独居老人，没有电话"}


def _wrong_number(said: Values) -> None:
    said["head_id"] = misspelt(said["head_id"])


def _wrong_phone(said: Values) -> None:
    said["phone"] = said["phone"][:-1]


def _years(said: Values, n: int, *names: str) -> None:
    """These days so many years away."""
    for name in names:
        if said[name]:
            said[name] += dt.timedelta(days=365 * n)


def _other_year(said: Values) -> None:
    _years(said, -1, "approved_on")


def _before_plan(said: Values) -> None:
    _years(said, -1, "approved_on", "started_on")


def _years_later(today: dt.date, said: Values) -> None:
    if said["plan_year"] < today.year - 3:
        _years(said, 2, "completed_on")


def _before_approval(said: Values) -> None:
    if said["completed_on"]:
        said["completed_on"] = said["approved_on"] - dt.timedelta(days=9)


def _early_start(said: Values) -> None:
    if said["started_on"]:
        said["started_on"] = said["approved_on"] - dt.timedelta(days=3)


def _fast(said: Values) -> None:
    if said["completed_on"]:
        said["completed_on"] = said["started_on"] + dt.timedelta(days=8)


def _to_come(today: dt.date, said: Values) -> None:
    said["completed_on" if said["completed_on"] else "approved_on"] = today + dt.timedelta(days=400)


def _repaired_d(said: Values) -> None:
    if said["reason"]:
        said |= {"reason": RenovationReason.D, "way": ArchiveWay.REPAIR}


def _rebuilt_c(said: Values) -> None:
    if said["reason"]:
        said |= {"reason": RenovationReason.C, "way": ArchiveWay.REBUILD}


def _built(said: Values, area: int) -> None:
    """A new house of that size: the standard says nothing of repaired ones."""
    said["area"] = Decimal(area)
    if said["way"] == ArchiveWay.REPAIR:
        said |= {"reason": RenovationReason.D, "way": ArchiveWay.REBUILD}


def _large(said: Values) -> None:
    _built(said, 19 * said["population"] + 60)


def _small(said: Values) -> None:
    _built(said, 12)


def _wrong_sum(said: Values) -> None:
    if said["invested"]:
        said["invested"] += 1200


def _cheap(said: Values) -> None:
    """In 万元, where 元 is asked for."""
    for name in ("invested", "subsidy", "own_funds", "loan"):
        if said[name]:
            said[name] = said[name] / 10000


def _dear(said: Values) -> None:
    if said["invested"]:
        said |= {"invested": said["invested"] + 600_000, "own_funds": said["own_funds"] + 600_000}


def _no_face(said: Values) -> None:
    said["face_shown"] = False


def _late_photo(said: Values) -> None:
    """Of before, and the work had begun."""
    if said["started_on"]:
        said["before_taken"] = said["started_on"] + dt.timedelta(days=6)


def _early_photo(said: Values) -> None:
    """Of after, and it was not done."""
    if said["completed_on"]:
        said["after_taken"] = said["completed_on"] - dt.timedelta(days=20)
