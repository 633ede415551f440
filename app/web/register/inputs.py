"""What a form does for each kind of field, in one table (``INPUTS``): it takes what was posted, keeps what
a browser sent as a draft, reads it, and tells ``register/_fields.html`` what to show.

How an input looks, its kind says itself (:class:`app.kernel.kinds.kind.Widget`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from flask_babel import get_locale
from werkzeug.datastructures import MultiDict

from app.core.choices import Choices
from app.core.clock import today
from app.core.files.uploads import MAX_BYTES
from app.core.i18n import _, translate
from app.core.types import storable
from app.kernel.declare import choice_lists
from app.kernel.declare.field import Field
from app.kernel.declare.rules import Problem
from app.kernel.kinds import KINDS
from app.kernel.kinds.children import Rows
from app.kernel.kinds.choice import OneOf, SomeOf, YesNo
from app.kernel.kinds.kind import PerKind, Widget
from app.kernel.kinds.photo import Files
from app.kernel.kinds.region import Division
from app.kernel.rows.file import Attachment
from app.web.register.file_view import file_tile

if TYPE_CHECKING:
    from app.web.register.parsing import Shown

LONGEST = 4000
"""Characters of one value; longer ones are cut before they are parsed."""
_MOST = 50  # rows, or codes of one field
_KEPT_FIELDS = 2000
_ROW = re.compile(r"(\d{1,3})-(\w{1,40})")
Messages = Mapping[str, list[str]]


class Input:
    """One input; the others say what is different."""

    def posted(self, made: Field, form: MultiDict[str, str]) -> Any:
        """What stands in the form, as text."""
        return (form.get(made.name) or "")[:LONGEST] or None

    def draft(self, made: Field, sent: Any) -> Any:
        """What a browser sent of it, where it is of the right shape; else None."""
        return _kept(sent) if isinstance(sent, str) else None

    def parsed(self, made: Field, typed: Any, problems: list[Problem]) -> Any:
        """The value of what was typed; a text that means none is added to the ``problems``."""
        try:
            return made.parse(typed)
        except ValueError as error:
            problems.append(Problem(made.name, f"{made.name}.kind", str(error)))
            return None

    def described(self, made: Field) -> dict[str, Any]:
        """What the template is told beside what every field has."""
        return {}

    def shown(
        self, made: Field, typed: Any, form: Shown, messages: Messages, files: Sequence[Attachment]
    ) -> dict[str, Any]:
        """What it is told of the record."""
        return {}

    def shared(self, typed: Any) -> bool:
        """Does it show nothing of one household, so that it is rendered once for many?"""
        return typed is None


class _Pick(Input):
    def shared(self, typed: Any) -> bool:
        return True


class _Several(Input):
    def posted(self, made: Field, form: MultiDict[str, str]) -> list[str]:
        return [text[:LONGEST] for text in form.getlist(made.name) if text][:_MOST]

    def draft(self, made: Field, sent: Any) -> list[str]:
        return [_kept(code) for code in (sent if isinstance(sent, list) else [])[:_MOST]]


class _Division(Input):
    def described(self, made: Field) -> dict[str, Any]:
        return {"until": made.level.name.lower(), "whole": True}

    def shown(
        self, made: Field, typed: Any, form: Shown, messages: Messages, files: Sequence[Attachment]
    ) -> dict[str, Any]:
        try:
            return {"text": made.text(made.parse(typed))}
        except ValueError:  # what is no key stands as it was typed
            return {"text": str(typed)}


class _Files(Input):
    """Sent by themselves: what is posted only says their order."""

    def shown(
        self, made: Field, typed: Any, form: Shown, messages: Messages, files: Sequence[Attachment]
    ) -> dict[str, Any]:
        return {
            "accept": made.accept,
            "max_files": made.high,
            "upload_url": form.upload_url.replace("{field}", made.name),
            "turn_url": form.turn_url,
            "files": [file_tile(a, made, form.photo_facts) for a in files],
            "earlier": form.earlier.get(made.name, 0),
            "taken_on": made.taken_on,
            "max_bytes": MAX_BYTES,
        }

    def shared(self, typed: Any) -> bool:
        return False


class _Rows(Input):
    def posted(self, made: Field, form: MultiDict[str, str]) -> list[dict[str, Any]]:
        start = f"{made.name}-"
        known = {f.name: f.kind.several for f in made.rows}
        rows: dict[int, dict[str, Any]] = {}
        for key, text in form.items(multi=True):
            match = _ROW.fullmatch(key.removeprefix(start)) if key.startswith(start) else None
            if match is None or match[2] not in known or not text.strip():
                continue
            row = rows.setdefault(int(match[1]), {})
            if known[match[2]]:
                row.setdefault(match[2], []).append(text[:LONGEST])
            else:
                row[match[2]] = text[:LONGEST]
        return [rows[number] for number in sorted(rows)][:_MOST]

    def draft(self, made: Field, sent: Any) -> list[dict[str, Any]]:
        rows = sent if isinstance(sent, list) else []
        known = [f.name for f in made.rows]
        return [
            {n: _kept_of_row(row[n]) for n in known if row.get(n) is not None}
            for row in rows[:_MOST]
            if isinstance(row, dict)
        ]

    def parsed(self, made: Field, typed: Any, problems: list[Problem]) -> list[dict[str, Any]]:
        parsed = []
        for number, row in enumerate(typed or []):
            values = {}
            for sub in made.rows:
                try:
                    value = sub.parse(row.get(sub.name))
                except ValueError as error:
                    value = None
                    where = f"{made.name}-{number}-{sub.name}"
                    problems.append(Problem(where, f"{made.name}.{sub.name}.kind", str(error)))
                values[sub.name] = value.value if isinstance(value, Choices) else value
            parsed.append(values)
        return parsed

    def shown(
        self, made: Field, typed: Any, form: Shown, messages: Messages, files: Sequence[Attachment]
    ) -> dict[str, Any]:
        return {
            "max": made.high,
            "child_fields": [_child_field(f, typed) for f in made.rows],
            "child_errors": _child_errors(made.name, messages),
            "fillers": form.fillers.get(made.name, []),
        }

    def shared(self, typed: Any) -> bool:
        return False


#: What a form does for each kind; a kind that is not named is what it derives from, or one line.
INPUTS: PerKind[Input] = PerKind(
    Input(),
    {
        YesNo: _Pick(),
        OneOf: _Pick(),
        SomeOf: _Several(),
        Division: _Division(),
        Files: _Files(),
        Rows: _Rows(),
    },
)


#: What ``register/_fields.html`` asks with, by the name of the kind.
WIDGETS: dict[str, Widget] = {name: kind.widget for name, kind in KINDS.items()}


# ---- what of a field the template is told ------------------------------------------------------


def described(made: Field) -> dict[str, Any]:
    """What does not depend on the record."""
    key = static_key(made)
    if key not in _described:
        if len(_described) > _KEPT_FIELDS:
            _described.clear()
        _described[key] = _describe(made)
    return _described[key]


_described: dict[Any, dict[str, Any]] = {}


def static_key(made: Field) -> Any:
    """A field in a language, with the lists as they are and on a day: choices come and go."""
    return id(made), str(get_locale()), choice_lists.version(), today()


def _describe(made: Field) -> dict[str, Any]:
    context: dict[str, Any] = {
        "name": made.name,
        "label": translate(made.label),
        "kind": made.kind.name,
        "required": made.required,
        "unit": translate(made.unit),
        "help": translate(made.help),
        "chooser": made.chooser,
        "computed": made.computed is not None,
        "length": made.kind.input_length(made),
    }
    if made.choices or made.list_name:
        context["options"] = [{"value": c, "label": t} for c, t in made.options().items()]
    return context | INPUTS[made.kind].described(made)


def with_held(made: Field, offered: list[dict[str, str]], value: Any) -> list[dict[str, str]]:
    """The options and, at their end, what the record holds though it is offered no more."""
    codes = {one["value"] for one in offered}
    held = [code for code in (value if isinstance(value, list) else [value]) if code not in codes]
    if not held:
        return offered
    known = made.options(held)
    words = [(c, _("%(text)s（已停用）", text=known[c])) for c in held if c in known]
    return offered + [{"value": code, "label": text} for code, text in words]


def place_of(name: str) -> tuple[str, int, str]:
    """``owners-0-name`` -> (owners, 0, name); a plain field -> (name, -1, "")."""
    head, _dash, rest = name.partition("-")
    match = _ROW.fullmatch(rest)
    return (head, int(match[1]), match[2]) if match else (name, -1, "")


def _kept_of_row(value: Any) -> Any:
    return [_kept(v) for v in value[:_MOST]] if isinstance(value, list) else _kept(value)


def _kept(value: Any) -> str:
    return storable(str(value)[:LONGEST])


def _child_field(made: Field, rows: Any) -> dict[str, Any]:
    plain = described(made)
    if not made.source_list or not rows:
        return plain
    held = [row[made.name] for row in rows if row.get(made.name)]
    codes = [code for one in held for code in (one if isinstance(one, list) else [one])]
    return plain | {"options": with_held(made, plain["options"], codes)}


def _child_errors(name: str, messages: Messages) -> dict[int, dict[str, list[str]]]:
    found: dict[int, dict[str, list[str]]] = {}
    for place, texts in messages.items():
        head, number, sub = place_of(place)
        if head == name and sub:
            found.setdefault(number, {})[sub] = texts
    return found
