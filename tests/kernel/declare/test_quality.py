"""How grave a broken rule is, and what that forbids: rules of fields' own, of options, of rows."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from app.kernel.declare import fields as f
from app.kernel.declare.expressions import Given
from app.kernel.declare.field import Field
from app.kernel.declare.quality import USUAL, Quality, Ruling, Severity
from app.kernel.declare.rules import RuleSet
from app.kernel.declare.terms import Ref

INCOMPLETE, ERROR, QUESTIONABLE = Severity


def field(name: str, made: Field) -> Field:
    made.name = name
    return made


def rules(quality: Quality = USUAL, **fields: Any) -> RuleSet:
    return RuleSet([field(name, made) for name, made in fields.items()], {}, quality=quality)


#: Options that bring a rule, a value that breaks it, and the code of the rule.
BUILT_IN = [
    (f.integer, ("数", 1, 9), {}, 0, "low"),
    (f.integer, ("数", 1, 9), {}, 10, "high"),
    (f.money, ("元",), {}, -1, "low"),
    (f.date, ("日",), {"not_after": dt.date(2020, 1, 1)}, dt.date(2021, 1, 1), "late"),
    (f.date, ("日",), {"not_before": dt.date(2020, 1, 1)}, dt.date(2019, 1, 1), "early"),
    (f.id_number, ("身份证号",), {}, "1", "invalid"),
    (f.phone, ("电话",), {}, "1", "invalid"),
    (f.photos, ("照片", 2, 3), {}, ["one"], "low"),
    (f.children, ("人", f.row("name", f.text("名"))), {"high": 1}, [{"name": "甲"}] * 2, "high"),
]


@pytest.mark.parametrize(("make", "args", "options", "value", "code"), BUILT_IN)
def test_a_rule_that_an_option_makes(
    make: Any, args: Any, options: Any, value: Any, code: str
) -> None:
    (usual,) = rules(it=make(*args, **options)).evaluate({"it": value}).broken
    assert (usual.code, usual.severity) == (f"it.{code}", ERROR)
    mild = make(*args, **options, severities={code: QUESTIONABLE})
    ruled = Quality(rulings={f"it.{code}": Ruling(QUESTIONABLE)})
    for made in (rules(it=mild), rules(ruled, it=make(*args, **options))):
        result = made.evaluate({"it": value})
        assert [(p.code, p.severity) for p in result.broken] == [(f"it.{code}", QUESTIONABLE)]
        assert (result.refused, result.errors) == ([], [])


def test_what_is_missing_is_incomplete_and_may_be_saved_but_not_submitted() -> None:
    result = rules(it=f.text("甲")).evaluate({"it": ""})
    assert [(p.code, p.severity) for p in result.missing] == [("it.required", INCOMPLETE)]
    assert result.refused == []
    assert result.errors == result.missing


def test_what_is_missing_in_a_row_is_an_error_unless_the_register_rules_otherwise() -> None:
    people = f.children("人", f.row("name", f.text("名")))
    result = rules(people=people).evaluate({"people": [{"name": None}]})
    assert [(p.field, p.code, p.severity) for p in result.refused] == [
        ("people-0-name", "people.name.required", ERROR)
    ]
    ruled = Quality(rulings={"people.name.required": Ruling(INCOMPLETE)})
    result = rules(ruled, people=people).evaluate({"people": [{"name": None}]})
    assert (result.refused, [p.severity for p in result.errors]) == ([], [INCOMPLETE])


def test_the_register_says_what_forbids() -> None:
    lenient = Quality(saving=(), submitting=(ERROR,))
    made = rules(lenient, number=f.integer("数", 1, 9), name=f.text("名"))
    result = made.evaluate({"number": 0, "name": None})
    assert result.refused == []
    assert [p.code for p in result.errors] == ["number.low"]
    assert [p.code for p in result.problems] == ["name.required", "number.low"]
    strict = Quality(saving=tuple(Severity), submitting=tuple(Severity))
    again = rules(strict, number=f.integer("数", 1, 9), name=f.text("名"))
    assert len(again.evaluate({"number": 0, "name": None}).refused) == 2


def test_where_a_rule_comes_from_and_how_it_is_mended() -> None:
    odd = f.Check(
        "odd", Given(Ref("name")), "怪。", QUESTIONABLE, source="办法第一条", remedy="请核实。"
    )
    made = rules(
        Quality(rulings={"name.required": Ruling(remedy="照身份证填写。")}),
        name=f.text("名", checks=[odd]),
    )
    (found,) = made.evaluate({"name": "甲"}).problems
    assert (found.severity, found.source, found.remedy) == (QUESTIONABLE, "办法第一条", "请核实。")
    (missing,) = made.evaluate({"name": None}).problems
    assert (missing.severity, missing.source, missing.remedy) == (INCOMPLETE, "", "照身份证填写。")
    assert [(rule.code, rule.text, rule.severity) for rule in made.declared.values()] == [
        ("name.required", "请填写名。", INCOMPLETE),
        ("name.odd", "怪。", QUESTIONABLE),
    ]


def test_scripts_are_told_the_same() -> None:
    told = rules(
        Quality(
            saving=(), submitting=(ERROR,), rulings={"number.low": Ruling(QUESTIONABLE, "甲", "乙")}
        ),
        number=f.integer("数", 1, 9),
    ).js()
    assert (told["saving"], told["submitting"]) == ([], ["error"])
    number = told["fields"]["number"]
    assert number["requiredSeverity"] == "incomplete"
    low, high = number["checks"]
    assert (low["severity"], low["source"], low["remedy"]) == ("questionable", "甲", "乙")
    assert (high["severity"], "source" in high) == ("error", False)
