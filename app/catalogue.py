"""The catalogue of texts: what code, templates and declarations say, and its English.

``flask translations`` writes every msgid into translations/en and keeps
what is translated; a test fails on a Chinese text without English.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any, NamedTuple

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

import app
from app.access import policy
from app.core.choices import Choices
from app.core.i18n import DONE, STEP
from app.core.jobs.table import KINDS
from app.kernel import hooks
from app.kernel.declare import choice_lists
from app.kernel.declare.field import Field
from app.kernel.declare.register import Register, all_registers
from app.kernel.declare.tables import Column, Rate
from app.kernel.households import moves
from app.kernel.records import save as records

ROOT = Path(__file__).resolve().parent.parent
PATH = ROOT / "translations/en/LC_MESSAGES/messages.po"
_KEYWORDS = {
    "_": None, "gettext": None, "lazy": None, "lazy_gettext": None, "translate": None,
    "mark": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2),
}  # fmt: skip
#: Compilers take a file without a header for a draft and pass over it.
_HEADER = b"""msgid ""
msgstr ""
"Language: en\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""
#: What can be done to records of every register beside the steps of their flow.
_STEPS = (
    records.CLEAR,
    moves.ASKED,
    moves.CAME,
    moves.REFUSED,
    moves.WITHDRAWN,
)
_METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2")]


class Message(NamedTuple):
    """A msgid; ``context`` tells apart what English does not say with one word."""

    text: str
    context: str | None = None


@cache
def texts() -> dict[Message, set[str]]:
    """Every msgid -> where it stands; to read all files takes seconds, so a process does it once."""
    for module in walk_packages(app.__path__, "app."):  # all that declare something
        import_module(module.name)
    found: dict[Message, set[str]] = {}
    for file, _line, message, _comments, context in extract_from_dir(
        ROOT / "app", _METHODS, keywords=_KEYWORDS
    ):
        for text in message if isinstance(message, tuple) else (message,):
            found.setdefault(Message(text, context), set()).add(f"app/{file}")
    for where, text in _declared():
        if text and not text.isascii():
            found.setdefault(Message(text), set()).add(where)
    for where, step in _steps():
        for context in (STEP, DONE):
            found.setdefault(Message(step, context), set()).add(where)
    return found


def _steps() -> Iterator[tuple[str, str]]:
    """What can be done to records: on buttons and, as done, in their history."""
    yield from (("steps of every register", text) for text in (*_STEPS, *hooks.step_words()))
    for register in all_registers():
        for step in register.flow.transitions if register.flow else ():
            yield from (
                (f"register {register.name}", t) for t in (step.label, step.label_above) if t
            )


def _declared() -> Iterator[tuple[str, str]]:
    """The texts that declarations hold, which no extraction of source code finds."""
    for kind in filter(_is_ours, _subclasses(Choices)):
        yield from ((kind.__name__, member.zh) for member in kind)
    for name, items in choice_lists.DEFAULTS.items():
        yield from ((f"list {name}", text) for text in items)
    for level, kind in policy.MATRIX:
        yield "roles", policy.role_name(level, kind)
    for job in KINDS.values():
        if _is_ours(job.run):
            yield "jobs", job.title
    for register in all_registers():
        if not _is_ours(register.model):
            continue
        yield from ((f"register {register.name}", text) for text in _of_register(register))


def _is_ours(thing: Any) -> bool:
    """Of the program, not declared by a test that runs in the same process."""
    return str(thing.__module__).startswith("app.")


def _subclasses(kind: type[Any]) -> Iterator[Any]:
    for below in kind.__subclasses__():
        yield below
        yield from _subclasses(below)


def _of_register(register: Register) -> Iterator[str]:
    yield from (
        register.title,
        register.record_word,
        register.renewal.word if register.renewal else "",
        register.heading.module,
        register.unit,
    )
    yield from (register.frozen.why if register.frozen else "", register.lists.by_figure[0])
    yield from register.briefing.texts() if register.briefing else ()
    for section in register.sections:
        yield from (section.title, section.intro)
    for made in register.model.__fields__.values():
        yield from _of_field(made)
    if register.flow:
        for step in register.flow.transitions:
            yield from step.reasons
    yield from (figure.label for figure in register.figures.values() if not figure.rule)
    for table in register.tables:
        yield table.title
        yield from _heads(table.columns)
    for stage in register.stages:
        yield from (stage.title, *(check.message for _made, check in stage.checks))
    yield from (milestone.title for milestone in register.story.milestones)
    for paper in register.papers:
        yield from (paper.title, paper.number, *paper.signed)
    for menu in register.menus:
        yield from (menu.title, menu.action, menu.hint, menu.adds, *menu.more.values())


def _of_field(made: Field) -> Iterator[str]:
    yield from (made.label, made.help, made.unit, *made.words.values())
    yield from (label for _when, label in made.called)
    yield from (check.message for check in made.checks)
    for inner in made.rows:
        yield from _of_field(inner)


def _heads(columns: tuple[Column | Rate, ...]) -> Iterator[str]:
    for column in columns:
        yield column.head
        yield from _heads(column.columns) if isinstance(column, Column) else ()


def update() -> list[Message]:
    """Bring the English file up to date; gives the msgids that lack a translation."""
    old = load()
    new = Catalog(locale="en", project="anju", charset="utf-8", fuzzy=False, header_comment="")
    for text, context in sorted(texts(), key=_order):
        known = old.get(text, context)
        new.add(text, known.string if known else "", context=context)
    save(new)
    return untranslated()


def save(catalog: Catalog) -> None:
    """Write the English file, in an order and with a header that do not change by themselves."""
    PATH.parent.mkdir(parents=True, exist_ok=True)
    with PATH.open("wb") as file:
        file.write(_HEADER)
        write_po(file, catalog, width=100, sort_output=True, omit_header=True)


def load() -> Catalog:
    """The English catalogue, empty if there is none yet."""
    if not PATH.exists():
        return Catalog(locale="en")
    with PATH.open("rb") as file:
        return read_po(file, locale="en")


def untranslated() -> list[Message]:
    """The msgids without English."""
    known = load()
    return [m for m in sorted(texts(), key=_order) if not ((k := known.get(*m)) and k.string)]


def _order(message: Message) -> tuple[str, str]:
    return message.text, message.context or ""
