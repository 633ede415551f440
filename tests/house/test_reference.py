"""docs/declaration.md says all that a declaration may say, as the code says it now."""

from __future__ import annotations

import importlib
import re

import pytest

from tools import reference


def test_the_page_is_what_the_docstrings_say() -> None:
    written = reference.PAGE.read_text(encoding="utf-8")
    assert written == reference.page(), "run .venv/bin/python tools/reference.py"


def test_nothing_stands_there_without_a_word() -> None:
    assert reference.untold() == []


@pytest.mark.parametrize("path", [name for _title, name in reference.CHAPTERS])
def test_every_public_name_of_a_module_stands_there(path: str) -> None:
    module = importlib.import_module(path.removesuffix(".py").replace("/", "."))
    page = reference.PAGE.read_text(encoding="utf-8")
    (chapter,) = re.findall(
        rf"^\[`{re.escape(path)}`\].*?(?=^## |\Z)", page, re.MULTILINE | re.DOTALL
    )
    told = set(re.findall(r"^### (\w+)$", chapter, re.MULTILINE))
    own = {
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", "") == module.__name__
    }
    assert own - {"T"} <= told
    assert told, "no name at all"


def test_what_is_not_told_is_found(tmp_path: reference.Path) -> None:
    code = tmp_path / "thing.py"
    code.write_text(
        '"""A module."""\n\n#: How many.\nMOST = (\n'
        + '    "words",\n' * 20
        + ")\n\n\nclass Thing:\n    size: int\n"
        "    name: str  # what it is called\n\n    def grow(self, by: int) -> None: ...\n\n\ndef make() -> Thing:\n"
        '    """A new one.\n\n    :raises ValueError: no room.\n    """\n',
        encoding="utf-8",
    )
    most, thing, make = reference.entries(code)
    assert (most.text, list(most.untold())) == ("How many.", [])
    assert list(thing.untold()) == ["Thing", "Thing.size", "Thing.grow(by: int) -> None"]
    assert make.call == "make() -> Thing"
    assert make.text == "A new one.\n\nRaises `ValueError`: no room."
