"""A kind is asked, not compared; a new one is one class."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Numeric

from app.core.types import NfcText
from app.kernel import kinds
from app.kernel.declare.field import Field
from app.kernel.declare.rules import RuleSet
from app.kernel.exchange.by_kind import CELLS
from app.kernel.kinds import KINDS, Kind, PerKind, Widget, formats
from app.kernel.kinds.choice import OneOf, YesNo
from app.kernel.kinds.number import Amount
from app.kernel.kinds.text import LongText, Text
from app.web.api import values
from app.web.lists.filters import ASKED
from app.web.register.inputs import INPUTS

APP = Path(__file__).parents[3] / "app"
#: How many comparisons of a field's kind there are outside its package. Fewer is better, more is a kind
#: that should have been asked.
KNOWN = 4  # one of them is a kind of column of a page
_CONSTANTS = {name for name in kinds.__all__ if name.isupper()} - {"KINDS"}
#: Of the package, what names kinds; formats and values do not.
_IMPORTED = re.compile(
    r"app\.kernel\.kinds(?! import formats\b|\.formats|\.values)|app\.kernel import kinds"
)
_IN_TEMPLATES = re.compile(r"\.kind\s*(?:==|!=|in\b|not in\b)\s*(\([^)]*\)|'\w+')")
#: These speak of the kind of a filter and of a setting.
_OTHERS = {"_filters.html", "setting.html"}


# ---- nobody compares -----------------------------------------------------------------------------


def _is_kind(node: ast.expr) -> bool:
    """``….kind``, or a name of it: ``….kind.name``, ``type(….kind)``."""
    match node:
        case ast.Attribute(attr="kind"):
            return True
        case ast.Attribute(value=inner):
            return _is_kind(inner)
        case ast.Call(func=ast.Name(id="type" | "str"), args=[inner]):
            return _is_kind(inner)
        case ast.Tuple(elts=parts):
            return any(map(_is_kind, parts))
    return False


def _names_kind(node: ast.expr, *, imported: bool) -> bool:
    """A kind's constant or name; where kinds are imported any plain name, too. Not the member of an
    enum: jobs, lines and changes have kinds of their own.
    """
    found = list(ast.walk(node))
    texts = {n.value for n in found if isinstance(n, ast.Constant)}
    names = {n.id for n in found if isinstance(n, ast.Name)}
    attributes = {n.attr for n in found if isinstance(n, ast.Attribute)}
    of_enum = any(isinstance(n, ast.Attribute) and n.attr not in _CONSTANTS for n in found)
    if texts & KINDS.keys() or ("kinds" in names and attributes & _CONSTANTS):
        return True
    return imported and bool(names) and not of_enum


def compared(source: str) -> Iterator[int]:
    """The lines that test a field's kind."""
    tree = ast.parse(source)
    imported = bool(_IMPORTED.search(source))
    for node in ast.walk(tree):
        match node:
            case ast.Compare(left=left, comparators=others):
                sides = [left, *others]
                rest = [side for side in sides if not _is_kind(side)]
                if len(rest) < len(sides) and any(
                    _names_kind(side, imported=imported) for side in rest
                ):
                    yield node.lineno
            case ast.Call(func=ast.Name(id="isinstance"), args=[tested, _]) if _is_kind(tested):
                yield node.lineno
            case ast.Match(subject=subject) if _is_kind(subject):
                yield node.lineno


def compared_in_template(source: str) -> Iterator[str]:
    for found in _IN_TEMPLATES.finditer(source):
        if set(re.findall(r"\w+", found[1])) & KINDS.keys():
            yield found[0]


def test_a_kind_is_asked_and_not_compared() -> None:
    found = [
        f"{path.relative_to(APP).as_posix()}:{line}"
        for path in APP.rglob("*.py")
        if path.parent.name != "kinds"
        for line in compared(path.read_text(encoding="utf-8"))
    ]
    found += [
        f"{path.relative_to(APP).as_posix()}: {test}"
        for path in APP.rglob("*.html")
        if path.name not in _OTHERS
        for test in compared_in_template(path.read_text(encoding="utf-8"))
    ]
    assert len(found) <= KNOWN, found


@pytest.mark.parametrize(
    "test",
    [
        "made.kind == FILES", "FILES is made.kind", "made.kind in (CHOICE, MANY)",
        "made.kind not in _NUMBERS", "known[name].kind != kind", 'made.kind.name == "many"',
        "made.kind == kinds.DATE", "isinstance(made.kind, Text)", "type(made.kind) is Text",
        "(a.kind, b.kind) == (YES_NO, kind)",
    ],
)  # fmt: skip
def test_the_count_sees_a_comparison(test: str) -> None:
    assert len(list(compared(f"from app.kernel.kinds import Kind\n{test}"))) == 1


