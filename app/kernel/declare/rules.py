"""The rules of a register, compiled once from its declaration and read three ways.

Python checks a save and an import; the JavaScript data drive the live form; SQL finds every
stored record that breaks a rule. One order, one semantics: a field that is not shown counts as
missing for all that follows (visibility is transitive), and is cleared when saved.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, not_

from app.core.i18n import translate
from app.kernel.declare.expressions import ALWAYS, Columns, Expr
from app.kernel.declare.field import Check, Field
from app.kernel.kinds.values import is_missing

REQUIRED = "required"


class DeclarationError(ValueError):
    """The declaration contradicts itself; found at start-up."""


@dataclass(frozen=True)
class Problem:
    """One broken rule. ``code`` is stable: ``field.check``. ``url``: where one can go on, and in which
    words (``way``).
    """

    field: str  # the one it stands at
    code: str
    message: str  # in the user's language
    severity: str = "error"  # error, or warning: that forbids nothing
    way: str = ""
    url: str = ""


@dataclass
class Evaluation:
    """What the rules say of one record's values."""

    shown: set[str] = field(default_factory=set)  # the fields that are there
    values: dict[str, Any] = field(default_factory=dict)  # hidden ones cleared
    missing: list[Problem] = field(default_factory=list)  # required, shown, not given
    broken: list[Problem] = field(default_factory=list)  # rules that are, warnings too

    @property
    def problems(self) -> list[Problem]:
        """All that is wrong or missing, warnings too."""
        return [*self.missing, *self.broken]

    @property
    def errors(self) -> list[Problem]:
        """What forbids submitting."""
        return [p for p in self.problems if p.severity == "error"]


class RuleSet:
    """``fields`` in form order; ``shown`` gives the whole condition of each (section and field);
    what is ``optional`` need not be given yet.
    """

    def __init__(
        self,
        fields: Iterable[Field],
        section_shown: Mapping[str, Expr],
        optional: Container[str] = (),
    ) -> None:
        self.optional, self.sections = optional, section_shown
        self.fields = {f.name: f for f in fields}
        self.shown = {
            n: _both(section_shown.get(n, ALWAYS), f.shown) for n, f in self.fields.items()
        }
        self.order = self._sorted()

    def _sorted(self) -> list[str]:
        """Fields after those that their visibility or value depends on; a cycle is an error."""
        done: list[str] = []
        state: dict[str, int] = {}

        def visit(name: str) -> None:
            if state.get(name) == 1:
                raise DeclarationError(f"visibility or value of {name} depends on itself")
            if name in state:
                return
            state[name] = 1
            formula = self.fields[name].computed
            needed = self.shown[name].names() | (formula.names() if formula else set())
            for other in sorted(needed):
                if other in self.fields:
                    visit(other)
            state[name] = 2
            done.append(name)

        for name in self.fields:
            visit(name)
        return done

    @cached_property
    def facts(self) -> frozenset[str]:
        """What the rules ask for and no field of theirs says: the kernel keeps it with the record."""
        asked = [e for n, made in self.fields.items() for e in (self.shown[n], *_wrong(made))]
        return frozenset(name for e in asked for name in e.names()) - self.fields.keys()

    # ---- Python -------------------------------------------------------------------------
    def visible(self, values: Mapping[str, Any]) -> Evaluation:
        """Only what is shown, and the values with the others cleared; nothing is checked."""
        result = Evaluation(values=dict(values))
        for name in self.order:
            if self.shown[name].test(result.values):
                result.shown.add(name)
                if self.fields[name].computed:
                    result.values[name] = self.fields[name].compute(result.values)
            else:
                result.values[name] = [] if self.fields[name].kind.counted else None
        return result

    def evaluate(self, values: Mapping[str, Any]) -> Evaluation:
        """Check one record. ``values`` holds all fields by name; files as lists."""
        result = self.visible(values)
        for name, made in self.fields.items():
            if name not in result.shown:
                continue
            value = result.values.get(name)
            if self.requires(made) and is_missing(value):
                result.missing.append(Problem(name, f"{name}.{REQUIRED}", required_text(made)))
            for check in made.checks:
                if check.wrong.test(result.values):
                    result.broken.append(
                        Problem(name, f"{name}.{check.code}", check.say(value), check.severity)
                    )
            if made.rows:
                result.broken += _row_problems(made, value or [])
        return result

    def requires(self, made: Field) -> bool:
        """Must it be given whenever it is shown?"""
        return made.required and made.name not in self.optional

    def shows(self, name: str, values: Mapping[str, Any]) -> bool:
        """Is this one field shown? Asks only what it depends on."""
        needed = {n: values.get(n) for n in self.shown[name].names()}
        for other in needed.keys() & self.fields.keys():
            if not is_missing(needed[other]) and not self.shows(other, values):
                needed[other] = None
        return self.shown[name].test(needed)

    # ---- JavaScript ---------------------------------------------------------------------
    def js(self) -> dict[str, Any]:
        """The data that static/form/rules.js evaluates; messages in the user's language."""
        return {
            "order": self.order,
            "fields": {
                name: {
                    "label": translate(made.label),
                    "shown": self.shown[name].js(),
                    "required": self.requires(made),
                    "requiredMessage": required_text(made),
                    "checks": [_check_js(check) for check in made.checks],
                }
                | ({"number": True} if made.kind.compares_as_number else {})
                | ({"child": RuleSet(made.rows, {}).js()} if made.rows else {})
                | ({"near": made.near.name} if made.near else {})
                | (
                    {"called": [[w.js(), translate(t)] for w, t in made.called]}
                    if made.called
                    else {}
                )
                | ({"computed": made.computed.js()} if made.computed else {})
                for name, made in self.fields.items()
            },
        }

    # ---- SQL ----------------------------------------------------------------------------
    def violations(self, columns: Columns) -> dict[str, ColumnElement[bool]]:
        """Condition per rule code, true exactly for the stored records that break it."""
        visible = _VisibleColumns(self, columns)
        found: dict[str, ColumnElement[bool]] = {}
        for name, made in self.fields.items():
            shown = visible.shown(name)
            if self.requires(made):
                found[f"{name}.{REQUIRED}"] = and_(shown, not_(columns("?" + name)))
            for check in made.checks:
                wrong = check.wrong.sql(visible)
                found[f"{name}.{check.code}"] = and_(shown, func.coalesce(wrong, False))
        return found


