"""Outlines of buildings: rings of longitude and latitude in degrees (WGS84 or CGCS2000).

An outline is kept as a list of polygons, each a list of rings, each a list of [longitude, latitude]:
the first ring of a polygon runs against the clock, its holes with it, and each ends where it began
(RFC 7946). Nothing here needs a database.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from app.core.i18n import translate

#: Degrees: west, south, east, north of all that China's census maps.
CHINA = (73.0, 3.0, 136.0, 54.0)
#: A coordinate is kept to a centimetre.
PLACES = 7
#: Look-ups go by squares of the web map's 15th zoom level, about a kilometre wide.
ZOOM = 15
_TILES = 1 << ZOOM
_MOST_POINTS, _MOST_POLYGONS = 1000, 20
_WIDEST = 0.02  # degrees; some two kilometres, wider than any house
_SMALLEST = 1e-11  # square degrees; a tenth of a square metre
_FURTHEST = 20_037_509.0  # metres; the edge of the web map

Point = tuple[float, float]
Ring = list[Point]
Outline = list[list[Ring]]


class Broken(ValueError):
    """The outline cannot be used; the text says why, in the user's language."""


@dataclass(frozen=True)
class Box:
    """Degrees."""

    west: float
    south: float
    east: float
    north: float

    @property
    def centre(self) -> Point:
        return (self.west + self.east) / 2, (self.south + self.north) / 2


def read(geometry: Any) -> tuple[Outline, bool]:
    """The outline of a GeoJSON geometry, and whether something of it had to be mended.

    Mended are the direction of rings and points that repeat the one before.

    :raises Broken: no polygon, a ring that is open, too short or crosses itself, a place outside China.
    """
    if not isinstance(geometry, dict):
        raise Broken(translate("没有图形（geometry）。"))
    kind, found = geometry.get("type"), geometry.get("coordinates")
    if kind not in ("Polygon", "MultiPolygon"):
        raise Broken(
            translate(
                "图形应为面（Polygon 或 MultiPolygon），不能是%(kind)s。", kind=str(kind)[:30]
            )
        )
    polygons = [found] if kind == "Polygon" else found
    if not isinstance(polygons, list) or not polygons:
        raise Broken(translate("图形没有坐标。"))
    if len(polygons) > _MOST_POLYGONS:
        raise Broken(translate("一个图斑最多%(n)s个面。", n=_MOST_POLYGONS))
    outline, mended = [], False
    for polygon in polygons:
        if not isinstance(polygon, list) or not polygon:
            raise Broken(translate("图形没有坐标。"))
        rings = []
        for number, raw in enumerate(polygon):
            ring, changed = _ring(raw, against_clock=number == 0)
            rings.append(ring)
            mended |= changed
        outline.append(rings)
    box = box_of(outline)
    if box.east - box.west > _WIDEST or box.north - box.south > _WIDEST:
        raise Broken(translate("图形过大（超过2公里），不是一栋房屋的轮廓。"))
    return outline, mended


def _ring(raw: Any, *, against_clock: bool) -> tuple[Ring, bool]:
    if not isinstance(raw, list) or len(raw) < 4:
        raise Broken(translate("环至少要有4个点（首尾相同）。"))
    if len(raw) > _MOST_POINTS:
        raise Broken(translate("一个环最多%(n)s个点，请先简化。", n=_MOST_POINTS))
    exact = [_point(position) for position in raw]
    if exact[0] != exact[-1]:
        raise Broken(translate("环没有闭合：最后一个点应与第一个点相同。"))
    ring: Ring = []
    for x, y in exact:
        point = (round(x, PLACES), round(y, PLACES))
        if not ring or ring[-1] != point:
            ring.append(point)
    if len(ring) < 4:
        raise Broken(translate("环至少要有4个点（首尾相同）。"))
    if _crosses_itself(ring):
        raise Broken(translate("环自相交，请修正图形后再导入。"))
    area = _signed_area(ring)
    if abs(area) < _SMALLEST:
        raise Broken(translate("图形面积为零。"))
    turned = (area > 0) != against_clock
    return (ring[::-1] if turned else ring), turned or len(ring) != len(exact)


def _point(position: Any) -> Point:
    if (
        not isinstance(position, list)
        or len(position) < 2
        or not all(map(_is_number, position[:2]))
    ):
        raise Broken(translate("坐标应为数字：[经度, 纬度]。"))
    x, y = float(position[0]), float(position[1])
    if not in_china(x, y):
        raise Broken(where_instead(x, y))
    return x, y


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def in_china(x: float, y: float) -> bool:
    """Do longitude and latitude lie where China's census maps?"""
    west, south, east, north = CHINA
    return west <= x <= east and south <= y <= north


