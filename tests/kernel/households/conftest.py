"""What tests of households share."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from tests import builders
from tests.kernel.households.importing import Desk


@pytest.fixture
def desk(app: Flask, session: Any) -> Desk:
    return Desk(app, builders.account(builders.COUNTY_MANAGER))
