"""A program that leaves a module out: it starts, its declarations and its tables are found right."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import config
from tests.databases import Databases
from tests.running.programs import ROOT

PROGRAM = """
import sys

from app import create_app
from app.core.jobs.table import KINDS
from app.kernel.declare.register import get_register

app = create_app()
assert not [name for name in sys.modules if name.startswith("app.modules.craftsmen")]
assert get_register("craftsman") is None
assert not [rule for rule in app.url_map.iter_rules() if "craftsman" in rule.rule]
assert not [kind for kind in KINDS if kind.startswith("craftsman")]
runner = app.test_cli_runner()
for command in (["check"], ["db", "check"], ["hooks"]):
    done = runner.invoke(args=command)
    assert done.exit_code == 0, (command, done.output, done.exception)
client = app.test_client()
assert client.get("/health").json["database"] == "ok"
assert client.get("/login/").status_code == 200
"""


def run(without: str, databases: Databases, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """The program, on a database with the tables of all modules."""
    database = tmp_path / "anju.db"
    shutil.copyfile(databases.template("sqlite").removeprefix("sqlite:///"), database)
    environment = os.environ | {
        "MODULES_WITHOUT": without,
        "DATABASE_URL": f"sqlite:///{database}",
        "STORAGE_DIR": str(tmp_path / "files"),
        "SECRET_KEY": "only for tests",
    }
    return subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, env=environment, text=True, capture_output=True,
        check=False, timeout=120,
    )  # fmt: skip


def test_the_program_works_without_modules(databases: Databases, tmp_path: Path) -> None:
    done = run("craftsmen,house_map", databases, tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]


#: Of the contracts of everything that is declared: every address, everybody in the area, somebody beside it,
#: an export that comes back; mostly of a register that has a field for records of the module.
CONTRACTS = (
    "every_address or (no_page_passes and county)"
    " or ((test_inside or test_a_grant or exported_ledger) and dossier)"
)


def test_the_contracts_hold_without_a_module() -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--db", "sqlite",
         "tests/contracts", "-k", CONTRACTS],
        cwd=ROOT, env=environment | {"MODULES_WITHOUT": "craftsmen"}, text=True,
        capture_output=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    assert "5 passed" in done.stdout


@pytest.mark.parametrize(
    ("without", "why"),
    [("homes", "other modules stand on 'homes'"), ("nothing", "there is no module 'nothing'")],
)
def test_what_cannot_be_left_out_is_refused(
    without: str, why: str, databases: Databases, tmp_path: Path
) -> None:
    done = run(without, databases, tmp_path)
    assert done.returncode
    assert f"MODULES_WITHOUT: {why}" in done.stderr


def test_modules_are_left_out_by_their_names() -> None:
    assert config.modules_without({}) == frozenset()
    assert config.modules_without({"MODULES_WITHOUT": ""}) == frozenset()
    told = {"MODULES_WITHOUT": "craftsmen, surveys,"}
    assert config.modules_without(told) == {"craftsmen", "surveys"}
