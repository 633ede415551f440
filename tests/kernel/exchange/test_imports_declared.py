"""Which lists can be imported is asked of whoever imports them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from flask import Flask

from app.core.jobs.table import KINDS
from app.kernel import hooks
from app.kernel.declare.register import all_registers
from app.kernel.exchange.imports.heads import plain_head

APP = Path(__file__).parents[3] / "app"


@pytest.mark.one_database
def test_each_import_has_its_job_its_page_and_its_name(app: Flask) -> None:
    """No two have the same, and each one's job is known to the worker."""
    found = hooks.imports()
    assert {one.command for one in found} == {"household", "low_income", "parcel", "prior", ""}
    assert len({one.kind for one in found}) == len({one.page for one in found}) == len(found) == 6
    assert {one.kind for one in found} <= KINDS.keys()
    assert all(
        one.what for one in found if one.command
    )  # divisions and quotas are imported on pages alone


def test_one_pipeline_reads_every_workbook() -> None:
    """An import that read its file itself would tell of it what it likes."""
    calls = [path for path in APP.rglob("*.py") if "read_book(" in path.read_text(encoding="utf-8")]
    found = {str(path.relative_to(APP)) for path in calls}
    assert found == {"kernel/exchange/reader.py", "kernel/exchange/imports/pipeline.py"}


def test_no_two_fields_of_a_form_have_the_same_head() -> None:
    """Without blanks, marks and units, too: the second would never be read."""
    for register in all_registers():
        if register.entered:
            heads = Counter(
                plain_head(f.label) for f in register.fields.values() if f.typed and not f.rows
            )
            assert [head for head, n in heads.items() if n > 1] == [], register.name
