"""Where code names the specification, the specification has that paragraph."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_REFERENCE = re.compile(r'[Ss]pec (\d\d)(?:, (\d\d)\b)*(?:\'s)?,?(?: §(\w+))?(?: ?"([^"]+)")?')


def texts() -> dict[str, str]:
    """The specification's files by number, in lower case."""
    return {
        path.name[:2]: path.read_text(encoding="utf-8").lower()
        for path in (ROOT / "docs/spec").glob("[0-9]*.md")
    }


def references() -> Iterator[tuple[str, list[str], list[str]]]:
    """Of every reference in code: where it stands, the files and the paragraphs that it names."""
    for folder in ("app", "tests", "bench", "tools", "migrations"):
        for path in (ROOT / folder).rglob("*.py"):
            source = re.sub(r"\s*\n\s*#?\s*", " ", path.read_text(encoding="utf-8"))
            for found in _REFERENCE.finditer(source):
                first, second, *named = found.groups()
                yield (
                    f"{path}: {found[0]}",
                    list(filter(None, (first, second))),
                    list(filter(None, named)),
                )


def test_every_reference_leads_to_a_paragraph() -> None:
    known, seen = texts(), 0
    for where, files, named in references():
        seen += 1
        assert set(files) <= known.keys(), where
        for paragraph in named:
            assert paragraph.lower() in known[files[0]], where
    assert seen > 100


def test_the_contents_name_every_file() -> None:
    contents = (ROOT / "docs/spec/README.md").read_text(encoding="utf-8")
    files = {path.name for path in (ROOT / "docs/spec").glob("[0-9]*.md")}
    assert set(re.findall(r"\]\((\S+\.md)\)", contents)) == files