def where_instead(x: float, y: float) -> str:
    """What a position outside China probably is, and what to do."""
    if in_china(y, x):
        return translate("经度和纬度写反了：GeoJSON 的坐标是 [经度, 纬度]。")
    if in_metres(x, y):
        return metres_text(x, y)
    return translate("坐标（%(x)s，%(y)s）不在中国范围内。", x=f"{x:g}", y=f"{y:g}")


def in_metres(x: float, y: float) -> bool:
    """No degrees at all: metres of a projected system."""
    return abs(x) > 180 or abs(y) > 180


def metres_text(x: float, y: float) -> str:
    """Which projected system these metres look like."""
    if 8e6 <= x <= _FURTHEST and 3e5 <= y <= 8e6:
        system = translate("Web 墨卡托（EPSG:3857）")
    elif 1.3e7 <= x <= 4.6e7 or 1e5 <= x <= 9e5:
        system = translate("CGCS2000 高斯-克吕格投影（如 EPSG:4527）")
    else:
        system = translate("投影坐标系")
    return translate(
        "坐标单位是米，像是%(system)s。请先转换为 WGS84 或 CGCS2000 经纬度（度）再导入。",
        system=system,
    )


# ---- rings ------------------------------------------------------------------------------------


def _signed_area(ring: Ring) -> float:
    """Square degrees; positive against the clock."""
    x0, y0 = ring[0]  # small differences: the sum of large products would lose the area
    pairs = pairwise(ring)
    return sum((a[0] - x0) * (b[1] - y0) - (b[0] - x0) * (a[1] - y0) for a, b in pairs) / 2


def _crosses_itself(ring: Ring) -> bool:
    """Do two sides meet elsewhere than where one ends and the next begins?"""
    sides = list(pairwise(ring))
    last = len(sides) - 1
    order = sorted(range(len(sides)), key=lambda i: min(sides[i][0][0], sides[i][1][0]))
    for place, i in enumerate(order):
        (a, b) = sides[i]
        right = max(a[0], b[0])
        for j in order[place + 1 :]:
            c, d = sides[j]
            if min(c[0], d[0]) > right:
                break
            near, far = min(i, j), max(i, j)
            if far - near == 1:
                if _folds_back(*sides[near], sides[far][1]):
                    return True
            elif near == 0 and far == last:
                if _folds_back(*sides[far], sides[near][1]):
                    return True
            elif _meet(a, b, c, d):
                return True
    return False


def _turn(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _folds_back(a: Point, b: Point, c: Point) -> bool:
    """The side b-c runs back over a-b."""
    straight = _turn(a, b, c) == 0
    return straight and (b[0] - a[0]) * (c[0] - b[0]) + (b[1] - a[1]) * (c[1] - b[1]) < 0


def _meet(a: Point, b: Point, c: Point, d: Point) -> bool:
    t1, t2, t3, t4 = _turn(c, d, a), _turn(c, d, b), _turn(a, b, c), _turn(a, b, d)
    if t1 * t2 < 0 and t3 * t4 < 0:
        return True
    ends = ((t1, c, d, a), (t2, c, d, b), (t3, a, b, c), (t4, a, b, d))
    return any(t == 0 and _between(p, q, r) for t, p, q, r in ends)


def _between(a: Point, b: Point, c: Point) -> bool:
    return min(a[0], b[0]) <= c[0] <= max(a[0], b[0]) and min(a[1], b[1]) <= c[1] <= max(a[1], b[1])


# ---- places -----------------------------------------------------------------------------------


def box_of(outline: Outline) -> Box:
    """The box around it; holes lie inside."""
    points = [point for polygon in outline for point in polygon[0]]
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return Box(min(xs), min(ys), max(xs), max(ys))


def cell_of(x: float, y: float) -> int:
    """The square of the look-up index in which a position lies."""
    column, row = _square(x, y)
    return column * _TILES + row


def cells_of(box: Box, most: int) -> list[int] | None:
    """The squares that a box touches, or None if these are more than ``most``."""
    left, top = _square(box.west, box.north)
    right, bottom = _square(box.east, box.south)
    if (right - left + 1) * (bottom - top + 1) > most:
        return None
    return [x * _TILES + y for x in range(left, right + 1) for y in range(top, bottom + 1)]


def _square(x: float, y: float) -> tuple[int, int]:
    bent = math.radians(max(-85.0, min(85.0, y)))
    height = (1 - math.asinh(math.tan(bent)) / math.pi) / 2
    column, row = int((x + 180) / 360 * _TILES), int(height * _TILES)
    return max(0, min(_TILES - 1, column)), max(0, min(_TILES - 1, row))


def metres_between(a: Point, b: Point) -> float:
    """The distance of two near positions in metres."""
    across = math.cos(math.radians((a[1] + b[1]) / 2))
    return math.hypot((a[0] - b[0]) * across, a[1] - b[1]) * 111_320


def points_of(outline: Sequence[Sequence[Ring]]) -> Iterator[Point]:
    """All corners."""
    return (point for polygon in outline for ring in polygon for point in ring)
