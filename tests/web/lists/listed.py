"""Lists as an account asks for them, and what a page of one says."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any

from flask import Flask
from sqlalchemy import select

from app.access.scope import unscoped
from app.kernel.lists.saved_rows import SavedFilter
from app.modules.surveys.lookback.model import Lookback
from tests import builders
from tests.hands import Hands

AsAccount = Callable[..., Hands]
QUERY = "/lookback/query"


def heads(page: str) -> list[str]:
    """The heads of the list's columns."""
    return re.findall(
        r'<th scope="col" data-col="\d+" class="col-\w+(?: is-long)?">([^<]+)</th>', page
    )


def names(page: str) -> list[str]:
    return re.findall(r'class="row-link">([^<]+)</a>', page)


def kept(app: Flask) -> list[SavedFilter]:
    with app.app_context(), unscoped("tests look") as session:
        return list(session.scalars(select(SavedFilter).order_by(SavedFilter.name)))


def households(app: Flask, *names: str, place: Any = None, **columns: Any) -> list[Lookback]:
    with app.app_context():
        return [builders.household(place, name=name, **columns)[1] for name in names]


def step(hands: Hands, page: str, direction: str) -> Any:
    """Go on from a record's page; gives the answer after the redirect."""
    found = re.search(rf'rel="{direction}" href="([^"]+)"', page)
    assert found, "there is no way on"
    return hands.get(html.unescape(found[1]), follow_redirects=True)
