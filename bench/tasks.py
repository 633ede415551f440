"""The tasks of spec 09 "Speed" for the look-back register, the main ones for every other, each with its floor and its limit."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

from sqlalchemy import Connection, text

from bench.client import Answer, Client
from bench.county import CountyTasks
from bench.data import LARGE, MEASURED
from bench.fill import PASSWORD, SESSIONS
from bench.forms import controls
from bench.measure import Crowd, Result, beside_floor, crowd, raw
from bench.register_tasks import RegisterTasks, page_of
from bench.registers import OTHERS
from bench.servers import Served

TIMES = 60
LIST = "/lookback/query"
COUNTY = MEASURED
PROVINCE = "610000000000"
PAGE = 20


@dataclass(frozen=True)
class Place:
    """A division: what pages are asked with, and its index range."""

    id: int
    path: str

    @property
    def range(self) -> tuple[str, str]:
        return self.path, self.path[:-1] + "/"


class Bench:
    """Asks the program and the floor on one database."""

    def __init__(self, program: Served, floor: Served, connection: Connection, rows: int) -> None:
        self.program, self._connection, self.rows = program.address, connection, rows
        self.bare = floor.address
        self._served, self._bare = program, floor
        self._clients: dict[str, Client] = {}
        self._floor = Client(floor.address)
        self.nation = self._place("000000000000", 0)
        self.province = self._place(PROVINCE, 1)
        self.county = self._place(COUNTY, 3)
        self.large = self._place(LARGE, 3)

    # ---- asking ---------------------------------------------------------------------------
    def client(self, login: str) -> Client:
        if login not in self._clients:
            self._clients[login] = Client(self.program)
            self._clients[login].sign_in(login, PASSWORD)
        return self._clients[login]

    def page(self, login: str, path: str, **query: Any) -> Callable[[], Answer]:
        client = self.client(login)
        target = f"{path}?{urlencode(query)}" if query else path
        target = client.get(target).headers.get("Location") or target  # a queue leads to its first
        return lambda: client.get(target)

    def floor(self, task: str, *arguments: Any) -> Callable[[], Answer]:
        query = "&".join(f"a={quote(str(argument))}" for argument in arguments)
        return lambda: self._floor.get(f"/{task}?{query}")

    def look(self, query: str, **values: Any) -> list[Any]:
        """What the database has now. On SQLite a transaction that stays open would see what it had at the
        first look, with records that a measured decision has taken away since.
        """
        found = list(self._connection.execute(text(query), values))
        self._connection.rollback()
        return found

    def _place(self, code: str, level: int) -> Place:
        query = "SELECT id, path FROM region WHERE code = :code AND level = :level"
        (found,) = self.look(query, code=code, level=level)
        return Place(found.id, found.path)

    def post_floor(self, task: str, *arguments: Any) -> Callable[[], Answer]:
        query = "&".join(f"a={quote(str(argument))}" for argument in arguments)
        return partial(self._floor.post, f"/{task}?{query}", {})

    def _sample(self, what: str, condition: str, count: int) -> list[Any]:
        """``count`` values of ``what``, far from each other in the tree."""
        step = max(1, self.rows // (count * 4))
        spread = (
            f"SELECT {what} FROM (SELECT l.*, row_number() OVER (ORDER BY path, id) AS n"
            f" FROM lookback l WHERE {condition}) s WHERE n % :step = 0 LIMIT :count"
        )
        some = f"SELECT {what} FROM lookback WHERE {condition} LIMIT :count"
        found = self.look(spread, step=step, count=count) or self.look(some, count=count)
        return [value for (value,) in found]

    # ---- lists ------------------------------------------------------------------------------
    def lists(self) -> Iterator[Result]:
        yield beside_floor(
            "first list page, whole nation", [self.page("nation", LIST)],
            [self.floor("list", *self.nation.range)], times=TIMES, limit_ms=15,
        )  # fmt: skip
        yield beside_floor(
            "list filtered by county", [self.page("nation", LIST, region=self.county.id)],
            [self.floor("list", *self.county.range)], times=TIMES, limit_ms=15,
        )  # fmt: skip
        yield beside_floor(
            "county user's first page", [self.page("county", LIST)],
            [self.floor("list", *self.county.range)], times=TIMES, limit_ms=15,
        )  # fmt: skip
        yield beside_floor(
            "county user's review queue", [self.page("county", "/lookback/review")],
            [self.floor("list", *self.county.range)], times=TIMES, limit_ms=15,
        )  # fmt: skip

    def searches(self) -> Iterator[Result]:
        numbers = self._sample("head_id", "head_id IS NOT NULL", 20)
        yield beside_floor(
            "search by full ID number",
            [self.page("nation", LIST, head_id=number) for number in numbers],
            [self.floor("key", number) for number in numbers], times=TIMES, limit_ms=12,
        )  # fmt: skip
        names = [name[:2] for name in self._sample("head_name", "head_name <> ''", 20)]
        yield beside_floor(
            "search by name prefix",
            [self.page("nation", LIST, head_name=name) for name in names],
            [self.floor("prefix", name, name + "\U0010ffff") for name in names],
            times=TIMES, limit_ms=15,
        )  # fmt: skip

    def pages(self) -> Iterator[Result]:
        last = self.rows // PAGE
        for number, limit in ((1_000, 15), (min(100_000, last), 20)):
            yield beside_floor(
                f"page {number:,}", [self.page("nation", LIST, page=number)],
                [self.floor("after", *self._key_before(number))], times=TIMES, limit_ms=limit,
            )  # fmt: skip

    def _key_before(self, number: int) -> tuple[str, str]:
        """(path, id) of the last row before a page."""
        query = "SELECT path, id FROM lookback ORDER BY path, id LIMIT 1 OFFSET :offset"
        (found,) = self.look(query, offset=(number - 1) * PAGE - 1)
        return found.path, str(found.id)

    # ---- records ------------------------------------------------------------------------------
    def forms(self) -> Iterator[Result]:
        own = f"county_id = {self.county.id} AND state = 'draft' AND living = 'own'"
        records = self._sample("id", own, 10)
        if not records:  # at 10,000 households the county may have none
            return
        yield beside_floor(
            "open a record's form",
            [self.page("county", f"{page_of('lookback', record)}/edit") for record in records],
            [self.floor("record", record) for record in records], times=TIMES, limit_ms=20,
        )  # fmt: skip
        yield beside_floor(
            "open a record's page",
            [self.page("county", page_of("lookback", record)) for record in records],
            [self.floor("record", record) for record in records], times=TIMES, limit_ms=20,
        )  # fmt: skip
        numbers = itertools.count(1)
        yield beside_floor(
            "save",
            [self._save(record, numbers) for record in records],
            [partial(self._floor.post, f"/save?a=floor&a={record}", {}) for record in records],
            times=TIMES, limit_ms=20,
        )  # fmt: skip

        waiting = self._sample("id", f"county_id = {self.county.id} AND state = 'submitted'", 10)
        if waiting:  # at 100,000 households the county may have none
            yield beside_floor(
                "decide in the review",
                [self._decide(record) for record in waiting],
                [partial(self._floor.post, f"/save?a=floor&a={record}", {}) for record in waiting],
                times=TIMES, limit_ms=20,
            )  # fmt: skip

    def _decide(self, record: Any) -> Callable[[], Answer]:
        """Open the record as the review's script does, approve it, and take that back: only the
        approval is measured.
        """
        client, path = self.client("county"), page_of("lookback", record)
        script = {"Accept": "application/json"}

        def decide() -> Answer:
            form = dict(controls(client.get(f"{path}/review", **script).body, f"{path}/decide"))
            answer = client.post(f"{path}/decide", form | {"action": "approve"}, **script)
            version = json.loads(answer.body)["undo"]["version"]
            client.post(f"{path}/undo", form | {"version": str(version)}, **script)
            return answer

        return decide

    def _save(self, record: Any, numbers: Iterator[int]) -> Callable[[], Answer]:
        """Open the form unmeasured, change one answer, send it: a save that writes every time."""
        client, path = self.client("county"), f"{page_of('lookback', record)}/edit"

        def save() -> Answer:
            form = controls(client.get(path).body, path)
            changed = [
                (name, str(next(numbers) % 29 + 1) if name == "population" else value)
                for name, value in form
            ]
            return client.post(path, changed)

        return save

    # ---- statistics -----------------------------------------------------------------------------
    def statistics(self) -> Iterator[Result]:
        table = "/lookback/statistics/progress"
        yield beside_floor(
            "statistics: nation by province", [self.page("nation", table)],
            [self.floor("figures", self.nation.id)], times=TIMES, limit_ms=15,
        )  # fmt: skip
        yield beside_floor(
            "statistics: province by city", [self.page("province", table)],
            [self.floor("figures", self.province.id)], times=TIMES, limit_ms=15,
        )  # fmt: skip
        length = len(self.county.path) + 3
        yield beside_floor(
            "statistics: county by town", [self.page("county", table)],
            [self.floor("live", length, *self.county.range)], times=TIMES, limit_ms=25,
        )  # fmt: skip
        yield beside_floor(
            "desk of the nation", [self.page("nation", "/")],
            [self.floor("figures", self.nation.id)], times=TIMES,
        )  # fmt: skip
        yield beside_floor(
            "desk of a county", [self.page("county", "/")],
            [self.floor("live", length, *self.county.range)], times=TIMES,
        )  # fmt: skip

    # ---- every other register --------------------------------------------------------------------
    def registers(self) -> Iterator[Result]:
        """The same tasks for each, made from its declaration (bench.register_tasks)."""
        for register in OTHERS:
            yield from RegisterTasks(self, register).all()

    # ---- a county with a tenth of all ------------------------------------------------------------
    def county_pages(self) -> Iterator[Result]:
        yield from CountyTasks(self).pages()

    def savers(self) -> Iterator[Result]:
        yield from CountyTasks(self).savers()

    # ---- many at once ------------------------------------------------------------------------------
    def crowds(self) -> Iterator[Result]:
        yield self.fifty_sessions()
        yield self.two_hundred_people()

    def fifty_sessions(self) -> Result:
        """50 county managers read their own first pages, as fast as they get them."""
        bare = [[raw(self._own_floor(n), self._floor.address, "")] for n in range(SESSIONS)]
        lowest = self._crowd(self._bare, bare, 8)
        own = []
        for number in range(SESSIONS):
            client = self.client(f"county{number:02}")
            client.get(LIST)  # a browser has the cookie of its last answer, and so has the crowd
            own.append([raw(LIST, self.program, client.cookie)])
        self._crowd(self._served, own, 3)
        got = self._crowd(self._served, own, 15)
        return _crowd_result("50 sessions reading their own county", got, lowest, 250)

    def two_hundred_people(self) -> Result:
        """200 people at work: a list, a form, a record's page, a statistic, 3 seconds for each."""
        table = "/lookback/statistics/progress"
        requests: list[list[bytes]] = []
        records = self._sample("id", f"county_id = {self.county.id}", 8)
        for number in range(200):
            client = self.client(f"county{number % SESSIONS:02}")
            paths = [LIST, table, "/", f"{LIST}?page=2"]
            if number % 4 == 0:
                client = self.client("county")
                paths = [LIST, *(page_of("lookback", record) for record in records)]
            turn = number % len(paths)
            requests.append(
                [raw(path, self.program, client.cookie) for path in paths[turn:] + paths[:turn]]
            )
        got = self._crowd(self._served, requests, 20, pause=3.0)
        return _crowd_result("200 people at work", got, None, 300)

    def _crowd(
        self, server: Served, requests: list[list[bytes]], seconds: float, pause: float = 0
    ) -> Crowd:
        before = server.cpu_seconds()
        got = crowd(server.address, requests, seconds, pause)
        return replace(got, cpu_ms=(server.cpu_seconds() - before) * 1000 / got.requests)

    def _own_floor(self, number: int) -> str:
        query = "SELECT path FROM ab_user WHERE username = :login"
        ((path,),) = self.look(query, login=f"county{number:02}")
        low, high = Place(0, path).range
        return f"/list?a={low}&a={high}"

    # ---- weight --------------------------------------------------------------------------------------
    def weights(self) -> Iterator[tuple[str, int]]:
        """(page, bytes) of what a browser with brotli gets for the page itself."""
        for name, login, path in (
            ("list", "county", LIST),
            ("desk", "county", "/"),
            ("statistics", "county", "/lookback/statistics/progress"),
        ):
            answer = self.client(login).get(path, Accept_Encoding="br")
            yield name, answer.size


def _crowd_result(task: str, got: Crowd, lowest: Crowd | None, limit: float) -> Result:
    note = f"{got}"
    if lowest:
        note += f"; floor {lowest}"
    return Result(
        task, round(got.median_ms, 1), round(got.p95_ms, 1), None,
        round(lowest.median_ms, 1) if lowest else None,
        round(got.median_ms / lowest.median_ms, 1) if lowest else None, limit, note,
    )  # fmt: skip
