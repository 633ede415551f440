"""The pages in English hold no Chinese: all that the demonstration of one household shows.

The data are given Latin names first, so that whatever Chinese is left was said by the program.
"""

from __future__ import annotations

import json
import re
import uuid
from collections import Counter
from html.parser import HTMLParser
from typing import Any

import pytest
from flask import Flask
from flask_babel import get_domain
from sqlalchemy import update

from app.access.divisions.regions import Level, Region
from app.access.scope import unscoped
from app.core.clock import now
from app.kernel.declare.flow import State
from app.modules.homes.choices import Grade
from app.modules.surveys.lookback.model import Lookback
from tests import builders
from tests.house.test_translations import CHINESE
from tools import setup

START = [
    "/",
    "/account/",
    "/account/password",
    "/help/",
    "/search/?q=Wang",
    "/search/?q=9",
    "/gone",
]
NO_PAGES = ("/logout", "/language", "/static", "/files")
NO_TEXTS = "/excel"
PER_SHAPE = 2  # pages of one kind that are looked at
OWN_NAME = "中文"  # each language is offered by its own name


class Page(HTMLParser):
    """The texts, attributes and links of a page; of scripts only the data."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.links: list[str] = []
        self.inside = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.texts += [value for value in values.values() if value]
        if tag == "a" and (href := values.get("href") or "").startswith("/"):
            self.links.append(href)
        if tag in ("script", "style"):
            self.inside = "data" if values.get("type") == "application/json" else tag

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside == "data":
            self.texts.append(json.dumps(json.loads(data), ensure_ascii=False))
        elif not self.inside:
            self.texts.append(data.strip())


@pytest.fixture
def latin(app: Flask) -> None:
    """Divisions with Latin names, and English compiled."""
    setup.translations()
    with app.app_context():
        get_domain().cache.clear()  # English may have been asked for before it was compiled
        county = builders.seat(Level.COUNTY)
        above = [county.path[:end] for end in range(1, len(county.path))]
        with unscoped("tests give divisions Latin names") as session:
            shown = Region.path.in_(above) | Region.path.startswith(county.path, autoescape=True)
            latin = {"name": "Div", "full_name": "Div", "department": "Dep"}
            session.execute(update(Region).where(shown).values(**latin))
            session.commit()


def in_latin(value: Any) -> Any:
    """The value with an X for each Chinese character that somebody typed."""
    if isinstance(value, dict):
        return {name: in_latin(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(in_latin(one) for one in value)
    return CHINESE.sub("X", value) if type(value) is str else value


def households(app: Flask) -> None:
    """One household in every state, with a complete form."""
    ways = [builders.full_house(), builders.other_home(), builders.own_house(Grade.D)]
    with app.app_context():
        for number, state in enumerate(State):
            row = builders.household(name=f"Wang{number}", state=state)[1]
            if state == State.MISSING:
                continue
            form = in_latin(ways[number % len(ways)])
            builders.complete(row, form, ("front_photos", "judged_paper"))
            with unscoped("tests set states") as session:
                kept = session.get_one(Lookback, row.id)
                kept.state, kept.submitted_by, kept.submitted_at = state, uuid.uuid4(), now()
                session.commit()


def shapes_of(url: str) -> set[str]:
    """What kind of page it is: its path without keys, with each of its parameters."""
    path, _mark, query = re.sub(r"[0-9a-f-]{36}|=[^&]*|\d+", "#", url).partition("?")
    return {f"{path}?{name}" for name in query.split("&")}


@pytest.mark.one_database
@pytest.mark.usefixtures("latin")
@pytest.mark.parametrize("who", [builders.COUNTY_MANAGER, builders.VILLAGE_CLERK], ids=str)
def test_no_page_says_anything_in_chinese(app: Flask, who: builders.Who):
    households(app)
    with app.app_context():
        account = builders.account(who, first_name="Office")
    client = builders.sign_in(app, account)
    with client.session_transaction() as session:
        session["locale"] = "en"
    todo, seen, shapes, found = list(START), set(START), Counter(), {}
    while todo:
        url = todo.pop(0)
        if all(shapes[shape] >= PER_SHAPE for shape in shapes_of(url)):
            continue
        shapes.update(shapes_of(url))
        answer = client.get(url, follow_redirects=True)
        assert answer.status_code < 500, url
        if answer.mimetype != "text/html":
            continue
        page = Page(answer.text)
        if left := {t for t in page.texts if CHINESE.search(t)} - {OWN_NAME}:
            found[url] = left
        new = [u for u in page.links if u not in seen and not u.startswith(NO_PAGES)]
        new = [u for u in new if not u.partition("?")[0].endswith(NO_TEXTS)]
        todo += new
        seen.update(new)
    assert not found
    assert len(shapes) > 20
