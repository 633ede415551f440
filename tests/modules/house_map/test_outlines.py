"""Outlines: each way in which a ring can be broken, and what is mended."""

from __future__ import annotations

from typing import Any

import pytest

from app.modules.house_map.parcels import outlines
from app.modules.house_map.parcels.outlines import Box, Broken

X, Y = 109.3, 34.1
SQUARE = [[X, Y], [X + 1e-4, Y], [X + 1e-4, Y + 1e-4], [X, Y + 1e-4], [X, Y]]
BOW = [[X, Y], [X + 1e-4, Y + 1e-4], [X + 1e-4, Y], [X, Y + 1e-4], [X, Y]]
FOLD = [[X, Y], [X + 2e-4, Y], [X + 1e-4, Y], [X + 1e-4, Y + 1e-4], [X, Y]]
TOUCH = [[X, Y], [X + 4e-4, Y], [X + 4e-4, Y + 2e-4], [X + 2e-4, Y], [X, Y + 2e-4], [X, Y]]
LINE = [[X, Y], [X + 1e-4, Y], [X + 2e-4, Y], [X, Y]]


def polygon(*rings: Any) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(rings)}


@pytest.mark.parametrize(
    ("geometry", "said"),
    [
        (None, "没有图形"),
        ({"type": "Point", "coordinates": [X, Y]}, "不能是Point"),
        ({"type": "LineString", "coordinates": SQUARE}, "不能是LineString"),
        ({"type": "Polygon"}, "没有坐标"),
        ({"type": "Polygon", "coordinates": []}, "没有坐标"),
        ({"type": "MultiPolygon", "coordinates": [[]]}, "没有坐标"),
        ({"type": "MultiPolygon", "coordinates": [[SQUARE]] * 21}, "最多20个面"),
        (polygon(SQUARE[:3]), "至少要有4个点"),
        (polygon([SQUARE[0]] * 5), "至少要有4个点"),
        (polygon(SQUARE[:-1]), "没有闭合"),
        (polygon(BOW), "自相交"),
        (polygon(FOLD), "自相交"),
        (polygon(TOUCH), "自相交"),
        (polygon(LINE), "自相交"),
        (polygon([["a", Y], *SQUARE[1:]]), "坐标应为数字"),
        (polygon([[None, Y], *SQUARE[1:]]), "坐标应为数字"),
        (polygon([[True, False], *SQUARE[1:]]), "坐标应为数字"),
        (polygon([[1e400, Y], *SQUARE[1:]]), "坐标应为数字"),
        (polygon([[X], *SQUARE[1:]]), "坐标应为数字"),
        (polygon([[y, x] for x, y in SQUARE]), "经度和纬度写反"),
        (polygon([[x - 100, y] for x, y in SQUARE]), "不在中国范围内"),
        (polygon([[12167000.0 + x, 4045000.0 + y] for x, y in SQUARE]), "EPSG:3857"),
        (polygon([[39500000.0 + x, 3770000.0 + y] for x, y in SQUARE]), "EPSG:4527"),
        (polygon([[500000.0 + x, 3770000.0 + y] for x, y in SQUARE]), "高斯-克吕格"),
        (polygon([[X, Y], [X + 0.1, Y], [X, Y + 0.1], [X, Y]]), "图形过大"),
        (polygon(SQUARE[:1] * 1001), "最多1000个点"),
        (polygon(SQUARE, SQUARE[:3]), "至少要有4个点"),
    ],
)
def test_what_is_no_outline(geometry: Any, said: str) -> None:
    with pytest.raises(Broken, match=said):
        outlines.read(geometry)


def test_a_good_one_stays_as_it_is() -> None:
    found, mended = outlines.read(polygon(SQUARE))
    assert found == [[[(round(x, 7), round(y, 7)) for x, y in SQUARE]]]
    assert not mended
    assert outlines.read(polygon([[x + 1e-9, y] for x, y in SQUARE])) == (found, False)


@pytest.mark.parametrize(
    "ring", [SQUARE[::-1], [SQUARE[0], *SQUARE], [[x, y, 380.0] for x, y in SQUARE][::-1]]
)
def test_direction_and_repeated_points_are_mended(ring: Any) -> None:
    found, mended = outlines.read(polygon(ring))
    assert mended
    assert found[0][0][0] == found[0][0][-1]
    assert set(found[0][0]) == {(round(x, 7), round(y, 7)) for x, y in SQUARE}
    assert outlines._signed_area(found[0][0]) > 0


def test_holes_run_with_the_clock() -> None:
    hole = [[X + 2e-5, Y + 2e-5], [X + 4e-5, Y + 2e-5], [X + 4e-5, Y + 4e-5], [X + 2e-5, Y + 2e-5]]
    found, mended = outlines.read(polygon(SQUARE, hole))
    assert mended
    assert outlines._signed_area(found[0][1]) < 0


def test_a_point_lies_in_one_of_the_squares_of_every_box_around_it() -> None:
    for x, y in ((73.1, 18.2), (109.3199, 34.1501), (134.9, 53.5)):
        cells = outlines.cells_of(Box(x - 0.01, y - 0.01, x + 0.01, y + 0.01), 20)
        assert cells is not None
        assert outlines.cell_of(x, y) in cells
    assert outlines.cells_of(Box(100, 30, 110, 40), 80) is None
