"""The rules of a register, compiled once from its declaration and read three ways.

Python checks a save and an import; the JavaScript data drive the live form; SQL finds every
stored record that breaks a rule. One order, one semantics: a field that is not shown counts as
missing for all that follows (visibility is transitive), and is cleared when saved.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, not_, or_

from app.core.i18n import _, translate
from app.kernel.declare.expressions import ALWAYS, FACT, KEPT, Expr
from app.kernel.declare.field import Check, Field
from app.kernel.declare.quality import USUAL, Quality, Severity
from app.kernel.declare.terms import Columns
from app.kernel.kinds.values import is_missing

REQUIRED = "required"


class DeclarationError(ValueError):
    """The declaration contradicts itself; found at start-up."""


@dataclass(frozen=True)
class Problem:
    """One broken rule. ``code`` is stable: ``field.check``. ``url``: where one can go on, and in which
    words (``way``). All texts are in the user's language.
    """

    field: str  # the one it stands at
    code: str
    message: str  # what is wrong
    severity: Severity = Severity.ERROR  # how grave it is
    way: str = ""
    url: str = ""
    source: str = ""  # which norm asks for it
    remedy: str = ""  # how it is mended
    forbids: bool = False  # saving, whatever the register makes of its severity


@dataclass(frozen=True)
class Rule:
    """A rule of a register as it is declared; texts are Chinese."""

    code: str  # field.check; of rows field.part.check
    field: Field  # the one it stands at
    check: Check | None  # None: it must be given
    severity: Severity  # how grave it is to break it
    source: str = ""  # which norm asks for it
    remedy: str = ""  # how it is mended

    @property
    def text(self) -> str:
        """What is wrong where it is broken, in the user's language."""
        return translate(self.check.message) if self.check else required_text(self.field)

    @property
    def figure(self) -> str:
        """The name of the figure that counts the records that break it."""
        return self.code.replace(".", "-")

    @property
    def label(self) -> str:
        """The same where the field does not stand beside it."""
        label = translate(self.field.label)
        return self.text if label in self.text else _("%(label)s：", label=label) + self.text


@dataclass
class Evaluation:
    """What the rules say of one record's values."""

    shown: set[str] = field(default_factory=set)  # the fields that are there
    values: dict[str, Any] = field(default_factory=dict)  # hidden ones cleared
    missing: list[Problem] = field(default_factory=list)  # required, shown, not given
    broken: list[Problem] = field(default_factory=list)  # rules that are, of every severity
    quality: Quality = USUAL  # what that forbids

    @property
    def problems(self) -> list[Problem]:
        """All that is wrong, missing or doubtful."""
        return [*self.missing, *self.broken]

    @property
    def errors(self) -> list[Problem]:
        """What forbids submitting."""
        return [p for p in self.problems if p.severity in self.quality.submitting]

    @property
    def refused(self) -> list[Problem]:
        """What forbids saving."""
        return [p for p in self.problems if p.severity in self.quality.saving]


