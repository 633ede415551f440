"""A browser's hands without a browser: signed-in clients that post with their CSRF token."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable

import pytest
from flask import Flask
from PIL import Image

from app.access.scope import unscoped
from app.modules.surveys.lookback.model import Lookback
from tests import builders
from tests.hands import Hands


@pytest.fixture
def stored(app: Flask) -> Callable[[uuid.UUID], Lookback]:
    """The look-back row as it is stored now."""

    def look(record_id: uuid.UUID) -> Lookback:
        with app.app_context(), unscoped("tests look at rows") as session:
            return session.get_one(Lookback, record_id)

    return look


@pytest.fixture
def reviewer(as_account: Callable[..., Hands]) -> Hands:
    return as_account(builders.COUNTY_REVIEWER)


@pytest.fixture(scope="session")
def photo() -> bytes:
    """A real JPEG."""
    out = io.BytesIO()
    Image.effect_noise((1200, 900), 60).convert("RGB").save(out, "JPEG")
    return out.getvalue()
