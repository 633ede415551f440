"""A county of 100,000 households beside a usual one, and twenty people who save there at once."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from bench.client import Answer, Client
from bench.fill import PASSWORD
from bench.forms import controls
from bench.measure import Result, beside_floor, p95
from bench.register_tasks import page_of

if TYPE_CHECKING:
    from bench.tasks import Bench

TIMES = 60
GROWS = 1.3  # how much more the large one may cost
SAVERS, EACH = 20, 15
PAGES = (
    ("first page", "/lookback/query", 15),
    ("review queue", "/lookback/review", 15),
    ("statistics by town", "/lookback/statistics/progress", 25),
    ("desk", "/", 15),
)
Ask = Callable[[], Answer]


class CountyTasks:
    """What is asked of both counties in turn: the usual one stands where the floor does elsewhere."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.counties = {"large": bench.large.id, "county": bench.county.id}  # by login
        count = "SELECT count(*) FROM lookback WHERE county_id = :county"
        self.sizes = {
            login: bench.look(count, county=key)[0][0] for login, key in self.counties.items()
        }

    def pages(self) -> Iterator[Result]:
        for task, path, limit in PAGES:
            asked = {login: [self.bench.page(login, path)] for login in self.counties}
            yield self._beside(task, limit, asked)
        forms = {login: self._forms(login, 10) for login in self.counties}
        if all(forms.values()):  # among few households it may be that nobody fills in a form
            asked = {n: [self.bench.page(n, _path(key)) for key in forms[n]] for n in forms}
            yield self._beside("form", 20, asked)
            numbers = itertools.count(1)
            asked = {n: [self._save(n, key, numbers) for key in forms[n]] for n in forms}
            yield self._beside("save", 20, asked)

    def _beside(self, task: str, limit: float, asked: dict[str, list[Ask]]) -> Result:
        name = f"large county beside a usual one: {task}"
        result = beside_floor(name, asked["large"], asked["county"], times=TIMES, limit_ms=limit)
        late = " !" if (result.ratio or 0) > GROWS else ""
        sizes = f"{self.sizes['large']:,} households beside {self.sizes['county']:,}"
        return replace(result, note=f"{sizes}, ratio must be {GROWS}{late}")

    def _forms(self, login: str, count: int) -> list[Any]:
        """Keys of records that are being filled in."""
        query = (
            "SELECT id FROM lookback WHERE county_id = :county AND state IN ('draft', 'returned')"
            " AND living = 'own' ORDER BY path, id LIMIT :count"
        )
        found = self.bench.look(query, county=self.counties[login], count=count)
        return [key for (key,) in found]

    def _save(self, login: str, key: Any, numbers: Iterator[int]) -> Ask:
        client = self.bench.client(login)
        return partial(_saved, client, key, numbers)

    # ---- twenty at once ---------------------------------------------------------------------
    def savers(self) -> Iterator[Result]:
        """Each sends forms of their own, opened before, as fast as they are taken."""
        keys = self._forms("large", SAVERS * EACH)
        if len(keys) < SAVERS:
            return
        shares = [keys[n::SAVERS] for n in range(SAVERS)]
        numbers = itertools.count(1)
        taken, rate = _at_once([self._forms_of(share, numbers) for share in shares])
        bare, lowest = _at_once([self._bare(share) for share in shares])
        median, floor = statistics.median(taken), statistics.median(bare)
        yield Result(
            f"{SAVERS} savers in the large county", round(median, 1), round(p95(taken), 1), None,
            round(floor, 1), round(median / floor, 1), None,
            f"{rate:.0f} saves/s, floor {lowest:.0f}; {len(taken)} saves",
        )  # fmt: skip

    def _forms_of(self, keys: list[Any], numbers: Iterator[int]) -> list[Ask]:
        client = Client(self.bench.program)
        client.sign_in("large", PASSWORD)
        return [_filled(client, key, numbers) for key in keys]

    def _bare(self, keys: list[Any]) -> list[Ask]:
        client = Client(self.bench.bare)
        return [partial(client.post, f"/save?a=floor&a={key}", {}) for key in keys]


def _path(key: Any) -> str:
    return f"{page_of('lookback', key)}/edit"


def _filled(client: Client, key: Any, numbers: Iterator[int]) -> Ask:
    """A form that was opened and one answer changed: what is left is to send it."""
    path = _path(key)
    form = [
        (name, str(next(numbers) % 29 + 1) if name == "population" else value)
        for name, value in controls(client.get(path).body, path)
    ]

    def send() -> Answer:
        answer = client.post(path, form)
        if answer.status != HTTPStatus.FOUND:
            raise LookupError(f"{path}: not saved, {answer.status}")
        return answer

    return send


def _saved(client: Client, key: Any, numbers: Iterator[int]) -> Answer:
    return _filled(client, key, numbers)()


def _at_once(work: Sequence[Sequence[Ask]]) -> tuple[list[float], float]:
    """Milliseconds of each request, and how many a second: one person a list, one after the other."""
    began = time.perf_counter()
    with ThreadPoolExecutor(len(work)) as people:
        taken = list(people.map(lambda asks: [ask().milliseconds for ask in asks], work))
    spent = time.perf_counter() - began
    every = [one for person in taken for one in person]
    return every, len(every) / spent