class RuleSet:
    """``fields`` in form order; ``shown`` gives the whole condition of each (section and field);
    what is ``optional`` need not be given yet. ``within`` is the field of children whose rows these are:
    what is missing in a row is an error, as there is no row without it.
    """

    def __init__(
        self,
        fields: Iterable[Field],
        section_shown: Mapping[str, Expr],
        optional: Container[str] = (),
        quality: Quality = USUAL,
        within: str = "",
    ) -> None:
        self.optional, self.sections, self.quality = optional, section_shown, quality
        self.within = within
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
            needed |= self.fields[name].belongs.names()
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
        """What the rules ask for and no field of theirs says: the kernel keeps it with the record, or knows it."""
        return frozenset(name for e in self._own for name in e.names()) - self.fields.keys()

    @cached_property
    def outer(self) -> frozenset[str]:
        """Those that no record keeps (:class:`app.kernel.declare.expressions.Fact`)."""
        return frozenset(name for name in self.facts if name.startswith(FACT))

    @cached_property
    def kept_facts(self) -> frozenset[str]:
        """The others."""
        return self.facts - self.outer

    @cached_property
    def outer_of_place(self) -> frozenset[str]:
        """Of these what is the same of all records that lie in a county."""
        return frozenset(name for name in self.outer if not name.startswith(KEPT))

    @cached_property
    def of_rows(self) -> dict[str, RuleSet]:
        """The rules of the rows of each field of children."""
        return {
            name: RuleSet(made.rows, {}, quality=self.quality, within=name)
            for name, made in self.fields.items()
            if made.rows
        }

    @cached_property
    def _own(self) -> tuple[Expr, ...]:
        """The conditions of its fields."""
        found = ((self.shown[n], *_conditions(made)) for n, made in self.fields.items())
        return tuple(one for some in found for one in some)

    @cached_property
    def conditions(self) -> tuple[Expr, ...]:
        """All that decides what is broken: another one is another set of rules."""
        return (*self._own, *(e for rules in self.of_rows.values() for e in rules.conditions))

    def ordered(self, codes: Iterable[str]) -> tuple[str, ...]:
        """These codes of rules, each once, in the order of the form."""
        found = set(codes)
        return tuple(code for code in self.declared if code in found)

    def severities(self, codes: Iterable[str]) -> tuple[Severity, ...]:
        """Those of these rules, each once."""
        found = {self.declared[code].severity for code in codes}
        return tuple(severity for severity in Severity if severity in found)

    @cached_property
    def declared(self) -> dict[str, Rule]:
        """Every rule by its code, in the order of the form, those of rows among them."""
        found: dict[str, Rule] = {}
        for name, made in self.fields.items():
            of_field = [self._rule(made)] if made.required else []
            of_field += [self._rule(made, check) for check in made.checks]
            found |= {one.code: one for one in of_field}
            found |= self.of_rows[name].declared if made.rows else {}
        return found

    def _code(self, made: Field, check: Check | None = None) -> str:
        """What a rule of a field is called; without a ``check``, that it must be given."""
        names = (self.within, made.name, check.code if check else REQUIRED)
        return ".".join(part for part in names if part)

    def _rule(self, made: Field, check: Check | None = None) -> Rule:
        """That rule as the register has it."""
        code = self._code(made, check)
        said = self.quality.ruling(code)
        missing = Severity.ERROR if self.within else Severity.INCOMPLETE
        return Rule(
            code,
            made,
            check,
            said.severity or (check.severity if check else missing),
            said.source or (check.source if check else ""),
            said.remedy or (check.remedy if check else ""),
        )

    # ---- Python -------------------------------------------------------------------------
    def visible(self, values: Mapping[str, Any]) -> Evaluation:
        """Only what is shown, and the values with the others cleared; nothing is checked."""
        result = Evaluation(values=dict(values), quality=self.quality)
        for name in self.order:
            if self.shown[name].test(result.values) and self._is_asked(name, result.values):
                result.shown.add(name)
                if self.fields[name].computed:
                    result.values[name] = self.fields[name].compute(result.values)
            else:
                result.values[name] = [] if self.fields[name].kind.counted else None
        return result

    def _is_asked(self, name: str, values: Mapping[str, Any]) -> bool:
        """Does it belong where the record lies, or stands all the same?"""
        belongs = self.fields[name].belongs
        return belongs is ALWAYS or belongs.test(values) or not is_missing(values.get(name))

    def evaluate(self, values: Mapping[str, Any]) -> Evaluation:
        """Check one record. ``values`` holds all fields by name; files as lists."""
        result = self.visible(values)
        for name, made in self.fields.items():
            if name not in result.shown:
                continue
            value = result.values.get(name)
            if self.requires(made) and is_missing(value):
                result.missing.append(self._problem(made, None, required_text(made)))
            for check in made.checks:
                if check.wrong.test(result.values):
                    result.broken.append(self._problem(made, check, check.say(value)))
            if made.rows:
                result.broken += self._row_problems(name, value or [])
        return result

    def _problem(self, made: Field, check: Check | None, message: str) -> Problem:
        one = self.declared[self._code(made, check)]
        return Problem(
            made.name,
            one.code,
            message,
            one.severity,
            source=translate(one.source),
            remedy=translate(one.remedy),
        )

    def _row_problems(self, name: str, rows: list[dict[str, Any]]) -> Iterator[Problem]:
        """Children are checked by the same rules, row by row; the field's name says which."""
        for number, row in enumerate(rows):
            for problem in self.of_rows[name].evaluate(row).problems:
                yield replace(problem, field=f"{name}-{number}-{problem.field}")

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
            "saving": list(self.quality.saving),
            "submitting": list(self.quality.submitting),
            "fields": {
                name: {
                    "label": translate(made.label),
                    "shown": self.shown[name].js(),
                    "required": self.requires(made),
                    "requiredMessage": required_text(made),
                    "requiredSeverity": self._rule(made).severity,
                    "checks": [self._check_js(made, check) for check in made.checks],
                }
                | ({"number": True} if made.kind.compares_as_number else {})
                | ({"child": self.of_rows[name].js()} if made.rows else {})
                | ({"suggests": made.suggests.js()} if made.suggests else {})
                | ({"near": made.near.name} if made.near else {})
                | ({"belongs": made.belongs.js()} if made.belongs is not ALWAYS else {})
                | (
                    {"called": [[w.js(), translate(t)] for w, t in made.called]}
                    if made.called
                    else {}
                )
                | ({"computed": made.computed.js()} if made.computed else {})
                for name, made in self.fields.items()
            },
        }

    def _check_js(self, made: Field, check: Check) -> dict[str, Any]:
        one = self.declared[self._code(made, check)]
        told = {"source": translate(one.source), "remedy": translate(one.remedy)}
        return {
            "code": check.code,
            "when": check.wrong.js(),
            "message": one.text,
            "severity": one.severity,
        } | {name: text for name, text in told.items() if text}

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
            condition: ColumnElement[bool] = func.coalesce(self.rules.shown[name].sql(self), False)
            belongs = self.rules.fields[name].belongs
            if belongs is not ALWAYS:
                condition = and_(condition, or_(belongs.sql(self), self.columns("?" + name)))
            self._shown[name] = condition
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


def _conditions(made: Field) -> Iterator[Expr]:
    if made.belongs is not ALWAYS:
        yield made.belongs
    yield from (check.wrong for check in made.checks)


def _both(one: Expr, other: Expr) -> Expr:
    if one is ALWAYS or other is ALWAYS:
        return other if one is ALWAYS else one
    return one & other
