"""A program with generated views of its own (tests/web/crud/program.py), used over HTTP: what the views are
made of stands in no other program's tables.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from app.access.divisions.regions import Region
from app.core.db import db
from tests import builders
from tests.builders import Who
from tests.databases import Databases
from tests.running.servers import Server, start_server, stop_server

_TOKEN = re.compile(r'name="csrf-token" content="([^"]+)"')
_SEEN = re.compile(r'name="seen" value="([^"]*)"')
_PROBLEM = re.compile(r'<a href="#field-(\w*)">([^<]+)</a>|<ul><li>([^<]+)</li>')


@dataclass
class Person:
    """A signed-in account at the program."""

    client: httpx.Client

    def get(self, url: str, **options: Any) -> httpx.Response:
        return self.client.get(url, **options)

    def token(self) -> str:
        found = _TOKEN.search(self.client.get("/help/").text)
        assert found
        return found[1]

    def post(self, url: str, data: Any = None) -> httpx.Response:
        """A form, as a page of ours sends it."""
        return self.client.post(url, data=dict(data or {}) | {"csrf_token": self.token()})

    def change(self, url: str, data: Any) -> httpx.Response:
        """A form of a row that was opened first: it says how the row stood."""
        found = _SEEN.search(self.get(url).text)
        assert found
        return self.post(url, {"seen": found[1]} | dict(data))

    def api(self, method: str, url: str, body: Any = None, **headers: str) -> httpx.Response:
        said = {"X-CSRFToken": self.token()} | headers
        return self.client.request(method, f"/api/v1{url}", json=body, headers=said)


@pytest.fixture(scope="module")
def program(
    db_kind: str, databases: Databases, worker: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """The running program; the tests of a module share its database."""
    running = start_server(
        databases.copy(db_kind, f"anju_{worker}_generated"), tmp_path_factory.mktemp("generated"),
        {"ANJU_BENCH": "1"}, "tests.web.crud.program:create_app()",
    )  # fmt: skip
    yield running
    stop_server(running)


@pytest.fixture(scope="module")
def person(program: Server) -> Iterator[Callable[..., Person]]:
    """``person(builders.COUNTY_MANAGER, place)``: a new account of that kind, signed in."""
    opened: list[httpx.Client] = []

    def sign_in(who: Who, place: Region | None = None) -> Person:
        name = program.app.config["SESSION_COOKIE_NAME"]
        cookie = builders.sign_in(program.app, who, place).get_cookie(name)
        assert cookie is not None
        client = httpx.Client(base_url=program.url, timeout=30)
        client.cookies.set(name, cookie.value, domain="127.0.0.1")
        opened.append(client)
        return Person(client)

    yield sign_in
    for client in opened:
        client.close()


@pytest.fixture
def rows(program: Server) -> Callable[..., list[Any]]:
    """``rows("SELECT …")``: what the database holds, whoever may see it."""

    def ask(sql: str, **values: Any) -> list[Any]:
        with program.app.app_context(), db.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(sql), values)]

    return ask


def problems(answer: httpx.Response) -> dict[str, str]:
    """What a form's page says is wrong: field -> message."""
    return {field: said or alone for field, said, alone in _PROBLEM.findall(answer.text)}
