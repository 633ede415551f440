"""A register's form: what the template shows of it, and what was posted, parsed.

A form's values travel as text: ``yes``/``no``, codes, ISO dates, lists of codes, lists of rows of
text; see :func:`app.kernel.kinds.values.to_json`. Stored records, drafts and posted data all come
into that shape, so that one function shows them and nothing that was typed is ever lost.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask_babel import get_locale
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup
from werkzeug.datastructures import MultiDict

from app.access.divisions import regions
from app.access.divisions.regions import Level
from app.core.choices import Choices
from app.core.clock import today
from app.core.files.uploads import MAX_BYTES
from app.core.i18n import _, translate
from app.core.types import storable
from app.kernel.declare import choice_lists, stages
from app.kernel.declare.field import Field
from app.kernel.declare.register import Register, Section
from app.kernel.declare.rules import Evaluation, Problem
from app.kernel.kinds import CHILDREN, CHOICE, FILES, MANY, REGION, YES_NO
from app.kernel.kinds.values import to_json
from app.kernel.lists.columns import REGION_LABEL
from app.kernel.records import places
from app.kernel.records.photo_facts import PhotoFacts
from app.kernel.rows.file import Attachment
from app.web.register.tiles import file_tile

Typed = dict[str, Any]  # field name -> text, list of codes, list of rows, or None

_LONGEST = 4000  # characters of one value; longer ones are cut before they are parsed
_MOST_ROWS = 50
_KEPT_FIELDS = 2000
_KEPT_RULES = 60
_ROW = re.compile(r"(\d{1,3})-(\w{1,40})")


@dataclass
class Posted:
    """One posted form: the text as typed, the values that could be read, what could not."""

    typed: Typed = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def read(
    register: Register, form: MultiDict[str, str], locked: frozenset[str] = frozenset()
) -> Posted:
    """What was posted to the register's form; files are not among it, nor what is ``locked`` and
    stands in no input.
    """
    typed: Typed = {}
    for name, made in register.fields.items():
        if name in locked and name not in form:
            continue
        if made.kind == CHILDREN:
            typed[name] = _posted_rows(made, form)
        elif made.kind == MANY:
            typed[name] = [text[:_LONGEST] for text in form.getlist(name) if text][:_MOST_ROWS]
        elif made.typed:
            typed[name] = (form.get(name) or "")[:_LONGEST] or None
    return parse(register, typed, locked - typed.keys())


def parse(register: Register, typed: Mapping[str, Any], locked: Container[str] = ()) -> Posted:
    """The values that the typed text means; a text that means none is a problem at its field. What
    is ``locked`` stays out.
    """
    result = Posted(typed=dict(typed))
    for name, made in register.fields.items():
        if not made.typed or name in locked:
            continue
        if made.kind == CHILDREN:
            result.values[name] = _parsed_rows(made, typed.get(name) or [], result.problems)
            continue
        try:
            result.values[name] = made.parse(typed.get(name))
        except ValueError as error:
            result.values[name] = None
            result.problems.append(Problem(name, f"{name}.kind", str(error)))
    return result


def clean_draft(register: Register, raw: Any) -> Typed:
    """A draft as a browser sent it, with only what the form has and of the right shape."""
    typed: Typed = {}
    for name, made in register.fields.items():
        value = raw.get(name) if isinstance(raw, dict) else None
        if not made.typed or value is None:
            continue
        if made.kind == CHILDREN:
            rows = value if isinstance(value, list) else []
            known = [f.name for f in made.rows]
            typed[name] = [
                {n: _kept_of_row(row[n]) for n in known if row.get(n) is not None}
                for row in rows[:_MOST_ROWS]
                if isinstance(row, dict)
            ]
        elif made.kind == MANY:
            codes = value if isinstance(value, list) else []
            typed[name] = [_kept(code) for code in codes[:_MOST_ROWS]]
        elif isinstance(value, str):
            typed[name] = _kept(value)
    return typed


def _kept_of_row(value: Any) -> Any:
    return [_kept(v) for v in value[:_MOST_ROWS]] if isinstance(value, list) else _kept(value)


def _kept(value: Any) -> str:
    return storable(str(value)[:_LONGEST])


def typed_of(register: Register, row: Any) -> Typed:
    """The stored record as a form holds it, without what its approved stages say."""
    locked = stages.locked(register, row)
    return {
        name: to_json(getattr(row, name))
        for name, made in register.fields.items()
        if made.typed and name not in locked
    }


def _posted_rows(made: Field, form: MultiDict[str, str]) -> list[dict[str, Any]]:
    start = f"{made.name}-"
    known = {f.name for f in made.rows}
    several = {f.name for f in made.rows if f.kind == MANY}
    rows: dict[int, dict[str, Any]] = {}
    for key, text in form.items(multi=True):
        match = _ROW.fullmatch(key.removeprefix(start)) if key.startswith(start) else None
        if match and match[2] in several and text.strip():
            rows.setdefault(int(match[1]), {}).setdefault(match[2], []).append(text[:_LONGEST])
        elif match and match[2] in known and text.strip():
            rows.setdefault(int(match[1]), {})[match[2]] = text[:_LONGEST]
    return [rows[number] for number in sorted(rows)][:_MOST_ROWS]


def _parsed_rows(made: Field, rows: Any, problems: list[Problem]) -> list[dict[str, Any]]:
    parsed = []
    for number, row in enumerate(rows):
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


# ---- what the template shows ----------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """The division of a record that users make, as its form holds it."""

    text: str  # the key as it was typed or chosen
    lowest: Level  # of this level or below

    @property
    def key(self) -> int | None:
        """The key, or None where the text is none."""
        digits = self.text.isascii() and self.text.isdigit() and len(self.text) < 10
        return int(self.text) if digits else None


@dataclass(frozen=True)
class Shown:
    """What a form shows besides the register's declaration."""

    typed: Typed
    evaluation: Evaluation
    attachments: Iterable[Attachment] = ()
    problems: Iterable[Problem] = ()
    carried: Mapping[str, str] = field(default_factory=dict)  # prefilled, and from where
    upload_url: str = ""  # with {field} in it
    turn_url: str = ""
    earlier: Mapping[str, int] = field(default_factory=dict)  # papers that may be taken over
    priors: Mapping[str, list[dict[str, Any]]] = field(default_factory=dict)
    fillers: Mapping[str, list[dict[str, Any]]] = field(default_factory=dict)
    photo_facts: PhotoFacts | None = None
    locked: Mapping[str, dict[str, Any]] = field(
        default_factory=dict
    )  # sections of approved stages
    place: Place | None = None  # where the form asks for the record's division


