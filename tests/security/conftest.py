"""An attacker's and a tired clerk's accounts, and one household of theirs."""

from __future__ import annotations

import io

import pytest
from flask import Flask
from PIL import Image

from app.modules.surveys.lookback.model import Lookback
from tests.builders import COUNTY_MANAGER, VILLAGE_CLERK, household, sign_in
from tests.hands import Hands


@pytest.fixture
def survey(app: Flask) -> Lookback:
    with app.app_context():
        return household()[1]


@pytest.fixture
def clerk(app: Flask) -> Hands:
    return Hands(app, sign_in(app, VILLAGE_CLERK))


@pytest.fixture
def manager(app: Flask) -> Hands:
    return Hands(app, sign_in(app, COUNTY_MANAGER))


@pytest.fixture
def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (400, 300), "green").save(out, "JPEG")
    return out.getvalue()
