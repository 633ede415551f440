"""What every register can do, whatever it declares: its ledger goes out and comes back unchanged, and no
page's number of statements grows with its rows (spec 09: 12 a list, 20 a form).
"""

from __future__ import annotations

import io
from functools import partial
from typing import Any

import pytest
from flask import Flask

from app.access.divisions.regions import Level
from app.access.scope import acting_as
from app.core.files.storage import storage
from app.kernel.declare.flow import State
from app.kernel.declare.register import Register, get_register
from app.kernel.exchange.imports import record_import
from tests import builders, specimens
from tests.clicks import begin_export, begin_import
from tests.contracts.conftest import statements
from tests.contracts.routes import REGISTERS
from tests.jobs import run

LIST, FORM = 12, 20
#: A look over the whole province is counted and noted in a transaction of its own, whose BEGIN SQLite
#: is told, and that of the reading after it.
NOTED = 2

ENTERED = [r.name for r in REGISTERS if r.entered]


def declared(name: str) -> Register:
    register = get_register(name)
    assert register is not None
    return register


@pytest.mark.one_database(turn=0)
@pytest.mark.parametrize("name", ENTERED)
def test_an_exported_ledger_imports_without_a_change(app: Flask, session: Any, name: str) -> None:
    """Also of records that hold all that one can; then a cell is changed, and one record with it."""
    register, village = declared(name), builders.seat(Level.VILLAGE)
    for n, make in enumerate((specimens.valid, specimens.fullest)):
        values = make(register, village)
        specimens.record(register, village, name=f"户主{n}", state=State.DRAFT, values=values)
    manager = builders.actor(builders.COUNTY_MANAGER)
    with acting_as(manager):
        job = begin_export(register, {}, "留存备查")
    (made,) = run(app, job).files_of("result")
    with storage().open(made["key"]) as stored:
        exported = io.BytesIO(stored.read())
    with acting_as(manager):
        start = partial(record_import.start, register)
        job = begin_import(start, exported, "台账.xlsx", dry_run=False, whole=False)
    counts = run(app, job).result or {}
    assert {n: counts[n] for n in ("created", "updated", "unchanged", "rejected")} == {
        "created": 0, "updated": 0, "unchanged": 2, "rejected": 0,
    }, counts  # fmt: skip


def fill(register: Register, count: int) -> Any:
    """Records in several villages; gives one of them."""
    villages = [
        builders.below(builders.region(builders.COUNTY), Level.VILLAGE, n) for n in range(3)
    ]
    states = (State.DRAFT, State.SUBMITTED, State.APPROVED)
    made = [
        specimens.record(
            register, villages[n % 3], state=states[n % 3],
            values=specimens.valid(register, villages[n % 3]),
        )
        for n in range(count)
    ]  # fmt: skip
    return made[0]


@pytest.mark.usefixtures("counted")
@pytest.mark.one_database(turn=1)
@pytest.mark.parametrize("name", [r.name for r in REGISTERS])
def test_statements_do_not_grow_with_rows(app: Flask, name: str) -> None:
    register = declared(name)
    clients = {
        who: builders.sign_in(app, who) for who in (builders.COUNTY_MANAGER, builders.MINISTRY)
    }
    with app.app_context():
        record = fill(register, 6)
    base, api = f"/{name}", f"/api/v1/{name}"
    lists = [f"{base}/{menu.name}?list=1" for menu in register.menus]
    lists += [f"{base}/statistics/{table.name}" for table in register.tables]
    lists += [f"{base}/statistics/week"] if register.progress_table else []
    lists += [api, f"{api}/changes?since=2026-01-01", f"{api}/{record.id}"]
    pages = dict.fromkeys(lists, LIST) | {f"{base}/{record.id}": FORM}
    pages |= {f"{base}/{record.id}/edit": FORM} if register.entered else {}
    for menu in register.menus:
        if menu.name == "province":
            pages[f"{base}/province?list=1"] = LIST + NOTED

    def ask() -> dict[Any, int]:
        counts = {}
        for page in pages:
            for who, client in clients.items():
                answer = client.get(page)
                if answer.status_code == 403:
                    continue
                assert answer.status_code in (200, 302), (page, answer.status_code)
                counts[page, str(who)] = statements(answer)
        return counts

    ask()  # lists of choices and such are read once
    few = ask()
    with app.app_context():
        fill(register, 40)
    many = ask()
    report = [
        f"{key}: {few[key]} with 6 rows, {n} with 46, at most {pages[key[0]]}"
        for key, n in many.items() if n > pages[key[0]] or n > few[key]
    ]  # fmt: skip
    assert not report, "\n".join(report)
