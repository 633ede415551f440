"""What stands on a paper of a register: the data of ``papers/form.typ``, of a record or of none.

The division stands before the first section, as it does in annex 1 of the rules of 2009. What is not asked
of a record is crossed out, what it does not say is left to be written by hand.
"""

from __future__ import annotations

import re
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from flask_babel import force_locale
from sqlalchemy import select

from app.access.actor import Actor
from app.access.divisions.regions import Region
from app.core.clock import now, to_minute
from app.core.db import db
from app.core.i18n import _, mark, translate
from app.kernel.declare.field import Field
from app.kernel.declare.groups import Paper
from app.kernel.declare.register import Register
from app.kernel.exchange import printing
from app.kernel.exchange.official import sheet_of, told_beside
from app.kernel.exchange.places import LEVELS, PLACES, Places
from app.kernel.exchange.printed import pictures
from app.kernel.kinds.choice import OneOf, SomeOf, YesNo
from app.kernel.kinds.date import Day
from app.kernel.kinds.kind import PerKind
from app.kernel.rows.file import Attachment
from app.kernel.rows.reading import values_of

TEMPLATE = Path(__file__).parent / "papers/form.typ"
#: The language of official papers, whatever that of the pages is.
official = partial(force_locale, "zh")
#: A list of more choices stands as what was chosen.
_MOST_CHOICES = 16
_ACROSS = 3
#: Of so many characters a cell takes the width of the paper.
_WIDE_TEXT, _WIDE_CHOICES = 30, 18
_NOT_ASKED = "—"
#: Characters of which nothing breaks a line: between so many of them one may be broken.
_UNBROKEN = re.compile(r"[!-~\u00a1-\u02af]{16}")
_BREAK = "\u200b"
_SPACE = "\u3000"  # of the width of a character: room for a pen

Cell = dict[str, Any]


@dataclass(frozen=True)
class Form:
    """One form: the data of the template, with the pictures that they name."""

    data: dict[str, Any]
    pictures: Mapping[str, bytes]


