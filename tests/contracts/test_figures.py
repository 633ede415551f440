"""A number that leads to a list leads to exactly its rows: what a table, the desk or the menu counts, what the
list shows, what its export streams and what the interface answers are one set of records.

Asked of the program's own functions, for an account of each level; whole pages and workbooks are few.
"""

from __future__ import annotations

import io
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import openpyxl
import pytest
from flask import Flask, current_app, request
from werkzeug.datastructures import MultiDict

from app.access.actor import Actor
from app.access.divisions import regions
from app.access.divisions.regions import Level, Region
from app.access.scope import set_actor
from app.core.clock import today
from app.core.db import db, read_only, set_read_only
from app.core.files.storage import storage
from app.kernel.declare.flow import State
from app.kernel.declare.register import Register, get_register
from app.kernel.exchange import ledger_export
from app.kernel.figures import statistics, waiting
from app.kernel.figures.statistics import LineKind
from app.kernel.lists.ledger import Ledger
from app.kernel.lists.query import parse
from app.kernel.reports import desk, tables, trend, week
from app.kernel.reports.tables import Cell, Report, Row
from app.web.frame.addresses import require_known
from app.web.lists import pages
from app.web.reports import desk as desk_pages
from app.web.reports.tables import ledger_url, shown
from tests import builders as b
from tests.builders import Who
from tests.clicks import begin_export
from tests.contracts import crowd
from tests.contracts.crowd import Truth
from tests.jobs import run

pytestmark = pytest.mark.one_database

#: An account of each level.
OF_LEVEL: tuple[Who, ...] = (
    b.MINISTRY,
    b.PROVINCE,
    b.CITY,
    b.COUNTY_MANAGER,
    b.TOWN_CLERK,
    b.VILLAGE_CLERK,
)
Keys = frozenset[uuid.UUID]


@pytest.fixture
def arranged() -> Any:
    return crowd.settle


@pytest.fixture
def truths(session: Any) -> Iterator[dict[str, Truth]]:
    """By register, over the filled country; nothing is written."""
    with read_only():
        yield {register.name: Truth(register) for register in crowd.registers()}


class Asking:
    """The set of rows that an address leads to, in each of the ways to them."""

    def __init__(self, address: str, actor: Actor) -> None:
        self.address = address
        _root, name, menu = urlsplit(address).path.split("/")
        found = get_register(name)
        assert found is not None
        self.register, self.actor = found, actor
        self.menu = next(one for one in self.register.menus if one.name == menu)
        self.args = MultiDict(parse_qsl(urlsplit(address).query))
        self.wanted, _notices = pages.asked(self.register, self.menu, actor, self.args)

    def wrong(self, counted: Keys, app: Flask | None = None) -> Iterator[str]:
        """In which of the ways it leads to others than those that were counted; of the interface only with
        ``app``.
        """
        ways = {"list": self.listed(), "export": self.exported()}
        if app is not None:
            ways["interface"] = self.answered(app)
        for way, keys in ways.items():
            if keys not in (counted, None):
                yield f"{self.address}: {way} {len(keys or ())}, not {len(counted)}"

    def listed(self) -> Keys:
        """What the list shows, page by page."""
        query = parse(self.register, self.wanted, db.session, self.actor)
        ledger = Ledger(self.register, query, db.session, self.actor)
        page = ledger.page(100)
        keys = {row.id for row in page.rows}
        while page.after:
            page = ledger.page(100, after=page.after)
            keys |= {row.id for row in page.rows}
        assert page.count.n == len(keys)
        return frozenset(keys)

    def exported(self) -> Keys | None:
        """What the files hold that the list offers, which ask for the same; None where it offers none."""
        offered = pages.exports(self.register, self.menu, self.actor, self.wanted)
        links = [urlsplit(one.url) for one in offered]
        files = [one.query for one in links if one.path.startswith("/exchange/export/")]
        if not files:
            return None
        whole, as_seen = (dict(parse_qsl(query)) for query in files)
        assert as_seen == whole | {"as_seen": self.menu.name}
        papers = [one.query for one in links if "/papers/" in one.path]
        assert all(dict(parse_qsl(query)) in (whole, {}) for query in papers)  # {}: a blank one
        asked = MultiDict(parse_qsl(files[0]))
        with ledger_export.reading(self.register, dict(asked.lists()), self.actor) as found:
            batches = found.stream_values(("id",))
            return frozenset(key for batch in batches for (key,) in batch)

    def answered(self, app: Flask) -> Keys:
        """What the interface answers to the same conditions, page by page."""
        said = [(k, v) for k, v in self.wanted.items(multi=True) if v]
        endpoint, keys, cursor = f"{self.register.model.__name__}Api.records", set(), ""
        while cursor is not None:
            asked = urlencode([*said, *([("cursor", cursor)] if cursor else [])])
            with app.test_request_context(f"/api/v1/{self.register.name}?{asked}"):
                assert request.endpoint == endpoint
                require_known()
                body = current_app.view_functions[endpoint]().json
            set_actor(self.actor)  # a request leaves nobody behind
            set_read_only(True)
            keys |= {uuid.UUID(item["id"]) for item in body["items"]}
            cursor = body["next"]
        assert body["count"] == len(keys)
        return frozenset(keys)


