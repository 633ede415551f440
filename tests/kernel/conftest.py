"""Who works on which record in the tests of actions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from app.access.actor import Actor
from app.core.db import read_only
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


@pytest.fixture
def reading(session: Any) -> Iterator[None]:
    """As in a request: only a transaction writes."""
    with read_only():
        yield
