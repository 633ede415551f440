"""The catalogue of texts: what code, templates and declarations say, and its English.

``flask translations`` writes every msgid into translations/en and keeps
what is translated; a test fails on a Chinese text without English.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from app.access import policy
from app.core.choices import Choices
from app.core.jobs import KINDS
from app.registry import lists
from app.registry.fields import Field
from app.registry.register import Column, Register, all_registers

ROOT = Path(__file__).resolve().parent.parent
PATH = ROOT / "translations/en/LC_MESSAGES/messages.po"
_KEYWORDS = {
    "_": None, "gettext": None, "lazy": None, "lazy_gettext": None, "translate": None,
    "ngettext": (1, 2),
}  # fmt: skip
_METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2")]


def texts() -> dict[str, set[str]]:
    """Every msgid -> where it stands."""
    found: dict[str, set[str]] = {}
    for file, _line, message, _comments, _context in extract_from_dir(
        ROOT / "app", _METHODS, keywords=_KEYWORDS
    ):
        for text in message if isinstance(message, tuple) else (message,):
            found.setdefault(text, set()).add(f"app/{file}")
    for where, text in _declared():
        if text and not text.isascii():
            found.setdefault(text, set()).add(where)
    return found


def _declared() -> Iterator[tuple[str, str]]:
    """The texts that declarations hold, which no extraction of source code finds."""
    for kind in _subclasses(Choices):
        yield from ((kind.__name__, member.zh) for member in kind)
    for name, items in lists.DEFAULTS.items():
        yield from ((f"list {name}", text) for text in items)
    for level, kind in policy.MATRIX:
        yield "roles", policy.role_name(level, kind)
    for job in KINDS.values():
        yield "jobs", job.title
    for register in all_registers():
        yield from ((f"register {register.name}", text) for text in _of_register(register))


def _subclasses(kind: type[Any]) -> Iterator[Any]:
    for below in kind.__subclasses__():
        yield below
        yield from _subclasses(below)


def _of_register(register: Register) -> Iterator[str]:
    yield from (register.title, register.record_word)
    for section in register.sections:
        yield from (section.title, section.intro)
    for made in register.model.__fields__.values():
        yield from _of_field(made)
    if register.flow:
        for step in register.flow.transitions:
            yield from (step.label, step.label_above, *step.reasons)
    for figure in register.figures.values():
        yield figure.label
    for table in register.tables:
        yield table.title
        yield from _heads(table.columns)
    for menu in register.menus:
        yield from (menu.title, menu.action, menu.hint)


def _of_field(made: Field) -> Iterator[str]:
    yield from (made.label, made.help, made.unit)
    yield from (check.message for check in made.checks)
    for inner in made.rows:
        yield from _of_field(inner)


def _heads(columns: tuple[Column, ...]) -> Iterator[str]:
    for column in columns:
        yield column.head
        yield from _heads(column.columns)


def update() -> list[str]:
    """Bring the English file up to date; gives the msgids that lack a translation."""
    old = load()
    new = Catalog(locale="en", project="anju", charset="utf-8", fuzzy=False, header_comment="")
    for text in sorted(texts()):
        known = old.get(text)
        new.add(text, known.string if known else "")
    PATH.parent.mkdir(parents=True, exist_ok=True)
    with PATH.open("wb") as file:
        write_po(file, new, width=100, sort_output=True, omit_header=True)
    return untranslated()


def load() -> Catalog:
    """The English catalogue, empty if there is none yet."""
    if not PATH.exists():
        return Catalog(locale="en")
    with PATH.open("rb") as file:
        return read_po(file, locale="en")


def untranslated() -> list[str]:
    """The msgids without English."""
    known = load()
    return [text for text in sorted(texts()) if not ((m := known.get(text)) and m.string)]
