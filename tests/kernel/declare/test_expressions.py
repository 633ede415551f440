"""Conditions over fields: missing values, complements, what the other readers are handed."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from app.access.accounts.allowances import TOWN_CLERKS
from app.core.choices import Choices
from app.kernel.declare import fields as f
from app.kernel.declare.expressions import ALWAYS, NEVER, setting, within
from app.kernel.declare.terms import Const
from app.kernel.kinds.values import is_missing, to_json


class Colour(Choices):
    RED = "red", "红"
    BLUE = "blue", "蓝"


def named(name: str, made: Any) -> Any:
    made.name = name
    return made


colour = named("colour", f.choice("颜色", Colour))
tags = named("tags", f.many("标签", Colour))
yes = named("yes", f.yes_no("是否"))
number = named("number", f.integer("数"))
other = named("other", f.decimal("另一数"))
day = named("day", f.date("日"))
name = named("name", f.text("名"))
people = named("people", f.children("人"))
files = named("files", f.papers("件"))
identity = named("identity", f.id_number("身份证号"))

RED, BLUE = Colour.RED, Colour.BLUE

CASES = [
    # condition, values, holds
    (colour.is_(RED), {"colour": RED}, True),
    (colour.is_("red"), {"colour": RED}, True),
    (colour.is_(RED), {"colour": BLUE}, False),
    (colour.is_(RED), {}, False),
    (~colour.is_(RED), {}, True),
    (~colour.is_(RED), {"colour": ""}, True),
    (~~colour.is_(RED), {}, False),
    (colour.in_("red", BLUE), {"colour": BLUE}, True),
    (colour.in_("red", BLUE), {"colour": None}, False),
    (tags.has(RED), {"tags": ("blue", "red")}, True),
    (tags.has(RED), {"tags": ()}, False),
    (tags.has(RED), {"tags": None}, False),
    (tags.has("re"), {"tags": ("red",)}, False),
    (yes.yes, {"yes": True}, True),
    (yes.yes, {"yes": False}, False),
    (yes.no, {"yes": False}, True),
    (yes.no, {}, False),
    (yes.given, {"yes": False}, True),
    (number.given, {"number": 0}, True),
    (name.given, {"name": ""}, False),
    (people.given, {"people": []}, False),
    (people.given, {"people": [{"name": None}]}, True),
    (number.compare("lt", 3), {"number": 2}, True),
    (number.compare("lt", 3), {"number": 3}, False),
    (number.compare("le", 3), {"number": 3}, True),
    (number.compare("gt", 3), {}, False),
    (number.compare("ge", other), {"number": 2, "other": Decimal("1.5")}, True),
    (number.compare("ge", other), {"number": 2}, False),
    (number.compare("eq", other), {"number": 2, "other": Decimal("2.00")}, True),
    (number.compare("gt", day.year), {"number": 2025, "day": dt.date(2024, 9, 7)}, True),
    (number.compare("gt", day.year.plus(1)), {"number": 2025, "day": dt.date(2024, 9, 7)}, False),
    (number.compare("gt", day.year), {"number": 2025}, False),
    (people.compare("gt", 0), {"people": []}, False),
    (people.compare("lt", 1), {}, True),
    (people.compare("eq", files), {"people": [{}, {}], "files": ["a", "b"]}, True),
    (identity.valid, {"identity": "11010519491231002X"}, True),
    (identity.valid, {"identity": "110105194912310021"}, False),
    (identity.valid, {}, False),
    (ALWAYS, {}, True),
    (NEVER, {}, False),
    (~NEVER & ALWAYS, {}, True),
    (colour.is_(RED) & yes.yes, {"colour": RED}, False),
    (colour.is_(RED) | yes.yes, {"colour": RED}, True),
]


@pytest.mark.parametrize(("condition", "values", "holds"), CASES)
def test_python_reader(condition: Any, values: dict[str, Any], holds: bool) -> None:
    assert condition.test(values) is holds


@pytest.mark.parametrize(
    ("condition", "data"),
    [
        (colour.is_(RED), ["is", "colour", "red"]),
        (colour.in_(RED, BLUE), ["in", "colour", ["red", "blue"]]),
        (~yes.no, ["not", ["is", "yes", "no"]]),
        (tags.has(RED), ["has", "tags", "red"]),
        (number.compare("lt", 3), ["lt", ["field", "number"], ["const", 3]]),
        (people.compare("gt", files), ["gt", ["count", "people"], ["count", "files"]]),
        (
            number.compare("gt", day.year.plus(1)),
            ["gt", ["field", "number"], ["plus", ["year", ["field", "day"]], ["const", 1]]],
        ),
        (day.compare("lt", dt.date(2021, 1, 1)), ["lt", ["field", "day"], ["const", "2021-01-01"]]),
        (identity.given & ~identity.valid,
         ["and", ["given", "identity"], ["not", ["valid", "id_number", "identity"]]]),
        (within("65", "66"),
         ["or", ["eq", ["fact", "@within:65", "no"], ["const", "yes"]],
          ["eq", ["fact", "@within:66", "no"], ["const", "yes"]]]),
        (number.compare("gt", number.ref.times(setting(TOWN_CLERKS.name))),
         ["gt", ["field", "number"],
          ["times", ["field", "number"], ["fact", "@users.town_clerks", 9]]]),
        (ALWAYS, ["true"]),
        (NEVER, ["false"]),
    ],
)  # fmt: skip
def test_data_for_the_browser(condition: Any, data: list[Any]) -> None:
    assert condition.js() == data


def test_names_are_known_before_the_class_is_mapped() -> None:
    assert (colour.is_(RED) & number.compare("gt", day.year.plus(1)) | ~files.given).names() == {
        "colour", "number", "day", "files",
    }  # fmt: skip
    assert Const(3).names() == set()


@pytest.mark.parametrize(
    ("value", "missing", "text"),
    [
        (None, True, None),
        ("", True, None),
        ((), True, None),
        ([], True, None),
        (False, False, "no"),
        (True, False, "yes"),
        (0, False, "0"),
        (Decimal("1.50"), False, "1.50"),
        (dt.date(2024, 9, 7), False, "2024-09-07"),
        (RED, False, "red"),
        (("red",), False, ["red"]),
        ([{"name": "王"}], False, [{"name": "王"}]),
    ],
)
def test_missing_and_form_text(value: Any, missing: bool, text: Any) -> None:
    assert is_missing(value) is missing
    assert to_json(value) == text
