"""A folder is a room: what lies in it can be seen at a glance."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MOST = 20


@pytest.mark.parametrize("top", ["app", "tests"])
@pytest.mark.parametrize("kind", ["py", "html", "js"])
def test_no_folder_has_more_than_twenty_files_of_a_kind(top: str, kind: str) -> None:
    held = Counter(
        path.parent.relative_to(ROOT).as_posix()
        for path in (ROOT / top).rglob(f"*.{kind}")
        if path.parent.name != "vendor"
    )
    assert {folder: n for folder, n in held.items() if n > MOST} == {}


def test_every_room_says_what_it_is_for() -> None:
    """Every folder of the program that holds Python says in its ``__init__`` what it is for."""
    folders = {path.parent for path in (ROOT / "app").rglob("*.py")}
    silent = [
        folder.relative_to(ROOT).as_posix()
        for folder in folders
        if not (folder / "__init__.py").exists()
        or not (folder / "__init__.py").read_text(encoding="utf-8").startswith('"""')
    ]
    assert sorted(silent) == []
