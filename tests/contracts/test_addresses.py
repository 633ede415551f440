"""What addresses say: no page passes over a parameter that it does not know, and each takes what the pages
put into the addresses of their links and forms.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from itertools import product
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import pytest
from flask import Flask, request
from sqlalchemy import func, select
from werkzeug.routing import Rule

from app.access.audit.log import AuditEntry
from app.access.scope import unscoped
from app.core.errors import BadInput
from app.kernel.declare.register import all_registers
from app.web.frame.addresses import known_of, require_known
from app.web.frame.requests import PUBLIC
from tests.builders import (
    COUNTY_MANAGER,
    COUNTY_REVIEWER,
    MINISTRY,
    VILLAGE_CLERK,
    account,
    sign_in,
)
from tests.builders import household as household_of
from tests.contracts.conftest import World
from tests.contracts.place import Place
from tests.contracts.routes import SYSTEM, calls

pytestmark = pytest.mark.one_database

#: No pages: what monitors ask, files whose addresses say their version, pictures of letters and digits.
NO_PAGES = {"static", "appbuilder.static", "health"}
#: A script is answered without a page around it.
SHORT = {"X-Requested-With": "fetch"}
#: What paths are filled with; what they name is there or not, a wrong parameter is told first.
PARTS = {"register": "lookback", "name": "lookback", "form": "docx", "path": "a", "locale": "zh"}
KEY = "00000000-0000-7000-8000-000000000000"


def addresses(app: Flask) -> Iterator[str]:
    """One of every rule that is asked with GET."""
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and rule.endpoint not in NO_PAGES:
            yield re.sub(r"<[^>]*?(\w+)>", lambda found, rule=rule: part(rule, found[1]), rule.rule)


def part(rule: Rule, argument: str) -> str:
    kind = type(rule._converters[argument]).__name__
    given = {"UUIDConverter": KEY, "Whole": "1"}.get(kind)
    return given or PARTS.get(argument, "a")


@pytest.mark.parametrize("who", [MINISTRY, COUNTY_MANAGER], ids=str)
def test_no_page_passes_over_what_it_does_not_know(app: Flask, who) -> None:
    with app.app_context():
        client = sign_in(app, account(who))
    asked = list(addresses(app))
    wrong = []
    for address in asked:
        answer = client.get(f"{address}?nonsense=1", headers=SHORT)
        if answer.status_code != 400 or "nonsense" not in answer.text:
            wrong.append(f"{address} -> {answer.status_code}")
    assert not wrong, "\n".join(wrong)
    assert len(asked) > 150


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("zh", "没有参数“nonsense”。请从网址中去掉它，或从菜单重新打开页面。"),
        (
            "en",
            "There is no parameter “nonsense”. Take it out of the address, or open the page from",
        ),
    ],
)
def test_the_page_says_which_and_what_to_do_and_nothing_is_logged(
    app: Flask, caplog: pytest.LogCaptureFixture, language: str, told: str
) -> None:
    with app.app_context():
        client = sign_in(app, account(COUNTY_MANAGER))
    with client.session_transaction() as session:
        session["locale"] = language
    before = audited(app)
    answer = client.get("/audit/?nonsense=1")
    assert answer.status_code == 400
    assert told in answer.text
    assert audited(app) == before
    assert [one for one in caplog.records if one.levelno >= logging.WARNING] == []


def audited(app: Flask) -> int:
    with app.app_context(), unscoped("tests look") as session:
        return session.scalar(select(func.count()).select_from(AuditEntry)) or 0


class Asked(HTMLParser):
    """The addresses that a page leads to, with what its forms ask of them."""

    def __init__(self, here: str, text: str) -> None:
        super().__init__()
        self.here, self.found = here, set[str]()
        self.form: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        for name, value in said.items():
            if name in ("href", "src", "hx-get", "action") or name.endswith("-url"):
                self.add(value)
        if tag == "form":
            asks = said.get("method", "get").lower() == "get"
            self.form = said.get("action") or urlsplit(self.here).path if asks else None
        if self.form is not None and said.get("name"):
            self.add(
                f"{self.form.partition('#')[0]}?{urlencode({said['name']: said.get('value', '')})}"
            )

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.form = None

    def add(self, address: str) -> None:
        if urlsplit(address).query and not urlsplit(address).netloc:
            self.found.add(urljoin(self.here, address).partition("#")[0])


def shape(address: str) -> tuple[str, frozenset[str]]:
    """The same for addresses that differ in keys and values alone."""
    split = urlsplit(address)
    names = frozenset(name for name, _value in parse_qsl(split.query, keep_blank_values=True))
    return re.sub(r"[0-9a-f-]{36}|\d+", "*", split.path), names


def refused(app: Flask, address: str) -> bool:
    """Does nothing answer to it, or what does without knowing what it says?"""
    path, _mark, said = address.partition("?")
    for asked, method in product((path, f"{path}/"), ("GET", "POST")):
        with app.test_request_context(f"{asked}?{said}", method=method):
            if request.endpoint is not None:
                try:
                    require_known()
                except BadInput:
                    return True
                return False
    return True


#: What is no page, and dear to make.
FILES = (
    "paper",
    "blank_paper",
    "print",
    "excel",
    "file",
    "export",
    "template",
    "thumb",
    "document",
    "captcha",
)


def pages(world: World, *places: Place) -> list[str]:
    asked = (call for place in places for call in calls(world.app, place, PUBLIC))
    return [
        call.path
        for call in asked
        if call.method == "GET" and not call.path.startswith("/api/")
        and call.endpoint.partition(".")[2] not in FILES
    ]  # fmt: skip


def test_pages_lead_to_addresses_that_are_known(world: World) -> None:
    records, system = world.inside, replace(world.inside, subject=SYSTEM)
    walks = {
        COUNTY_MANAGER: pages(world, records, system),
        COUNTY_REVIEWER: pages(world, records),
        VILLAGE_CLERK: ["/", *pages(world, records)],
    }
    seen, wrong = set(), []
    for who, walked in walks.items():
        for page in walked:
            answer = world.clients[who].get(page)
            text = answer.text if answer.mimetype == "text/html" else ""
            for address in Asked(page, text).found:
                if shape(address) not in seen and refused(world.app, address):
                    wrong.append(f"{who}: {page} leads to {address}")
                seen.add(shape(address))
    assert not wrong, "\n".join(wrong)
    assert len(seen) > 100


# ---- numbers of any length, days of any century ------------------------------------------------

#: What addresses name by a number, whichever page it is of; and by a day.
NUMBERS = {"region", "page", "size", "year", "days", "limit"}
DAYS = {"decided_from", "since", "on", "at_from", "at_to"}
LONG = "9" * 25


def told_wrong(app: Flask) -> Iterator[tuple[str, bool]]:
    """Addresses with what is no key, number or day there, and whether each must be told so, unless there is
    no such page or it leads on; of one register, for the others are asked by the same code.
    """
    with app.app_context():
        household, survey = household_of(None, name="甲户")
        keys = {"household_id": str(household.id), "record_id": str(survey.id)}
    for rule in app.url_map.iter_rules():
        others = {register.name for register in all_registers()} - {"lookback", "household"}
        if "GET" not in (rule.methods or ()) or rule.endpoint in NO_PAGES:
            continue
        if not others.isdisjoint(rule.rule.split("/")):
            continue

        def path(number: str, rule: Rule = rule) -> str:
            def one(found: re.Match[str]) -> str:
                if type(rule._converters[found[1]]).__name__ == "Whole":
                    return number
                listed = {"name": "query"} if rule.rule.startswith("/lookback/<") else {}
                if "/statistics/" in rule.rule:
                    listed = {"name": "progress"}
                return (listed | keys).get(found[1]) or part(rule, found[1])

            return re.sub(r"<[^>]*?(\w+)>", one, rule.rule)

        with app.test_request_context(path("1")):
            names = {*known_of(app.view_functions[rule.endpoint])}
        for name in sorted(names):
            yield f"{path('1')}?{name}={LONG}", name in NUMBERS
        for name in sorted(names & {*NUMBERS, "figure"}):
            said = "total@" if name == "figure" else ""
            yield f"{path('1')}?{name}={said}{LONG * 200}", True
        for name in sorted(names & DAYS):
            yield f"{path('1')}?{name}=0001-01-01", True
            yield f"{path('1')}?{name}=9999-12-31", True
        if "<int:" in rule.rule:
            yield path(LONG), True
            yield path(LONG * 200), True


def test_numbers_of_any_length_and_days_of_any_century_are_told(app: Flask) -> None:
    clients = [sign_in(app, MINISTRY), sign_in(app, COUNTY_MANAGER)]
    wrong, strict = [], 0
    for address, must in told_wrong(app):
        for client in clients:
            status = client.get(address, headers=SHORT).status_code
            if status != 403:
                break
        strict += must and status == 400
        if status >= 500 or (must and status not in (302, 400, 404)):
            wrong.append(f"{address[:90]} ({len(address)}) -> {status}")
    assert not wrong, "\n".join(wrong)
    assert strict > 40
