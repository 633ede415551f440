"""A register's form: what the template shows of it, and what was posted, parsed; and what else a request says.

A form's values travel as text: ``yes``/``no``, codes, ISO dates, lists of codes, lists of rows of
text; see :func:`app.kernel.kinds.values.to_json`. Stored records, drafts and posted data all come
into that shape, so that one function shows them and nothing that was typed is ever lost.
"""

from __future__ import annotations

import uuid
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import request
from flask_babel import get_locale
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup
from werkzeug.datastructures import MultiDict

from app.access.actor import Actor
from app.access.divisions import regions
from app.access.divisions.regions import Level
from app.core.clock import today
from app.core.errors import BadInput
from app.core.i18n import _, translate
from app.kernel.declare import stages
from app.kernel.declare.field import Field
from app.kernel.declare.groups import Section
from app.kernel.declare.register import Register
from app.kernel.declare.rules import Evaluation, Problem
from app.kernel.kinds import REGION
from app.kernel.kinds.values import to_json
from app.kernel.lists.columns import REGION_LABEL
from app.kernel.records import places
from app.kernel.records.history import Contact
from app.kernel.records.photo_facts import PhotoFacts
from app.kernel.rows.file import Attachment
from app.kernel.rows.record import Draft
from app.web.register.inputs import INPUTS, described, place_of, static_key, with_held

Typed = dict[str, Any]  # field name -> text, list of codes, list of rows, or None

_KEPT_RULES = 60


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
        if made.typed and (name in form or name not in locked):
            typed[name] = INPUTS[made.kind].posted(made, form)
    return parse(register, typed, locked - typed.keys())


def parse(register: Register, typed: Mapping[str, Any], locked: Container[str] = ()) -> Posted:
    """The values that the typed text means; a text that means none is a problem at its field. What
    is ``locked`` stays out.
    """
    result = Posted(typed=dict(typed))
    for name, made in register.fields.items():
        if not made.typed or name in locked:
            continue
        result.values[name] = INPUTS[made.kind].parsed(made, typed.get(name), result.problems)
    return result


def clean_draft(register: Register, raw: Any) -> Typed:
    """A draft as a browser sent it: the fields that hands touched, with only what the form has and of
    the right shape. None is a field that was emptied.
    """
    typed: Typed = {}
    for name, sent in raw.items() if isinstance(raw, dict) else ():
        made = register.fields.get(name)
        if made is None or not made.typed:
            continue
        kept = None if sent is None else INPUTS[made.kind].draft(made, sent)
        if kept is not None or sent is None:
            typed[name] = kept
    return typed


def typed_of(register: Register, row: Any) -> Typed:
    """The stored record as a form holds it, without what its approved stages say."""
    locked = stages.locked(register, row)
    return {
        name: to_json(getattr(row, name))
        for name, made in register.fields.items()
        if made.typed and name not in locked
    }


def laid_over(
    typed: Typed, carried: Mapping[str, str], draft: Draft
) -> tuple[Typed, dict[str, str]]:
    """What stands in a form whose ``draft`` is restored, and what of it was carried over: what hands
    typed, over the record as it is by now.
    """
    mine = {n: v for n, v in draft.values.items() if n in typed}
    return typed | mine, {n: said for n, said in carried.items() if n not in mine}


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
        name, number, sub = place_of(problem.field)
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


def _by_field(problems: Iterable[Problem]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for problem in problems:
        found.setdefault(problem.field, []).append(problem.message)
    return found


def _field(
    made: Field, shown: Shown, messages: dict[str, list[str]], files: dict[str, list[Attachment]]
) -> dict[str, Any]:
    """One field for the macros of ``register/_fields.html``."""
    name, one = made.name, INPUTS[made.kind]
    context = described(made) | {
        "value": shown.typed.get(name),
        "errors": messages.get(name, []),
        "hidden": name not in shown.evaluation.shown,
        "carried": shown.carried.get(name),
        "priors": shown.priors.get(name, []),
    }
    if made.computed:
        context["value"] = to_json(shown.evaluation.values[name])
        context["text"] = made.text(shown.evaluation.values[name])
    context["memo"] = _memo_key(made, context, shared=one.shared(context["value"]))
    if made.source_list and context["value"]:
        context["options"] = with_held(made, context["options"], context["value"])
    context |= one.shown(made, context["value"], shown, messages, files.get(name, ()))
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


def _memo_key(made: Field, context: dict[str, Any], *, shared: bool) -> Any:
    """The same key, the same HTML: only for what shows nothing of one household."""
    if not shared or context["errors"] or context["priors"]:
        return None
    return static_key(made), context["value"], context["hidden"], context["carried"]


def contact_of(actor: Actor) -> Contact:
    """The person behind the account: as posted, else the one of the last time (spec 00)."""
    known = {"contact_name": actor.contact_name or actor.name, "contact_phone": actor.contact_phone}
    name, phone = (request.form.get(key, text).strip() for key, text in known.items())
    return Contact(name, phone)


def version(text: Any) -> int:
    """The version of the record that the user saw.

    :raises BadInput: there is none.
    """
    digits = str(text)
    if not isinstance(text, bool) and digits.isascii() and digits.isdigit() and len(digits) < 10:
        return int(digits)
    raise BadInput(_("页面已过期，请刷新后再操作。"))


def parse_uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
