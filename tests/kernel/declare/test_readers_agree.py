"""Property: Python, JavaScript and SQL say the same of any record, cleared or not (design.md): of the
sample, which uses all there is, and of every register that is declared.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy.orm import Session

from app.access.divisions.regions import Level
from app.access.scope import unscoped
from app.kernel.declare.figures import of_year
from app.kernel.declare.register import Register, all_registers
from app.kernel.declare.rules import RuleSet
from app.kernel.figures import counters
from app.modules.homes.choices import Living
from tests.builders import seat
from tests.kernel.declare.readers import Record, ask_javascript, ask_python, ask_stored, records
from tests.kernel.declare.sample import RULES, Base, Sample

NODE = shutil.which("node")
SAMPLES = records(RULES.fields, {"gate": True, "way": "own"}, 200, seed=1)
#: Answers without which little of a form shows.
MOSTLY = {
    "died": False,
    "living": Living.OWN,
    "parcel_state": "chosen",
    "qualified": True,
    "accepted": True,
    "no_house": False,
    "current": True,
}
REGISTERS = [r for r in all_registers() if r.sections]
#: The years of which figures are asked, where they are counted by year.
YEARS = (None, 2024, 2025)


@pytest.fixture
def stored(session: Any) -> Iterator[Session]:
    """A session that sees every row."""
    with unscoped("rules are read on stored rows of all areas") as everything:
        yield everything


@pytest.fixture
def sample_table(stored: Session) -> Session:
    Base.metadata.create_all(stored.connection())
    return stored


@pytest.fixture
def place(session: Any) -> dict[str, Any]:
    village = seat(Level.VILLAGE)
    return {
        "region_id": village.id,
        "path": village.path,
        "county_id": village.county_id,
        "province_id": village.province_id,
    }


def of_register(register: Register) -> list[Record]:
    """Random records of the register, with what the kernel keeps of them."""
    model = register.model
    table = model.__table__
    always = {c.name for c in table.c if not c.nullable}
    found = records(model.__fields__, MOSTLY, 60, 1, always)
    once = [i.columns.keys()[0] for i in table.indexes if i.unique and len(i.columns) == 1]
    for name in (n for n in once if n in model.__fields__):  # as an index demands it
        known = {row[name]: row for row in found}
        found = list(known.values())
    return found


def test_sql_agrees_with_python_on_every_kind(sample_table: Session) -> None:
    for told in ask_stored(sample_table, Sample, "sample", RULES, SAMPLES):
        assert told.sql.codes == told.python.of_record, told.values


@pytest.mark.parametrize("register", REGISTERS, ids=lambda register: register.name)
def test_sql_agrees_with_python_on_every_register(
    place: dict[str, Any], stored: Session, register: Register
) -> None:
    """On its rules; and on its figures, for Python makes the counters' deltas, SQL the drill-down."""
    years = YEARS if register.years else YEARS[:1]
    keys = [of_year(name, year) for name in register.counting for year in years]
    counted = {key: register.counted(key) for key in keys}
    columns = place | ({"head_name": "王"} if "head_name" in register.model.__fields__ else {})
    model, rows = register.model, of_register(register)
    for told in ask_stored(stored, model, register.name, register.rules, rows, counted, **columns):
        assert told.sql.codes == told.python.of_record, told.values
        kept = counters.amounts(register, told.values).keys() & counted.keys()
        assert told.counted == kept, told.values


@pytest.mark.skipif(NODE is None, reason="node is not installed")
@pytest.mark.parametrize(
    ("rules", "rows"),
    [
        pytest.param(RULES, SAMPLES, id="sample"),
        *(pytest.param(r.rules, of_register(r), id=r.name) for r in REGISTERS if r.entered),
    ],
)
def test_javascript_agrees_with_python(rules: RuleSet, rows: list[Record]) -> None:
    broken: set[str] = set()
    for javascript, record in zip(ask_javascript(rules, rows), rows, strict=True):
        files = {n: [*range(record[n] or 0)] for n, m in rules.fields.items() if not m.stored}
        python = ask_python(rules, record | files)
        assert javascript == python, record
        broken.update(python.of_record)
    every = {f"{n}.{c.code}" for n, m in rules.fields.items() for c in m.checks}
    every |= {f"{n}.required" for n, m in rules.fields.items() if m.required}
    assert len(every - broken) < len(every) / 3, f"no record breaks {sorted(every - broken)}"