def sections(register: Register, shown: Shown) -> list[dict[str, Any]]:
    """The form's sections for ``register/form.html``."""
    messages = _by_field(shown.problems)
    files: dict[str, list[Attachment]] = {}
    for attachment in shown.attachments:
        files.setdefault(attachment.field, []).append(attachment)
    result = []
    for number, section in enumerate(register.sections):
        if kept := shown.locked.get(f"s{number + 1}"):
            result.append(kept)
            continue
        fields = [_field(register.fields[name], shown, messages, files) for name in section.fields]
        if shown.place is not None and number == 0:
            fields.insert(0, _place_field(shown.place, messages.get(places.FIELD, [])))
        if section.all_no:
            names = section.all_no.split()
            last = max(section.fields.index(name) for name in names)
            fields[last]["none_of"] = names
        result.append(
            {
                "name": f"s{number + 1}",
                "title": translate(section.title),
                "intro": translate(section.intro),
                "stage": stage_title(register, section),
                "fields": fields,
                "hidden": all(f["hidden"] for f in fields),
            }
        )
    return result


def stage_title(register: Register, section: Section) -> str:
    """With which stage the section is submitted, in the user's language; "" where there are none."""
    return next((stage.label for stage in register.stages if stage.name == section.stage), "")


def rules_json(register: Register, row: Any) -> Markup:
    """The rules for static/form/rules.js as they hold for the record, made once a day, language and
    stage (a rule may name today).
    """
    rules = register.rules_of(row)
    key = (id(rules), str(get_locale()), today())
    if key not in _rules:
        if len(_rules) > _KEPT_RULES:
            _rules.clear()
        _rules[key] = htmlsafe_json_dumps(rules.js())
    return _rules[key]


_rules: dict[Any, Markup] = {}


def summary(register: Register, problems: Iterable[Problem]) -> list[dict[str, Any]]:
    """The problems for the list on top of the form; rows of children point at their field."""
    lines = []
    for problem in problems:
        name, number, sub = _place(problem.field)
        made = register.fields.get(name)
        label = translate(made.label) if made else ""
        if made and sub:
            inner = next((f for f in made.rows if f.name == sub), None)
            label = _("%(label)s第%(n)s行", label=label, n=number + 1) + (
                f" {translate(inner.label)}" if inner else ""
            )
        lines.append(
            {
                "field": name,
                "label": label or _label_beside(name),
                "message": problem.message,
                "way": problem.way,
                "url": problem.url,
            }
        )
    return lines


def _label_beside(name: str) -> str:
    known = {
        places.FIELD: _(REGION_LABEL),
        "contact_name": _("姓名"),
        "contact_phone": _("联系电话"),
    }
    return known.get(name, "")


def _place(name: str) -> tuple[str, int, str]:
    """``owners-0-name`` -> (owners, 0, name); a plain field -> (name, -1, "")."""
    head, _dash, rest = name.partition("-")
    match = _ROW.fullmatch(rest)
    return (head, int(match[1]), match[2]) if match else (name, -1, "")


