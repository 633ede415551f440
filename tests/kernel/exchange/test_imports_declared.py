"""Which lists can be imported is asked of whoever imports them."""

from __future__ import annotations

import pytest
from flask import Flask

from app.core.jobs.table import KINDS
from app.kernel import hooks


@pytest.mark.one_database
def test_each_import_has_its_job_its_page_and_its_name(app: Flask) -> None:
    """No two have the same, and each one's job is known to the worker."""
    found = hooks.imports()
    assert {one.command for one in found} == {"household", "low_income", "parcel", "prior", ""}
    assert len({one.kind for one in found}) == len({one.page for one in found}) == len(found) == 5
    assert {one.kind for one in found} <= KINDS.keys()
    assert all(one.what for one in found if one.command)
