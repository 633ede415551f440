"""Who works on which record in the tests of actions."""

from __future__ import annotations

from typing import Any

import pytest

from app.access.actor import Actor
from app.modules.surveys.lookback.model import Lookback
from tests.builders import COUNTY_REVIEWER, VILLAGE_CLERK, actor, household


@pytest.fixture
def clerk(session: Any) -> Actor:
    return actor(VILLAGE_CLERK)


@pytest.fixture
def reviewer(session: Any) -> Actor:
    return actor(COUNTY_REVIEWER)


@pytest.fixture
def survey(session: Any) -> Lookback:
    return household()[1]
