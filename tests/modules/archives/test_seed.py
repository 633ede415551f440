"""The table of the training slides of 2012 comes out: 2,130,464 archives by reason, poverty kind and old area.

Each archive counts by the real conditions of the figures. Those that say the same are counted together: along one
row of archives, put in order three times, the reason, the kind and the area each change at a few places.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask

from app.access.divisions.regions import Level
from app.access.scope import joined
from app.core.transactions import transaction
from app.kernel.figures import counters
from app.modules.archives.choices import OldDecade, PovertyKind, RenovationReason, SubsidyKind
from app.modules.archives.register import ARCHIVE
from tests import builders

pytestmark = pytest.mark.one_database

WHOLE = 2_130_464
REASONS = (
    ({"old_decade": OldDecade.HOUSELESS}, 56_411),
    ({"reason": RenovationReason.C}, 511_583),
    ({"reason": RenovationReason.D}, 1_435_949),
    ({"reason": RenovationReason.OTHER}, 126_521),
)
KINDS = (
    ({"poverty_kind": PovertyKind.ALLOWANCE}, 465_643),
    ({"poverty_kind": PovertyKind.FIVE_GUARANTEES}, 116_374),
    ({"poverty_kind": PovertyKind.OTHER_POOR}, 1_548_447),
)
#: Those without a house stand among the first: their old area counts as none.
AREAS = (
    ({"old_area": Decimal("59.99")}, 857_368),
    ({"old_area": Decimal(60)}, 574_842),
    ({"old_area": Decimal(80)}, 698_254),
)
#: As the page has its columns.
SLIDE = (
    WHOLE, 511_583, 1_435_949, 126_521, 56_411, 0, 116_374, 465_643, 1_548_447, 0,
    857_368, 574_842, 698_254, 0,
)  # fmt: skip
COUNTIES = ("610122", "610124", "530129", "110101", "659001")


def combinations(
    *marginals: Sequence[tuple[dict[str, Any], int]],
) -> Iterator[tuple[dict[str, Any], int]]:
    """Each combination that occurs, and how often: the marginals laid side by side."""
    left = [[(dict(said), n) for said, n in reversed(one)] for one in marginals]
    while all(left):
        n = min(one[-1][1] for one in left)
        said = {name: value for one in left for name, value in one[-1][0].items()}
        if said.get("old_decade") == OldDecade.HOUSELESS:
            said["old_area"] = None
        yield said, n
        for one in left:
            first, rest = one.pop()
            if rest > n:
                one.append((first, rest - n))


def enter() -> None:
    """Spread over counties of several provinces, of two plan years and all subsidy kinds, so that every
    combination lies everywhere.
    """
    places = [builders.below(builders.region(code), Level.VILLAGE) for code in COUNTIES]
    where = [(place, 2012, kind) for place in places for kind in SubsidyKind]
    deltas: Counter[tuple[str, int, str]] = Counter()
    for said, n in combinations(REASONS, KINDS, AREAS):
        for number, (place, year, kind) in enumerate(where):
            share = n // len(where) + (number < n % len(where))
            row = dict.fromkeys(ARCHIVE.model.__fields__) | said
            row |= {"plan_year": year, "subsidy_kind": kind, "progress": "completed"}
            for key, amount in counters.amounts(ARCHIVE, row).items():
                deltas[key, place.county_id, place.path] += amount * share
    with transaction(), joined("the whole country is entered at once", writes=True) as session:
        counters.hand_in(session, ARCHIVE, deltas)


@pytest.fixture
def arranged() -> Any:
    return enter


def rows_of(page: str) -> list[tuple[str, tuple[int, ...]]]:
    """What the rows of the table are called, and their numbers."""
    body = page[page.index("<tbody>") : page.index("</tbody>")]
    found = []
    for line in re.findall(r"<tr.*?</tr>", body):
        head = re.search(r'<th scope="row">(?:<a[^>]*>)?([^<]*)', line)
        cells = re.findall(r"<td>(?:<a[^>]*>)?([\d,]+)", line)
        assert head is not None
        found.append((head[1], tuple(int(cell.replace(",", "")) for cell in cells)))
    return found


def test_the_table_of_the_slides_comes_out_exactly(app: Flask) -> None:
    assert sum(n for _said, n in combinations(REASONS, KINDS, AREAS)) == WHOLE
    client = builders.sign_in(app, builders.MINISTRY)
    page = client.get("/archive/statistics/analysis?year=2012&kind=")
    rows = rows_of(page.text)
    [total] = [numbers for _name, numbers in rows if numbers[:1] == (WHOLE,)]
    assert total == SLIDE
    provinces = [numbers for name, numbers in rows if numbers != total and numbers[0]]
    assert len(provinces) == 4
    assert tuple(map(sum, zip(*provinces, strict=True))) == SLIDE
    by_kind = [
        numbers
        for kind in SubsidyKind
        for _name, numbers in rows_of(
            client.get(f"/archive/statistics/analysis?year=2012&kind={kind.value}").text
        )[:1]
    ]
    assert tuple(map(sum, zip(*by_kind, strict=True))) == SLIDE
    other = rows_of(client.get("/archive/statistics/analysis?year=2011&kind=").text)
    assert {n for _name, numbers in other for n in numbers} == {0}