def reports(register: Register, region: Region) -> Iterator[Report]:
    """Every table of a division, of all years; of the nation and of a county of this year too."""
    of_year = register.years and region.level in (Level.NATION, Level.COUNTY)
    for year in (None, today().year) if of_year else (None,):
        for table in register.tables:
            sheet = statistics.read(register, region, tables.table_figures(table), year=year)
            yield tables.of_sheet(table, sheet)
        if register.progress_table:
            yield week.report(register, register.progress_table, region, year)
            yield trend.report(register, register.progress_table, region, 14, year)[0]


#: Of all others every third figure leads to its list here: the same statements answer them.
WHOLE = (Level.NATION, Level.COUNTY, Level.TOWN)


def rows_of(
    register: Register, region: Region
) -> Iterator[tuple[Row, list[tuple[Cell, str]], int]]:
    """Each row of these tables with its cells that lead to a list, and their addresses; of how many cells
    one is opened.
    """
    for report in reports(register, region):
        few = 1 if region.level in WHOLE and report.year is None else 3
        for row, made in zip(report.rows, shown(report, "/")["rows"], strict=True):
            pairs = zip(row.cells, (link["url"] or "" for link in made["cells"]), strict=True)
            found = [pair for pair in pairs if "figure=" in pair[1]]
            yield row, found, len(found) if row.kind == LineKind.DIVISION else few


def test_a_cell_leads_to_its_rows(app: Flask, truths: dict[str, Truth]) -> None:
    """Every cell that an account of each level sees counts what lies there. Its rows are asked for of each
    figure of the account's area and of what lies in no division below; of each division there of one
    figure, in turn, for the account of that division is asked for all of them. The interface reads as the
    list does: it is asked by the county.
    """
    nobody = [
        f"{name}.{figure}"
        for name, truth in truths.items()
        for figure in truth.register.figures
        if not truth.rows(figure, "")
    ]
    assert nobody == []  # each is proved on somebody
    wrong: list[str] = []
    seen: set[tuple[Who, str]] = set()
    for who in OF_LEVEL:
        with b.acting(who) as actor:
            for register in crowd.registers():
                for turn, (row, pairs, few) in enumerate(
                    rows_of(register, regions.get(actor.region_id))
                ):
                    for place, (cell, address) in enumerate(pairs):
                        counted = truths[cell.of or register.name].rows(
                            cell.figure, row.region.path,
                            alone=row.kind == LineKind.UNPLACED, since=cell.since,
                        )  # fmt: skip
                        wrong += [f"{who} {address} {cell.value}"] * (cell.value != len(counted))
                        if place % few == turn % few and (who, address) not in seen:
                            seen.add((who, address))
                            asks = app if who.level == Level.COUNTY and few == 1 else None
                            wrong += Asking(address, actor).wrong(counted, asks)
    assert wrong == []
    assert len(seen) > 600


def stated(truth: Truth, asking: Asking) -> Keys:
    """The rows of the states, or of the figure, that an address of the desk or of the menu asks for."""
    args, path = asking.args, asking.actor.path
    if "figure" in args or "unplaced" in args:
        return truth.rows(args.get("figure", "total"), path, alone="unplaced" in args)
    states = map(State, args.getlist("state") or asking.menu.states)
    return frozenset().union(*(truth.standing(state, path) for state in states))