class Printer:
    """Makes, in the language of :data:`official` papers, the forms of one paper for an actor. ``home``: the
    beginning of the program's addresses; ``whole``: with whole numbers.
    """

    def __init__(
        self, register: Register, paper: Paper, actor: Actor, home: str, *, whole: bool
    ) -> None:
        self.register, self.paper, self.actor = register, paper, actor
        self.home, self.whole = home, whole
        self._places = Places()
        sheet = sheet_of(register)
        self._place_heads = sheet.places if sheet else tuple(PLACES.values())
        without = {*paper.without.split(), *told_beside(register)}
        self._sections = [
            (section.title, [register.fields[n] for n in section.fields if n not in without])
            for section in register.sections
        ]

    # ---- a paper ------------------------------------------------------------------------------

    def data(self, forms: Sequence[Form]) -> dict[str, Any]:
        """What the template reads of these forms together."""
        when = to_minute(now())
        hidden = _("身份证号和联系电话已部分隐藏。")
        care = _("含完整的身份证号和联系电话，用后请妥善保管或销毁。") if self.whole else hidden
        return {
            "title": self.paper.label,
            "forms": [form.data for form in forms],
            "signed": [translate(who) for who in self.paper.signed],
            "scan": _("扫码查看%(what)s", what=self.register.word),
            "made": _("%(who)s 于 %(when)s 打印", who=self.actor.name, when=when),
            "care": care if any(form.data["code"] for form in forms) else "",
        }

    def blank(self) -> Form:
        """The form without a record."""
        boxes = self._boxes([""] * len(LEVELS), self._to_fill)
        head = self._head(_SPACE * 12, "")
        return _drawn({"number": head, "code": None, "boxes": boxes, "foot": ""}, {})

    def forms(self, rows: Sequence[Any]) -> Iterator[Form]:
        """Those of these records, in a constant number of statements."""
        self._places.learn({row.region_id for row in rows})
        codes = _codes({row.county_id for row in rows})
        files = self._files({row.id for row in rows})
        for row in rows:
            yield self._form(row, codes.get(row.county_id, ""), files[row.id])

    # ---- a form -------------------------------------------------------------------------------

    def _form(self, row: Any, code: str, files: Sequence[Attachment]) -> Form:
        said = self.register.rules_of(row).visible(values_of(row, files))
        filled = _Filled(self, row, said.shown, said.values)
        filled.pictures[f"{row.id}.svg"] = pictures.code(
            f"{self.home}/{self.register.name}/{row.id}"
        )
        number = self._number(row, code)
        name = self.register.named(row)
        data = {
            "number": self._head(number, self._year(row)),
            "code": f"{row.id}.svg",
            "boxes": self._boxes(self._places.names[row.region_id], filled.cell),
            "foot": _SPACE.join(part for part in (name, number) if part),
        }
        return _drawn(data, filled.pictures)

    def _boxes(self, places: Sequence[str], cell: Callable[[Field], Cell]) -> list[dict[str, Any]]:
        boxes = [
            {"title": translate(title), "cells": [cell(made) for made in fields]}
            for title, fields in self._sections
            if fields
        ]
        place = [
            _text(translate(label), text)
            for label, text in zip(self._place_heads, places, strict=True)
        ]
        boxes[0]["cells"] = [*place, *boxes[0]["cells"]]
        return boxes

    def _number(self, row: Any, code: str) -> str:
        """By what it is filed: the county, the year that the record counts in, the end of its key."""
        if not self.paper.number:
            return ""
        parts = (code[:6], self._year(row), row.id.hex[-8:].upper())
        return "-".join(part for part in parts if part)

    def _year(self, row: Any) -> str:
        """The year that the record counts in, where it is one."""
        year = getattr(row, self.register.years.name) if self.register.years else None
        return str(year) if isinstance(year, int) else ""

    def _head(self, number: str, year: str) -> str:
        """What stands above the boxes: the number, and the year where records count in one."""
        said = {translate(self.paper.number): number} if self.paper.number else {}
        if self.register.years:
            said[translate(self.register.fields[self.register.years.name].label)] = year
        return (_SPACE * 2).join(label + _("：") + text for label, text in said.items())

    def _files(self, ids: set[uuid.UUID]) -> dict[uuid.UUID, list[Attachment]]:
        found: dict[uuid.UUID, list[Attachment]] = defaultdict(list)
        order = (Attachment.record_id, Attachment.field, Attachment.position, Attachment.id)
        for file in db.session.scalars(
            select(Attachment).where(Attachment.record_id.in_(ids)).order_by(*order)
        ):
            found[file.record_id].append(file)
        return found

    def _to_fill(self, made: Field) -> Cell:
        label, unit = translate(made.label), translate(made.unit) if made.unit else ""
        if not made.stored:
            stick = {"file": None, "text": _("贴照片处")}
            return {"label": label, "wide": True, "photos": [stick] * _ACROSS}
        if offered := _offered(made, {}):
            return _choices(label, [(text, False) for text in offered.values()])
        cell = _text(label, translate(_BY_HAND[made.kind]) or (_SPACE * 8 + unit if unit else ""))
        if made.none:
            cell |= {"text": _SPACE * 9, "choices": [{"text": _("无"), "on": False}]}
        return cell


