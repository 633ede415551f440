"""What tests of a register's pages begin with: a survey to fill in, and who fills it in."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from app.modules.surveys.lookback.model import Lookback
from tests import builders
from tests.hands import Hands


@pytest.fixture
def survey(app: Flask) -> Lookback:
    """Of a household that nobody surveyed yet."""
    with app.app_context():
        return builders.household(name="张建国")[1]


@pytest.fixture
def clerk(as_account: Callable[..., Hands]) -> Hands:
    return as_account(builders.TOWN_CLERK)
