"""Callers of the API: a token's system, and a signed-in browser."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.access.divisions.regions import Level, Region
from tests.builders import Who, account, api_token, seat

API = "/api/v1"


@dataclass
class Caller:
    """Another system: sends its token with every request."""

    app: Flask
    secret: str
    headers: dict[str, str] = field(default_factory=dict)
    last: TestResponse | None = None

    def ask(self, method: str, path: str, **options: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.secret}"} | self.headers
        headers |= options.pop("headers", {})
        url = path if path.startswith("/files") else API + path
        return self.app.test_client().open(url, method=method, headers=headers, **options)

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.ask("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> TestResponse:
        return self.ask("POST", path, json=body if body is not None else {}, **options)

    def patch(self, path: str, body: Any, **options: Any) -> TestResponse:
        return self.ask("PATCH", path, json=body, **options)


@pytest.fixture
def system(app: Flask) -> Callable[..., Caller]:
    """``system(COUNTY_MANAGER)``: a token of a new account of that kind; ``lookback="read"`` …"""

    def make(who: Who, place: Region | None = None, **options: Any) -> Caller:
        with app.app_context():
            owner = account(who, options.pop("seat", None) or seat(who.level))
            _token, secret = api_token(owner, place, **options)
        return Caller(app, secret)

    return make


@pytest.fixture
def village(app: Flask) -> Region:
    with app.app_context():
        return seat(Level.VILLAGE)