class _Filled:
    """The cells of one record, and the pictures that they name."""

    def __init__(
        self, printer: Printer, row: Any, shown: set[str], values: Mapping[str, Any]
    ) -> None:
        self._printer, self._row = printer, row
        self._shown, self._values = shown, values
        self.pictures: dict[str, bytes] = {}

    def cell(self, made: Field) -> Cell:
        label, value = translate(made.label), self._values.get(made.name)
        if not made.stored:
            return {"label": label, "wide": True, "photos": self._photos(made, value or [])}
        if made.none and self._values.get(made.none.name):
            return self._without(made, label)
        if made.name not in self._shown:
            return _text(label, _NOT_ASKED)
        if offered := _offered(made, self._values):
            chosen = _codes_in(value)
            return _choices(label, [(text, code in chosen) for code, text in offered.items()])
        masked = made.masked and not self._printer.whole
        text = made.mask(value) if masked else made.text(value, self._row.said_at)
        unit = f" {translate(made.unit)}" if text and made.unit else ""
        return _text(label, _breakable(text + unit))

    def _without(self, made: Field, label: str) -> Cell:
        """There is no such number, and why."""
        why = self._values.get(made.why.name) if made.why else None
        text = _("无（%(why)s）", why=_breakable(why)) if why else _("无")
        return _choices(label, [(text, True)])

    def _photos(self, made: Field, files: Sequence[Attachment]) -> list[dict[str, Any]]:
        if made.name not in self._shown:
            return [{"file": None, "text": _NOT_ASKED}] * _ACROSS
        found = [self._photo(file) for file in files]
        missing = -len(found) % _ACROSS if found else _ACROSS
        return found + [{"file": None, "text": ""}] * missing

    def _photo(self, file: Attachment) -> dict[str, Any]:
        content = pictures.small(file)
        if content is None:
            return {"file": None, "text": _("照片无法读取")}
        name = f"{file.id}.jpg"
        self.pictures[name] = content
        return {"file": name, "text": ""}


# ---- cells ----------------------------------------------------------------------------------


def _text(label: str, text: str) -> Cell:
    return {"label": label, "text": text, "wide": len(text) > _WIDE_TEXT}


def _choices(label: str, choices: Sequence[tuple[str, bool]]) -> Cell:
    wide = sum(len(text) + 2 for text, _on in choices) > _WIDE_CHOICES
    squares = [{"text": text, "on": on} for text, on in choices]
    return {"label": label, "text": "", "wide": wide, "choices": squares}


def _yes_or_no(made: Field, chosen: tuple[str, ...]) -> dict[str, str]:
    return {"yes": _("是"), "no": _("否")}


def _of_list(made: Field, chosen: tuple[str, ...]) -> dict[str, str]:
    return made.options(keep=chosen) if made.source_list is not None else {}


def _none(made: Field, chosen: tuple[str, ...]) -> dict[str, str]:
    return {}


#: The answers of a kind by their codes, with those that a record has chosen.
_ANSWERS: PerKind[Callable[[Field, tuple[str, ...]], dict[str, str]]] = PerKind(
    _none, {YesNo: _yes_or_no, OneOf: _of_list, SomeOf: _of_list}
)
#: What stands in an empty cell for the hand that fills it in.
_BY_HAND = PerKind("", {Day: mark("　　　　年　　月　　日")})


def _offered(made: Field, values: Mapping[str, Any]) -> dict[str, str]:
    """What may be ticked where a record says ``values``, by its code; nothing where it is no choice, or one
    of too many.
    """
    chosen = _codes_in(values.get(made.name))
    found = _ANSWERS[made.kind](made, chosen)
    limited = next((codes for when, codes in made.offers if when.test(values)), found)
    found = {code: text for code, text in found.items() if code in limited or code in chosen}
    return found if len(found) <= _MOST_CHOICES else {}


def _codes_in(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, bool):
        return ("yes",) if value else ("no",)
    return tuple(map(str, value)) if isinstance(value, tuple | list) else (str(value),)


def _breakable(text: str) -> str:
    """The same, and a line may end inside a word without end, which no cell holds."""
    return _UNBROKEN.sub(lambda found: found[0] + _BREAK, text)


def _drawn(data: dict[str, Any], shown: Mapping[str, bytes]) -> Form:
    drawable, lacking = printing.drawable(data)
    return Form(drawable | {"lacking": lacking}, shown)


def _codes(counties: set[int]) -> dict[int, str]:
    """The codes of these counties, by their keys."""
    query = select(Region.id, Region.code).where(Region.id.in_(counties))
    return dict(db.session.execute(query).all())