def told_to(actor: Actor) -> Iterator[tuple[str, str]]:
    """The addresses of the tiles of an account's desk with their numbers."""
    page = desk_pages.page(actor, desk.read(actor))
    yield from ((d["url"], d["number"]) for group in page["doors"] for d in group["doors"])
    yield from ((f["url"], f["number"]) for m in page["modules"] for f in m["figures"] if f["url"])


def badges_of(actor: Actor) -> Iterator[tuple[list[str], int]]:
    """The number of each badge of an account's menu, and the lists that it adds up: of each state, or of
    what nobody asks to move in it.
    """
    for (name, menu), n in waiting.badges(actor).numbers.items():
        register = crowd.register(name)
        found = next(m for m in register.menus if m.name == menu)
        yield (
            [
                f"/{name}/{menu}?" + (f"figure={figure}" if figure else f"state={state.value}")
                for state in waiting.BADGES[found.capability]
                for figure in (register.open_figures.get(state),)
            ],
            n,
        )


def test_a_tile_of_the_desk_and_a_badge_lead_to_their_rows(
    app: Flask, truths: dict[str, Truth]
) -> None:
    wrong: list[str] = []
    for who in (*OF_LEVEL, b.COUNTY_REVIEWER, b.TOWN_MANAGER):
        with b.acting(who) as actor:
            told = list(told_to(actor))
            for address, number in told:
                asking = Asking(address, actor)
                counted = stated(truths[asking.register.name], asking)
                wrong += [f"{who} {address}: {number}"] * (number != f"{len(counted):,}")
                wrong += asking.wrong(counted, app if who == b.COUNTY_MANAGER else None)
            for addresses, n in badges_of(actor):
                found = 0
                for asking in [Asking(address, actor) for address in addresses]:
                    counted = stated(truths[asking.register.name], asking)
                    wrong += asking.wrong(counted, app if who == b.COUNTY_MANAGER else None)
                    found += len(counted)
                wrong += [f"{who} {addresses}: {n}, not {found}"] * (n != found)
            assert len(told) > 10
    assert wrong == []


def test_every_list_exports_what_it_shows(truths: dict[str, Truth]) -> None:
    """As its menu entry opens, and with every state."""
    wrong, asked = [], 0
    for who in (b.COUNTY_MANAGER, b.TOWN_MANAGER):
        with b.acting(who) as actor:
            for register in crowd.registers():
                for menu in register.menus:
                    if menu.wide is not None or not actor.has(menu.capability, register.name):
                        continue
                    for said in ("", "?state=all"):
                        asking = Asking(f"/{register.name}/{menu.name}{said}", actor)
                        listed, exported = asking.listed(), asking.exported()
                        asked += exported is not None
                        if exported not in (listed, None):
                            wrong.append(f"{asking.address}: {len(exported)}, not {len(listed)}")
                        truth = truths[register.name]
                        whole = frozenset().union(*(truth.standing(s, actor.path) for s in State))
                        plain = not menu.only and menu.rows is None and register.flow
                        if said and plain and listed != whole:
                            wrong.append(f"{asking.address}: not all that are listed")
    assert wrong == []
    assert asked > 10


def test_the_workbook_holds_the_rows_of_its_cell(app: Flask, session: Any) -> None:
    """One cell of each register, from the address that its list offers to the file."""
    counting = [register for register in crowd.registers() if register.tables]
    truths = {register.name: Truth(register) for register in counting}
    with b.acting(b.COUNTY_MANAGER) as actor:
        for register in counting:
            figure = [
                figure for _own, figure in register.tables[0].plain(register.counting).shown()
            ][-1]
            asking = Asking(f"{ledger_url(register)}?figure={figure}", actor)
            offered = pages.exports(register, asking.menu, actor, asking.wanted)[0].url
            asked = MultiDict(parse_qsl(urlsplit(offered).query))
            job = begin_export(register, dict(asked.lists()), "留存备查")
            (made,) = run(app, job).files_of("result")
            with storage().open(made["key"]) as stored:
                book = openpyxl.load_workbook(io.BytesIO(stored.read()), read_only=True)
            lines = list(book.active.iter_rows(values_only=True))
            name = register.model.__fields__[register.name_field].label
            heads = next(
                n for n, line in enumerate(lines) if name in line
            )  # below title and groups
            names, rows = lines[heads].index(name), lines[heads + 1 :]
            truth = truths[register.name]
            wanted = truth.named(truth.rows(figure, actor.path))
            assert wanted, figure
            assert sorted(row[names] for row in rows) == wanted, figure
