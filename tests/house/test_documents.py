"""What documents point at is there: files, modules, and what they name in them."""

from __future__ import annotations

import importlib.util
import re
import subprocess
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
_DOTTED = re.compile(r"`(app(?:\.\w+)+)")


def documents() -> list[Path]:
    """Every Markdown file of the project."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [ROOT / name for name in listed.stdout.splitlines()]


def found(dotted: str) -> bool:
    """Is this a module of ours, or something in one?"""
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        name = ".".join(parts[:length])
        try:
            if importlib.util.find_spec(name) is None:
                continue
        except ModuleNotFoundError:
            continue
        held: object = import_module(name)
        for part in parts[length:]:
            if not hasattr(held, part):
                return False
            held = getattr(held, part)
        return True
    return False


def names(path: Path) -> Iterator[str]:
    yield from _DOTTED.findall(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    for target in _LINK.findall(path.read_text(encoding="utf-8")):
        if "://" not in target and not target.startswith("mailto:"):
            assert (path.parent / target).exists(), target


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_names_of_ours_are_there(path: Path) -> None:
    missing = [name for name in names(path) if not found(name)]
    assert not missing
