"""Borders of counties: in which one does a place lie, how far outside its own; and drawn on maps.

The map file is ``data/borders.xz`` or the one that ``BORDERS_FILE`` names (``tools/pack_borders.py``
makes both): LZMA over one line of JSON, ``[[code, name, [points of each ring]]]``, and behind it the
points as pairs of 32-bit numbers, little end first, each as the step from the one before, in 1/10,000
of a degree of WGS 84. The borders are simplified: a place within :data:`NEAR_KM` is not outside.
"""

from __future__ import annotations

import json
import lzma
import math
import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import TypeAlias

from flask import current_app

from app.access.divisions.names import DATA

SCALE = 10_000
NEAR_KM = 2.0
CODE_DIGITS = 6
_KM_A_DEGREE = 111.2

#: Longitudes and latitudes of a ring's points, times SCALE.
Ring: TypeAlias = "tuple[array[int], array[int]]"
_Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Border:
    """One county: its six digits, its name, its rings, the box around them (west, south, east, north)."""

    code: str
    name: str
    rings: tuple[Ring, ...]
    box: _Box

    def holds(self, x: int, y: int) -> bool:
        """Does the point lie inside? An odd number of borders lies to its east."""
        west, south, east, north = self.box
        if not (west <= x <= east and south <= y <= north):
            return False
        inside = False
        for ring in self.rings:
            for ax, ay, bx, by in _sides(ring):
                if (ay > y) != (by > y) and x < ax + (y - ay) * (bx - ax) / (by - ay):
                    inside = not inside
        return inside

    def km_to(self, x: int, y: int) -> float:
        """From a point outside to the nearest border, as the crow flies."""
        wide = math.cos(math.radians(y / SCALE))
        nearest = min(_from_side(x, y, *s, wide) for ring in self.rings for s in _sides(ring))
        return nearest / SCALE * _KM_A_DEGREE


def county_at(latitude: float, longitude: float) -> Border | None:
    """The county in which a place lies; None outside the map."""
    x, y = round(longitude * SCALE), round(latitude * SCALE)
    return next((one for one in _borders().values() if one.holds(x, y)), None)


def border_of(code: str) -> Border:
    """The county with these six digits. Raises KeyError where the map does not know it."""
    return _borders()[code]


def of_county(code: str) -> list[list[list[tuple[float, float]]]] | None:
    """The border of the county with this code (its first six digits count) as GeoJSON's coordinates of
    a MultiPolygon, each ring by itself: lines to be drawn, in degrees. None where it is not known.
    """
    border = _borders().get(code[:CODE_DIGITS])
    if border is None:
        return None
    return [
        [[(x / SCALE, y / SCALE) for x, y in zip(xs, ys, strict=True)]] for xs, ys in border.rings
    ]


def km_outside(code: str, latitude: float, longitude: float) -> float | None:
    """How far a place lies outside the county with these six digits: 0 inside it or within NEAR_KM of
    its border. None where the map does not know the county, as with development zones.
    """
    border = _borders().get(code)
    if border is None:
        return None
    x, y = round(longitude * SCALE), round(latitude * SCALE)
    if border.holds(x, y):
        return 0.0
    away = border.km_to(x, y)
    return away if away > NEAR_KM else 0.0


def _sides(ring: Ring) -> Iterator[tuple[int, int, int, int]]:
    xs, ys = ring
    return zip(xs, ys, xs[1:] + xs[:1], ys[1:] + ys[:1], strict=True)


def _from_side(x: int, y: int, ax: int, ay: int, bx: int, by: int, wide: float) -> float:
    """To the nearest point of a side, in units of latitude; ``wide`` is how long one of longitude is."""
    px, py, sx, sy = (x - ax) * wide, y - ay, (bx - ax) * wide, by - ay
    length = sx * sx + sy * sy
    along = max(0.0, min(1.0, (px * sx + py * sy) / length)) if length else 0.0
    return math.hypot(px - along * sx, py - along * sy)


def _borders() -> dict[str, Border]:
    return _read(current_app.config["BORDERS_FILE"] or DATA / "borders.xz")


@lru_cache(maxsize=2)
def _read(file: Path) -> dict[str, Border]:
    """Kept for the life of a worker, once the first place was asked for."""
    head, _newline, body = lzma.decompress(file.read_bytes()).partition(b"\n")
    steps = array("i", body)
    if sys.byteorder == "big":
        steps.byteswap()
    xs, ys = (array("i", accumulate(steps[way::2])) for way in (0, 1))
    found, at = {}, 0
    for code, name, sizes in json.loads(head):
        begin, rings = at, []
        for size in sizes:
            rings.append((xs[at : at + size], ys[at : at + size]))
            at += size
        box = (min(xs[begin:at]), min(ys[begin:at]), max(xs[begin:at]), max(ys[begin:at]))
        found[code] = Border(code, name, tuple(rings), box)
    return found