class _VisibleColumns:
    """Columns as the rules see them: NULL where the field is not shown."""

    def __init__(self, rules: RuleSet, columns: Columns) -> None:
        self.rules, self.columns = rules, columns
        self._shown: dict[str, ColumnElement[bool]] = {}

    def shown(self, name: str) -> ColumnElement[bool]:
        if name not in self._shown:
            condition = self.rules.shown[name].sql(self)
            self._shown[name] = func.coalesce(condition, False)
        return self._shown[name]

    def __call__(self, name: str) -> ColumnElement[Any]:
        plain = name.lstrip("?#")
        column = self.columns(name)
        if plain not in self.rules.fields or self.rules.shown[plain] is ALWAYS:
            return column
        if name.startswith("?"):
            return and_(self.shown(plain), column)
        other: Any = 0 if name.startswith("#") else None
        return case((self.shown(plain), column), else_=other)


def required_text(made: Field) -> str:
    """请选择…, 请上传… or 请填写…, by kind."""
    return translate(made.kind.asks, label=translate(made.label))


def _wrong(made: Field) -> Iterable[Expr]:
    return (check.wrong for check in made.checks)


def _both(one: Expr, other: Expr) -> Expr:
    if one is ALWAYS or other is ALWAYS:
        return other if one is ALWAYS else one
    return one & other


def _check_js(check: Check) -> dict[str, Any]:
    return {
        "code": check.code,
        "when": check.wrong.js(),
        "message": translate(check.message),
        "severity": check.severity,
    }


def _row_problems(made: Field, rows: list[dict[str, Any]]) -> list[Problem]:
    """Children are checked by the same rules, row by row; the field's name says which."""
    inner = RuleSet(made.rows, {})
    found = []
    for number, row in enumerate(rows):
        for problem in inner.evaluate(row).problems:
            where = f"{made.name}-{number}-{problem.field}"
            found.append(
                Problem(where, f"{made.name}.{problem.code}", problem.message, problem.severity)
            )
    return found
