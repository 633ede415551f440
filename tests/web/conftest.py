"""A browser's hands without a browser: signed-in clients that post with their CSRF token."""

from __future__ import annotations

import io
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse

from app.access.accounts import Account
from app.access.regions import Region
from app.access.scope import unscoped
from app.registers.lookback.model import Lookback
from tests import builders
from tests.builders import Who

_TOKEN = re.compile(r'name="csrf-token" content="([^"]+)"')


@dataclass
class Hands:
    """One signed-in account."""

    app: Flask
    client: FlaskClient

    def get(self, url: str, **options: Any) -> TestResponse:
        return self.client.get(url, **options)

    def post(self, url: str, data: Any = None, **options: Any) -> TestResponse:
        """A form, as a page of ours sends it."""
        return self.client.post(
            url, data=dict(data or {}) | {"csrf_token": self.token()}, **options
        )

    def post_json(self, url: str, body: Any) -> TestResponse:
        return self.client.post(
            url, json=body, headers={"X-CSRFToken": self.token(), "Accept": "application/json"}
        )

    def upload(self, url: str, content: bytes, name: str = "照片.jpg") -> TestResponse:
        return self.post(
            url, {"file": (io.BytesIO(content), name)}, content_type="multipart/form-data"
        )

    def token(self) -> str:
        found = _TOKEN.search(self.client.get("/help/").text)
        assert found
        return found[1]


@pytest.fixture
def as_account(app: Flask) -> Callable[..., Hands]:
    """``as_account(builders.TOWN_CLERK)``: a new account of that kind, signed in."""

    def sign_in(who: Who | Account, place: Region | None = None) -> Hands:
        return Hands(app, builders.sign_in(app, who, place))

    return sign_in


@pytest.fixture
def stored(app: Flask) -> Callable[[uuid.UUID], Lookback]:
    """The look-back row as it is stored now."""

    def look(record_id: uuid.UUID) -> Lookback:
        with app.app_context(), unscoped("tests look at rows") as session:
            return session.get_one(Lookback, record_id)

    return look


@pytest.fixture(scope="session")
def photo() -> bytes:
    """A real JPEG."""
    out = io.BytesIO()
    Image.effect_noise((1200, 900), 60).convert("RGB").save(out, "JPEG")
    return out.getvalue()
