"""A program with generated views of its own (tests/web/crud/program.py), used over HTTP: what the views are
made of stands in no other program's tables.
"""

from __future__ import annotations

import html
import itertools
import json
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from app.access.account import Account
from app.access.divisions.regions import Level, Region
from app.core.db import db
from tests import builders
from tests.builders import Who
from tests.databases import Databases
from tests.running.servers import Server, start_server, stop_server
from tests.web.register.forms import errors_at

Rows = Callable[..., list[Any]]
Noted = Callable[[str, str], list[dict[str, Any]]]
SignIn = Callable[..., "Person"]
_TOKEN = re.compile(r'name="csrf-token" content="([^"]+)"')
_INPUT = re.compile(r'name="(seen|form_key)" value="([^"]*)"')
_PROBLEM = re.compile(r'<a href="#field-(\w*)">([^<]+)</a>|<ul><li>([^<]+)</li>')
_ROW = re.compile(r'<a [^>]*href="/\w+/show/([\w-]+)"[^>]*>([^<]*)</a>')
#: What test_rights.py asks of every right and of rows near and far, and what test_registers.py asks.
VIEWS = ("contractors", "contracts", "crews", "tools", "shifts", "skills", "sites")
APIS = ("contractor", "contract", "crew", "shift", "skill", "site")
OF_REGISTERS = ("plain_craftsmen", "plain_lookbacks", "visits", "visit")
_codes = itertools.count(1)


@dataclass
class Person:
    """A signed-in account at the program."""

    client: httpx.Client
    token: str = field(init=False)

    def __post_init__(self) -> None:
        found = _TOKEN.search(self.client.get("/help/").text)
        assert found
        self.token = found[1]

    def get(self, url: str, **options: Any) -> httpx.Response:
        return self.client.get(url, **options)

    def post(self, url: str, data: Any = None) -> httpx.Response:
        """A form, as a page of ours sends it."""
        return self.client.post(url, data=dict(data or {}) | {"csrf_token": self.token})

    def change(self, url: str, data: Any) -> httpx.Response:
        """A form that was opened first: it says how the row stood, and which form it is."""
        opened = self.get(url)
        assert opened.status_code == 200, opened.text
        return self.post(url, dict(_INPUT.findall(opened.text)) | dict(data))

    def api(self, method: str, url: str, body: Any = None, **headers: str) -> httpx.Response:
        said = {"X-CSRFToken": self.token} | {n.replace("_", "-"): t for n, t in headers.items()}
        return self.client.request(method, f"/api/v1{url}", json=body, headers=said)


@pytest.fixture(scope="session")
def program(
    db_kind: str, databases: Databases, worker: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """The running program; all tests here share its database."""
    running = start_server(
        databases.copy(db_kind, f"anju_{worker}_generated"), tmp_path_factory.mktemp("generated"),
        {"ANJU_BENCH": "1"}, "tests.web.crud.program:create_app()",
    )  # fmt: skip
    yield running
    stop_server(running)


@pytest.fixture(scope="session")
def person(program: Server) -> Iterator[SignIn]:
    """``person(builders.COUNTY_MANAGER, place)``: an account of that kind, signed in; the same each time."""
    known: dict[Any, Person] = {}

    def ask(who: Who, place: Region | None = None) -> Person:
        key = who, place.id if place else None
        if key not in known:
            known[key] = signed_in(program, who, place)
        return known[key]

    yield ask
    for one in known.values():
        one.client.close()


def signed_in(program: Server, who: Who | Account, place: Region | None = None) -> Person:
    """A person of its own."""
    name = program.app.config["SESSION_COOKIE_NAME"]
    cookie = builders.sign_in(program.app, who, place).get_cookie(name)
    assert cookie is not None
    client = httpx.Client(base_url=program.url, timeout=30)
    client.cookies.set(name, cookie.value, domain="127.0.0.1")
    return Person(client)


@pytest.fixture
def manager(person: SignIn) -> Person:
    """Of the county in which the rows of the tests lie."""
    return person(builders.COUNTY_MANAGER)


@pytest.fixture
def rows(program: Server) -> Rows:
    """``rows("SELECT …")``: what the database holds, whoever may see it."""

    def ask(sql: str, **values: Any) -> list[Any]:
        with program.app.app_context(), db.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(sql), values)]

    return ask


@pytest.fixture
def noted(rows: Rows) -> Callable[[str, str], list[dict[str, Any]]]:
    """``noted("crew", "update")``: the details of such entries of the audit log, the latest first."""

    def ask(subject: str, act: str) -> list[dict[str, Any]]:
        query = "SELECT detail FROM audit_entry WHERE register = :s AND act = :a ORDER BY at DESC"
        found = [detail for (detail,) in rows(query, s=subject, a=act)]
        return [json.loads(one) if isinstance(one, str) else one for one in found]

    return ask


@pytest.fixture(scope="session")
def village(program: Server) -> int:
    """The key of the village in which the rows of the tests lie."""
    with program.app.app_context():
        return builders.seat(Level.VILLAGE).id


@pytest.fixture(scope="session")
def far(program: Server) -> int:
    """The key of a village of another province."""
    with program.app.app_context():
        return builders.seat(Level.VILLAGE, builders.FAR_COUNTY).id


@pytest.fixture
def firm(village: int) -> Callable[..., dict[str, Any]]:
    """What a right form of a firm says."""

    def make(**values: Any) -> dict[str, Any]:
        number = next(_codes)
        usual = {"name": f"第{number}建筑公司", "code": f"9161{number:014}", "grade": "first"}
        return usual | {"region_id": village, "phone": "13991234567", "active": "yes"} | values

    return make


@pytest.fixture
def added(manager: Person, firm: Callable[..., dict[str, Any]]) -> Callable[..., str]:
    """The key of a firm that was added."""

    def add(**values: Any) -> str:
        said = firm(**values)
        answer = manager.post("/contractors/add", said)
        assert answer.status_code == 302, answer.text
        return listed(manager.get(f"/contractors/list/?_flt_3_code={said['code']}"))[0][0]

    return add


def key_of(rows: Rows, table: str, text: str) -> str:
    """The key of the row that is called so, as an address says it."""
    column = "title" if table == "contract" else "name"
    [(key,)] = rows(f"SELECT id FROM {table} WHERE {column} = :text", text=text)
    return as_key(key)


def as_key(said: Any) -> str:
    """A key that the database keeps as text, as bytes or as what it is."""
    return str(uuid.UUID(bytes=said) if isinstance(said, bytes) else uuid.UUID(str(said)))


def problems(answer: httpx.Response) -> dict[str, str]:
    """What a form's page says is wrong: field -> message."""
    return {
        name: html.unescape(said or alone) for name, said, alone in _PROBLEM.findall(answer.text)
    }


def at_fields(answer: httpx.Response) -> dict[str, str]:
    """What a form's page says beside its fields."""
    return errors_at(answer.text)


def listed(answer: httpx.Response) -> list[tuple[str, str]]:
    """(key, first text) of the rows of a list."""
    assert answer.status_code == 200, answer.text
    found: dict[str, str] = {}
    for key, said in _ROW.findall(answer.text):
        found.setdefault(key, html.unescape(said.strip()))
    return [*found.items()]


def names(answer: httpx.Response) -> list[str]:
    """The first texts of the rows of a list."""
    return [name for _key, name in listed(answer)]
