"""The survey of CONTRIBUTING.md, "Add a register": taken from the page, declared in a copy of the program,
its migration made by the command that stands there, then worked with over HTTP (tests/worked_example.py).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.databases import Databases
from tests.running.programs import ROOT

GUIDE = ROOT / "CONTRIBUTING.md"
MOST_LINES, FIELDS = 40, 10


@pytest.fixture(scope="module")
def section() -> str:
    return GUIDE.read_text(encoding="utf-8").partition("## Add a register")[2]


@pytest.fixture(scope="module")
def declaration(section: str) -> tuple[str, str]:
    """The file's name and all that it holds."""
    found = re.search(
        r"`(app/modules/\w+/__init__\.py)`\n\n```python\n(.*?)```", section, re.DOTALL
    )
    assert found
    return found[1], found[2]


@pytest.fixture(scope="module")
def command(section: str) -> list[str]:
    """The one command that makes its migration."""
    (block,) = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    (line,) = block.strip().splitlines()
    found = re.fullmatch(r'\.venv/bin/(flask) (db migrate) -m "([^"]+)"', line)
    assert found, line
    return [sys.executable, "-m", found[1], *found[2].split(), "-m", found[3]]


def test_ten_fields_are_forty_lines(declaration: tuple[str, str]) -> None:
    _name, code = declaration
    assert len(code.splitlines()) <= MOST_LINES
    assert len(re.findall(r"^    \w+ = f\.", code, re.MULTILINE)) == FIELDS
    beside = "app/modules/surveys/lookback/model.py"  # a file that is there: the same rules hold
    for check in (["check"], ["format", "--check"]):
        subprocess.run(
            [sys.executable, "-m", "ruff", *check, "--stdin-filename", beside, "-"],
            cwd=ROOT, input=code, text=True, check=True, capture_output=True,
        )  # fmt: skip


def test_the_survey_works_with_nothing_beside_its_declaration(
    databases: Databases, tmp_path: Path, declaration: tuple[str, str], command: list[str]
) -> None:
    name, code = declaration
    copy_program(tmp_path)
    (tmp_path / name).parent.mkdir()
    (tmp_path / name).write_text(code, encoding="utf-8")
    database = tmp_path / "anju.db"
    shutil.copyfile(databases.template("sqlite").removeprefix("sqlite:///"), database)
    environment = os.environ | {
        "DATABASE_URL": f"sqlite:///{database}",
        "STORAGE_DIR": str(tmp_path / "files"),
        "SECRET_KEY": "only for tests",
        "CAPTCHA_ENABLED": "0",
        "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)]),
    }
    example = [sys.executable, "-m", "tests.worked_example"]
    work([*example, "settle"], ROOT, environment | {"PYTHONPATH": str(ROOT)})
    before = set((tmp_path / "migrations/versions").glob("*.py"))
    work(command, tmp_path, environment)
    (migration,) = set((tmp_path / "migrations/versions").glob("*.py")) - before
    assert re.fullmatch(r"\d{4}_water_survey\.py", migration.name)
    text = migration.read_text(encoding="utf-8")
    assert (
        re.findall(
            r"op\.(?:create|drop|add|alter)_\w+\('(\w+)'", text.partition("def downgrade")[0]
        )[0]
        == "water"
    )
    assert "add_column" not in text, "the migration is about the new table alone"
    work(example, tmp_path, environment)


def copy_program(folder: Path) -> None:
    """The program as it stands, without what browsers alone need."""
    skipped = shutil.ignore_patterns("static", "demo")
    shutil.copytree(ROOT / "app", folder / "app", ignore=skipped)
    shutil.copytree(ROOT / "migrations", folder / "migrations")
    for name in ("config.py", "app.py"):
        shutil.copyfile(ROOT / name, folder / name)
    (folder / "translations").symlink_to(ROOT / "translations")
    (folder / "app/web/static").symlink_to(ROOT / "app/web/static")
    (folder / "app/demo").symlink_to(ROOT / "app/demo")


def work(command: list[str], folder: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False,
        timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, (
        f"{' '.join(command)}:\n{done.stdout[-3000:]}\n{done.stderr[-5000:]}"
    )
