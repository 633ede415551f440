"""What a photo says of itself, and whether that fits its record: taken on the day of the visit, and in
the household's county (spec 02 photos). It warns, and refuses nothing: clocks and satellites err.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from app.access.divisions import borders
from app.access.divisions.regions import Region
from app.core.i18n import _, translate
from app.core.lazy import lazy
from app.kernel.declare.field import Field
from app.kernel.rows.file import Attachment


@dataclass(frozen=True)
class Facts:
    """``note`` tells time, place and camera; ``other_day`` and ``elsewhere`` warn, or are empty."""

    note: str
    other_day: str = ""
    elsewhere: str = ""

    @property
    def warnings(self) -> list[str]:
        return [text for text in (self.other_day, self.elsewhere) if text]


class PhotoFacts:
    """The facts of one record's photos. ``values`` are what the record says, or is about to say."""

    def __init__(self, session: Session, row: Any, values: Mapping[str, Any]) -> None:
        self._session, self._row, self._values = session, row, values

    def of(self, made: Field, file: Attachment) -> Facts | None:
        """None for what is no photo of the visit: papers, photos of them."""
        if not made.taken_on or not file.is_photo:
            return None
        return Facts(_note(file), self._other_day(made, file), self._elsewhere(file))

    def _other_day(self, made: Field, file: Attachment) -> str:
        day = self._values.get(made.taken_on)
        if file.taken_at is None or not isinstance(day, dt.date) or file.taken_at.date() == day:
            return ""
        label = translate(self._row.__fields__[made.taken_on].label)
        return other_day(file.taken_at.date(), label, day)

    def _elsewhere(self, file: Attachment) -> str:
        if file.latitude is None or file.longitude is None:
            return ""
        away = borders.km_outside(self._county_code, file.latitude, file.longitude)
        if not away:
            return ""
        found = borders.county_at(file.latitude, file.longitude)
        return _(
            "拍摄地点在%(place)s，离该户所在县约%(km)s公里",
            place=found.name if found else _("地图范围以外"),
            km=max(1, round(away)),
        )

    @lazy
    def _county_code(self) -> str:
        county = self._session.get(Region, self._row.county_id)
        return county.code[: borders.CODE_DIGITS] if county else ""


def other_day(taken: dt.date | str, label: str, day: dt.date | str) -> str:
    """The warning; the form's script says the same while one types."""
    return _("拍摄日期%(taken)s与%(label)s%(day)s不一致", taken=taken, label=label, day=day)


def _note(file: Attachment) -> str:
    taken = f"{file.taken_at:%Y-%m-%d %H:%M}" if file.taken_at else ""
    said = [_("拍摄于%(when)s", when=taken) if taken else _("无拍摄时间")]
    if file.latitude is None or file.longitude is None:
        said.append(_("无定位"))
    else:
        found = borders.county_at(file.latitude, file.longitude)
        said.append(found.name if found else f"{file.latitude:.4f}, {file.longitude:.4f}")
    if file.device:
        said.append(file.device)
    return " · ".join(said)