@pytest.mark.parametrize(
    "test",
    ["job.kind == KIND", "line.kind == LineKind.TOTAL", "made.kind.counted", "a == made.rows"],
)
def test_the_count_leaves_other_kinds_alone(test: str) -> None:
    assert list(compared(test)) == []


def test_the_count_sees_templates() -> None:
    seen = "{% if f.kind == 'many' %}{% if c.kind in ('date', 'state') %}{% if c.kind == 'tag' %}"
    assert len(list(compared_in_template(seen))) == 2


# ---- every kind ------------------------------------------------------------------------------------


def test_every_kind_has_its_name_and_place() -> None:
    made = {getattr(kinds, name) for name in _CONSTANTS}
    assert made == set(KINDS.values())
    assert {kind.name for kind in made} == set(KINDS)
    assert all(kind.known_as in KINDS for kind in made)


def test_every_widget_is_a_macro() -> None:
    template = (APP / "web/templates/register/_fields.html").read_text(encoding="utf-8")
    macros = set(re.findall(r"{% macro (\w+)\(f, id, name\)", template))
    assert {kind.widget.macro for kind in KINDS.values()} == macros


def test_a_table_knows_a_kind_by_its_classes() -> None:
    table = PerKind("usual", {Text: "text", OneOf: "one of"})
    assert table[kinds.TEXT] == "text"
    assert table[kinds.TEXTAREA] == "text"  # LongText derives from Text
    assert table[kinds.PHONE] == "text"
    assert table[kinds.CHOICE] == "one of"
    assert table[kinds.DATE] == "usual"
    assert PerKind("usual", {Text: "text", LongText: "long"})[kinds.TEXTAREA] == "long"


# ---- a new one -------------------------------------------------------------------------------------


class PersonName(Text):
    """A name, as the README of the package adds one."""

    __slots__ = ()
    name = "person"
    widget = Widget(scripts="text", words=False)

    def mend(self, text: str) -> str:
        return formats.mend_name(text)

    def mask(self, value: str) -> str:
        return formats.mask_name(value)


class Thousands(Amount):
    """Amounts in 万元."""

    __slots__ = ()
    name = "thousands"
    widget = Widget(scripts="money", mode="decimal", numeric=True, unit="万元")

    def text(self, made: object, value: Decimal, at: object) -> str:
        return f"{value} 万元"


def test_a_new_text_is_one_class() -> None:
    made = Field(PersonName(), "姓名", length=20, masked=True, name="person_name")
    assert made.parse(" 田　翠素 ") == "田翠素"
    assert made.text("田翠素") == "田翠素"
    assert made.listed("田翠素") == "田*素"
    column = made.column().column
    assert isinstance(column.type, NfcText)
    assert column.type.length == 20
    rules = RuleSet([made], {})
    assert "number" not in rules.js()["fields"]["person_name"]
    assert [p.code for p in rules.evaluate({"person_name": None}).missing] == [
        "person_name.required"
    ]
    with pytest.raises(ValueError, match="最多 20 个字"):
        made.parse("田" * 21)


def test_a_new_text_stands_in_every_layer() -> None:
    made = Field(PersonName(), "姓名", length=20, name="person_name")
    assert INPUTS[made.kind] is INPUTS[kinds.TEXT]
    assert ASKED[made.kind] is ASKED[kinds.TEXT]
    assert CELLS[made.kind] is CELLS[kinds.TEXT]
    assert values.schema(made, written=True) == {
        "type": ["string", "null"], "maxLength": 20, "title": "姓名",
    }  # fmt: skip
    assert values.shown(made, "田翠素", whole=False) == "田翠素"


def test_a_new_amount_is_an_amount_in_every_layer() -> None:
    made = Field(Thousands(), "投资", name="invested")
    assert made.parse("1,200.5") == Decimal("1200.50")
    assert made.text(Decimal("1200.50")) == "1200.50 万元"
    assert isinstance(made.column().column.type, Numeric)
    assert values.JSON[made.kind] is values.JSON[kinds.DECIMAL]
    assert RuleSet([made], {}).js()["fields"]["invested"]["number"] is True


def test_kinds_say_what_consumers_ask() -> None:
    assert {k.name for k in KINDS.values() if not k.stored} == {"files"}
    assert {k.name for k in KINDS.values() if k.counted} == {"files", "children"}
    assert {k.name for k in KINDS.values() if k.picked} == {"yes_no", "choice", "many", "codes"}
    numbers = {"integer", "year", "decimal", "money"}
    assert {k.name for k in KINDS.values() if k.compares_as_number} == numbers
    assert {k.name for k in KINDS.values() if k.names_person} == {"id_number"}
    assert {k.name for k in KINDS.values() if not k.in_rows} == {"region", "files", "children"}
    assert isinstance(kinds.YES_NO, YesNo)
    assert issubclass(YesNo, Kind)
