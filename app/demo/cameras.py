"""What the clerks' phones say of their photos: mostly that day in that county, sometimes not."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

from app.access.divisions import borders

_PHONES = ("HUAWEI NOH-AN00", "Redmi Note 12", "OPPO PGT-AM10", "vivo V2324A", "HONOR ANY-AN00")
_SILENT, _EARLIER, _ELSEWHERE = 0.06, 0.04, 0.02  # shares of photos


class Cameras:
    """The phones of the demonstration; places by a county's six digits."""

    def __init__(self, seed: int) -> None:
        self._pick = random.Random(seed)
        self._places: dict[str, list[tuple[float, float]]] = {}

    def facts(self, county: str, day: dt.date, others: list[str]) -> dict[str, Any]:
        """Columns of a photo that was taken on a visit; some of ``others``, counties, by mistake."""
        chance = self._pick.random()
        if chance < _SILENT:  # sent through a chat, which strips it
            return {}
        taken = dt.datetime.combine(
            day, dt.time(self._pick.randint(8, 17), self._pick.randint(0, 59))
        )
        if chance < _SILENT + _EARLIER:
            taken -= dt.timedelta(days=self._pick.randint(1, 20))
        elif chance < _SILENT + _EARLIER + _ELSEWHERE:
            county = self._pick.choice(others)
        latitude, longitude = self._pick.choice(self._inside(county))
        return {
            "taken_at": taken,
            "latitude": latitude,
            "longitude": longitude,
            "device": self._pick.choice(_PHONES),
        }

    def _inside(self, county: str) -> list[tuple[float, float]]:
        """Some places in a county."""
        known = self._places.get(county)
        if known is None:
            known = self._places[county] = self._found(borders.border_of(county))
        return known

    def _found(self, border: borders.Border) -> list[tuple[float, float]]:
        west, south, east, north = border.box
        found: list[tuple[float, float]] = []
        while len(found) < 60:
            x, y = self._pick.randint(west, east), self._pick.randint(south, north)
            if border.holds(x, y):
                found.append((y / borders.SCALE, x / borders.SCALE))
        return found