def _by_field(problems: Iterable[Problem]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for problem in problems:
        found.setdefault(problem.field, []).append(problem.message)
    return found


def _field(
    made: Field, shown: Shown, messages: dict[str, list[str]], files: dict[str, list[Attachment]]
) -> dict[str, Any]:
    """One field for the macros of ``register/_fields.html``."""
    name = made.name
    context = _plain(made) | {
        "value": shown.typed.get(name),
        "errors": messages.get(name, []),
        "hidden": name not in shown.evaluation.shown,
        "carried": shown.carried.get(name),
        "priors": shown.priors.get(name, []),
    }
    if made.computed:
        context["value"] = to_json(shown.evaluation.values[name])
        context["text"] = made.text(shown.evaluation.values[name])
    context["memo"] = _memo_key(made, context)
    if made.source_list and context["value"]:
        context["options"] = _with_held(made, context["options"], context["value"])
    if made.kind == REGION:
        context |= {"text": _place_name(made, context["value"])}
    if not made.stored:
        context |= {
            "accept": made.accept,
            "max_files": made.high,
            "upload_url": shown.upload_url.replace("{field}", name),
            "turn_url": shown.turn_url,
            "files": [file_tile(a, made, shown.photo_facts) for a in files.get(name, [])],
            "earlier": shown.earlier.get(name, 0),
            "taken_on": made.taken_on,
            "max_bytes": MAX_BYTES,
        }
    if made.kind == CHILDREN:
        context |= {
            "max": made.high,
            "child_fields": [_child_field(f, context["value"]) for f in made.rows],
            "child_errors": _child_errors(name, messages),
            "fillers": shown.fillers.get(name, []),
        }
    return context


def _place_field(place: Place, errors: list[str]) -> dict[str, Any]:
    region = regions.get(place.key) if place.key is not None else None
    return {
        "name": places.FIELD,
        "label": _(REGION_LABEL),
        "kind": REGION.name,
        "required": True,
        "value": place.text,
        "text": region.full_name if region else "",
        "help": _("至少选择到%(level)s，可以选择到行政村。", level=place.lowest.label)
        if place.lowest < Level.VILLAGE
        else "",
        "until": Level.VILLAGE.name.lower(),
        "errors": errors,
        "hidden": False,
        "memo": None,
    }


def _place_name(made: Field, typed: Any) -> str:
    """The name of the division whose key was typed; what is none stands as it was typed."""
    try:
        return made.text(made.parse(typed))
    except ValueError:
        return str(typed)


def _memo_key(made: Field, context: dict[str, Any]) -> Any:
    """The same key, the same HTML: only for what shows nothing of one household."""
    value = context["value"]
    personal = value is not None and made.kind not in (YES_NO, CHOICE)
    if personal or context["errors"] or context["priors"] or made.kind in (FILES, CHILDREN):
        return None
    return _static_key(made), value, context["hidden"], context["carried"]


def _static_key(made: Field) -> Any:
    """A field in a language, with the lists as they are and on a day: choices come and go."""
    return id(made), str(get_locale()), choice_lists.version(), today()


_static: dict[Any, dict[str, Any]] = {}


def _plain(made: Field) -> dict[str, Any]:
    """What of a field does not depend on the record."""
    key = _static_key(made)
    if key not in _static:
        if len(_static) > _KEPT_FIELDS:
            _static.clear()
        _static[key] = _describe(made)
    return _static[key]


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
    if made.kind == REGION:
        context |= {"until": made.level.name.lower(), "whole": True}
    return context


def _child_field(made: Field, rows: Any) -> dict[str, Any]:
    plain = _plain(made)
    if not made.source_list or not rows:
        return plain
    held = [row[made.name] for row in rows if row.get(made.name)]
    codes = [code for one in held for code in (one if isinstance(one, list) else [one])]
    return plain | {"options": _with_held(made, plain["options"], codes)}


def _with_held(made: Field, offered: list[dict[str, str]], value: Any) -> list[dict[str, str]]:
    """The options and, at their end, what the record holds though it is offered no more."""
    codes = {one["value"] for one in offered}
    held = [code for code in (value if isinstance(value, list) else [value]) if code not in codes]
    if not held:
        return offered
    known = made.options(held)
    words = [(c, _("%(text)s（已停用）", text=known[c])) for c in held if c in known]
    return offered + [{"value": code, "label": text} for code, text in words]


def _child_errors(name: str, messages: dict[str, list[str]]) -> dict[int, dict[str, list[str]]]:
    found: dict[int, dict[str, list[str]]] = {}
    for place, texts in messages.items():
        head, number, sub = _place(place)
        if head == name and sub:
            found.setdefault(number, {})[sub] = texts
    return found
