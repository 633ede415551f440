"""The glossary names what there is: in the code and on the screen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_CHINESE = re.compile(r"[\u4e00-\u9fff]+")


def lines() -> Iterator[tuple[str, str, str]]:
    """Chinese word, names in code, place on the screen."""
    for line in (ROOT / "docs/glossary.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 3 and "`" in cells[1]:
            yield cells[0], cells[1], cells[2]


def source(*endings: str) -> str:
    return "\n".join(
        path.read_text(encoding="utf-8")
        for ending in endings
        for path in (ROOT / "app").rglob(f"*{ending}")
    )


def test_every_name_in_code_is_there() -> None:
    known = set(re.findall(r"\w+", source(".py")))
    named = {name for _word, names, _place in lines() for name in re.findall(r"`(\w+)`", names)}
    assert len(named) > 50
    assert named <= known


def test_every_word_of_the_screen_is_there() -> None:
    said = source(".py", ".html")
    missing = [
        (word, shown)
        for word, _names, place in lines()
        for shown in _CHINESE.findall(place)
        if shown not in said
    ]
    assert not missing
