"""A register, declared once: what its model's fields are arranged into.

Every name is checked at start-up by :mod:`app.kernel.declare.checks` (``flask check``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, wraps
from typing import Any, ParamSpec

from app.access import settings
from app.access.divisions.regions import Level
from app.access.entry import ENTRIES, Entry
from app.access.settings import DATE, YES_NO, Setting
from app.core.i18n import _, mark, translate
from app.kernel.declare.expressions import ALWAYS, Compare, Expr, Given
from app.kernel.declare.field import Field, Shared
from app.kernel.declare.figures import OPEN, Figure, Years, of_quality, of_single_states, parted
from app.kernel.declare.flow import Flow, State, review_setting
from app.kernel.declare.groups import (
    HIDDEN,
    Asks,
    Creates,
    Derived,
    Form,
    Frozen,
    Heading,
    Lists,
    Menu,
    Paper,
    Renewal,
    Review,
    Section,
    Story,
)
from app.kernel.declare.quality import USUAL, Quality, Severity
from app.kernel.declare.rules import Problem, RuleSet
from app.kernel.declare.stages import Stage
from app.kernel.declare.tables import Briefing, Identity, Table
from app.kernel.declare.terms import Const, Ref

#: ``check(row, values)`` with the values as they would be stored.
Check = Callable[[Any, Mapping[str, Any]], Iterable[Problem]]


@dataclass(kw_only=True, eq=False)
class Register:
    """A register as it was declared. ``name`` is the URL and permission name, that of the model's
    table unless another is given.
    """

    model: Any = field(kw_only=False)  # a mapped class, with columns of its own
    name: str = ""
    title: str  # what people call it
    record_word: str = mark("档案")  # what one calls a record
    unit: str = mark("户")  # what its figures count
    heading: Heading = field(default_factory=Heading)  # what heads its menu, and where it stands
    sections: tuple[Section, ...] = ()  # the form; without any there is none
    form: Form = field(default_factory=Form)  # what form and page do beside showing its sections
    read_only: bool = False  # nobody fills in its form: what it says is kept by the kernel
    quality: Quality = USUAL  # what broken rules forbid
    #: Rules that need more than the record: asked at save and submit, told on its form and page.
    checks: tuple[Check, ...] = ()
    findings: tuple[Check, ...] = ()  # what form and review should look at, and nothing forbids
    #: Set the kernel's fields of a row at each save, and when its files come or go: that is no new version.
    derives: tuple[Callable[[Any], None], ...] = ()
    #: The same of what its files alone say: called when some come or go, not at a save.
    derives_of_files: tuple[Callable[[Any], None], ...] = ()
    review: Review | None = None  # its records are submitted and decided on
    frozen: Frozen | None = None  # rows that nobody changes
    continues: str = (
        ""  # the register whose approved record opens one of this (app.kernel.records.continuing)
    )
    renewal: Renewal | None = None  # a new record follows an approved one
    follows: str = ""  # the household's list (its yes/no) whose households each get a row at first
    creates: Creates | None = None  # users add records themselves
    #: Fields that say together what a record is about: there is one alone in the whole nation of those
    #: that give them all (app.kernel.records.keys). The model is ``Keyed``.
    key: str = ""
    keeps: bool = (
        False  # a delete takes a reason and only hides: managers of counties restore. ``Lasting``
    )
    entry: Entry | None = (
        None  # who enters it, where it is not whom the matrix of permissions names
    )
    derived: Derived | None = None  # its rows follow from other registers' records
    #: A yes/no field and a division: yes asks for a move there (app.kernel.households.moves).
    moves: Asks | None = None
    #: A yes/no field and rows of heads who split off (app.kernel.households.splits).
    splits: Asks | None = None
    lists: Lists = field(default_factory=Lists)  # their columns and filters, those of all menus
    listed: Expr = ALWAYS  # the rows that its lists show and its figures count
    menus: tuple[Menu, ...] = ()  # its lists
    figures: Mapping[str, Figure] = field(default_factory=dict)  # by their names
    headline: str = ""  # figures that the desk shows large
    tables: tuple[Table, ...] = ()  # its statistics
    years: Years | None = None  # figures are counted by year too
    #: Managers say how many of its records each division below must do, by year and kind: what tables call QUOTA.
    quotas: bool = False
    briefing: Briefing | None = None  # what the work report says of it
    story: Story = field(default_factory=Story)  # what other pages than its own tell of a record
    papers: tuple[Paper, ...] = ()  # forms on which its records are printed

    def __post_init__(self) -> None:
        self.name = self.name or self.model.__tablename__
        if self.quality.kept:
            self.figures = self.quality_figures | dict(self.figures)
        if self.keeps:
            self._leave_out_hidden()

    def _leave_out_hidden(self) -> None:
        """What is hidden is listed nowhere, and no figure counts it."""
        present = ~Given(Ref(HIDDEN))
        self.listed = present if self.listed is ALWAYS else present & self.listed
        if self.years is not None and self.years.listed is not None:
            self.years = replace(self.years, listed=present & self.years.listed)

    @cached_property
    def field_names(self) -> tuple[str, ...]:
        """The names of its form's fields, in form order."""
        return tuple(name for section in self.sections for name in section.fields)

    @cached_property
    def fields(self) -> dict[str, Field]:
        """Form fields in form order."""
        return {name: self.model.__fields__[name] for name in self.field_names}

    @cached_property
    def file_fields(self) -> tuple[str, ...]:
        """The fields of its form that hold photos or papers."""
        return tuple(name for name, made in self.fields.items() if not made.stored)

    @cached_property
    def references(self) -> tuple[str, ...]:
        """The fields of its form that name a record of another register by its number."""
        return tuple(name for name, made in self.fields.items() if made.found_in)

    @property
    def flow(self) -> Flow | None:
        """The states and steps of its records, None: they have none."""
        return self.review.flow if self.review else None

    @property
    def stages(self) -> tuple[Stage, ...]:
        """What is submitted and reviewed one after the other, () where all is at once."""
        return self.review.stages if self.review else ()

    @property
    def owned(self) -> bool:
        """Does who entered a record change it, and nobody else?"""
        return self.creates is not None and self.creates.owned

    @property
    def entered(self) -> bool:
        """Do users fill in its form?"""
        return bool(self.sections) and not self.read_only

    @property
    def names_household(self) -> bool:
        """Do its forms say which household a record is about, listed or not?"""
        household = self.model.__table__.c.get("household_id")
        return household is not None and household.nullable

    @property
    def of_households(self) -> bool:
        """Is each record about a household of the list, or itself one?"""
        if "issued_id" in self.model.__fields__:
            return True
        return hasattr(self.model, "household_id") and not self.names_household

    @cached_property
    def name_field(self) -> str:
        """The field that says whom or what a record is about: the first of its ledger."""
        return "head_name" if self.of_households else next(iter(self.lists.ledger.split()), "")

    @cached_property
    def number_field(self) -> str:
        """The field of the ID number by which a record is found; empty: there is none."""
        known = self.model.__fields__
        if self.of_households:
            return "head_id"
        names = (n for n in self.lists.filters.split() if known[n].kind.names_person)
        return next(names, "")

    @property
    def word(self) -> str:
        """What one calls a record, in the user's language."""
        return translate(self.record_word)

    @property
    def key_label(self) -> str:
        """By what records are told apart, as people call it."""
        names = self.key.split() or [self.number_field]
        return _("、").join(translate(self.fields[name].label) for name in names)

    def named(self, row: Any) -> str:
        """Whom or what the record is about, as titles and messages say it."""
        return self.model.__fields__[self.name_field].text(getattr(row, self.name_field))

    @cached_property
    def rules(self) -> RuleSet:
        """The rules of its form: what is shown, required and right."""
        shown = {name: section.shown for section in self.sections for name in section.fields}
        return RuleSet(self.fields.values(), shown, quality=self.quality)

    def rules_of(self, row: Any) -> RuleSet:
        """The rules as they hold for this record now: later stages' answers are not asked yet."""
        return self._stage_rules[row.stage] if self.stages else self.rules

    @cached_property
    def _stage_rules(self) -> dict[str | None, RuleSet]:
        """By the last stage that was approved."""
        names = [stage.name for stage in self.stages]
        found: dict[str | None, RuleSet] = {}
        for done, last in enumerate((None, *names)):
            later = {n for s in self.sections if s.stage in names[done + 1 :] for n in s.fields}
            found[last] = RuleSet(
                self.fields.values(), self.rules.sections, later, quality=self.quality
            )
        return found

    @cached_property
    def shared(self) -> dict[str, Shared]:
        """The rules over other records, by their codes."""
        found = ((code, rule.check) for code, rule in self.rules.declared.items())
        return {code: check.shared for code, check in found if check and check.shared}

    @cached_property
    def compared(self) -> dict[str, tuple[str, ...]]:
        """The fields that each of them compares; files come and go by themselves."""
        return {
            code: tuple(
                n for n in rule.fields.split() if n in self.fields and self.fields[n].stored
            )
            for code, rule in self.shared.items()
        }

    @cached_property
    def quality_figures(self) -> dict[str, Figure]:
        """Where broken rules are kept: how many records have findings of each severity, and break each rule."""
        return of_quality(self.rules.declared.values())

    @cached_property
    def identities(self) -> tuple[Identity, ...]:
        """Those of all its tables."""
        return tuple(i for table in self.tables for i in table.identities)

    @cached_property
    def kept_figures(self) -> Mapping[str, Figure]:
        """What its counters keep: its figures; and of reviewed records how many are in each state that no
        figure counts alone, by which menus and lists are told. No page shows these, no year has them.
        """
        if self.flow is None:
            return self.figures
        told, state = of_single_states(self.figures), self.model.__fields__["state"]
        alone = {
            f"state.{one.value}": Figure(one.label, state.is_(one))
            for one in self.states
            if one not in told
        }
        return {**self.figures, **alone, **self._without_moves}

    @cached_property
    def rule_figures(self) -> Mapping[str, str]:
        """The kept figures that count who breaks a rule, by its code: a record says which these are."""
        return {one.rule.code: name for name, one in self.kept_figures.items() if one.rule}

    @cached_property
    def plain_figures(self) -> Mapping[str, Figure]:
        """The others, each a condition to be asked."""
        return {name: one for name, one in self.kept_figures.items() if not one.rule}

    @cached_property
    def open_figures(self) -> dict[State, str]:
        """Where its form asks for moves: by state the kept figures that count whom somebody has to fill
        in, for what asks to move waits for that and for nobody who fills in.
        """
        return {state: f"open.{state.value}" for state in OPEN} if self.moves else {}

    @cached_property
    def _without_moves(self) -> dict[str, Figure]:
        if self.moves is None:
            return {}
        state, asks = self.model.__fields__["state"], self.fields[self.moves.asked]
        return {
            name: Figure(OPEN[one], state.is_(one) & ~asks.yes)
            for one, name in self.open_figures.items()
        }

    @cached_property
    def state_figures(self) -> dict[State, str]:
        """The kept figures that count the listed rows of exactly one state, by that state."""
        return of_single_states(self.kept_figures)

    @cached_property
    def states(self) -> tuple[State, ...]:
        """In which its records may be: those that wait for a town's check only where towns check."""
        checked = self.flow is not None and self.flow.review_of(State.CHECKING) is not None
        return tuple(state for state in State if checked or state != State.CHECKING)

    @cached_property
    def whole(self) -> str | None:
        """The figure that counts all its listed rows: ``total``, else the first that asks for nothing."""
        if "total" in self.figures:
            return "total"
        named = (n for n, one in self.figures.items() if one.where is ALWAYS and not one.sum)
        return next(named, None)

    def counted(self, key: str) -> Expr:
        """The rows that a figure counts or adds up, all of them or those of a year (``name@2026``), of a
        year and kind (``name@2026/central``).

        :raises KeyError: no such figure, no such year or kind.
        """
        if key not in self._counted:
            name, dim = parted(key)
            where, listed = self.kept_figures[name].where, self.listed
            if "@" in key:
                years, shown = self.years, name in self.figures
                year, of, kind = dim.partition("/")
                if not shown or years is None or year not in map(str, years.offered()):
                    raise KeyError(key)
                if of and kind not in self.kinds:
                    raise KeyError(key)
                listed = years.listed or listed
                where = self._in_year(int(year), kind) & where
            self._counted[key] = where if listed is ALWAYS else listed & where
        return self._counted[key]

    def _in_year(self, year: int, kind: str) -> Expr:
        if self.years is None:
            raise LookupError(f"{self.name} counts nothing by year")
        known = self.model.__fields__
        made = known[self.years.name]
        own = made.has(year) if made.kind.several else Compare("eq", Ref(made.name), Const(year))
        return own & known[self.years.by].is_(kind) if kind else own

    @cached_property
    def kinds(self) -> dict[str, Field]:
        """The codes by which each year is divided, with the field that says them."""
        if self.years is None or not self.years.by:
            return {}
        made = self.model.__fields__[self.years.by]
        return {one.value: made for one in made.choices or () if one.value not in made.leaves_out}

    def kind_label(self, kind: str) -> str:
        """What a code that divides the years is called, in the user's language."""
        return self.kinds[kind].text(kind) if kind in self.kinds else kind

    @cached_property
    def counting(self) -> tuple[str, ...]:
        """The figures that count rows."""
        return tuple(name for name, figure in self.figures.items() if not figure.sum)

    def adds(self, key: str) -> bool:
        """Does the figure of this key add up, instead of counting rows?"""
        return bool(self.kept_figures[parted(key)[0]].sum)

    def added_in(self, figure: str) -> int:
        """How many parts of one a figure that adds up is kept in; 0: it counts rows."""
        name = self.kept_figures[figure].sum
        return self.model.__fields__[name].kind.added_in if name else 0

    def figure_label(self, key: str) -> str:
        """审核通过, 审核通过（2026年）, or 审核通过（2026年，中央补助）."""
        name, dim = parted(key)
        year, _of, kind = dim.partition("/")
        label = self.kept_figures[name].text
        if kind:
            text = self.kind_label(kind)
            return _("%(figure)s（%(year)s年，%(kind)s）", figure=label, year=year, kind=text)
        return _("%(figure)s（%(year)s年）", figure=label, year=year) if year else label

    @cached_property
    def _counted(self) -> dict[str, Expr]:
        return {}

    @property
    def quality_table(self) -> Table | None:
        """The first table, where broken rules are kept, that counts those of a severity; else none."""
        told = set(Severity) if self.quality.kept else set()
        return next((t for t in self.tables if told & t.counted()), None)

    @property
    def progress_table(self) -> Table | None:
        """The table whose progress is compared week by week."""
        return next((t for t in self.tables if t.progress), None)

    @property
    def label(self) -> str:
        """What people call it, in the user's language."""
        return translate(self.title)

    @property
    def ledger_title(self) -> str:
        """What people call its rows as a list, in the user's language; 台账 is said once."""
        return self.label if self.title.endswith(_LEDGER) else _("%(what)s台账", what=self.label)

    def state_text(self, state: State) -> str:
        """What a state is called in this register, in the user's language."""
        return str(self.model.__fields__["state"].text(state))

    def paper(self, name: str) -> Paper | None:
        """The paper of that name, or None."""
        return next((p for p in self.papers if p.name == name), None)

    def table(self, name: str) -> Table | None:
        """The statistics table of that name, or None."""
        return next((t for t in self.tables if t.name == name), None)


_registers: list[Register] = []
#: What some registers are called already.
_LEDGER = mark("台账")


_Said = ParamSpec("_Said")


def _declaring(make: Callable[_Said, Register]) -> Callable[_Said, Register]:
    @wraps(make)
    def register(*args: _Said.args, **said: _Said.kwargs) -> Register:
        made = make(*args, **said)
        _registers.append(made)
        _registers.sort(key=lambda register: (register.heading.order, register.name))
        if made.entry is not None:
            ENTRIES[made.name] = made.entry
        if made.flow is not None:
            settings.declare(
                Setting(
                    f"{made.name}.deadline",
                    mark("填报截止日期"),
                    DATE,
                    None,
                    area=Level.COUNTY,
                    help=mark("进度统计和桌面显示剩余天数；下级可以提前，不能推后。"),
                )
            )
        if made.review is not None and made.review.setting:
            settings.declare(
                Setting(
                    review_setting(made),
                    made.review.setting,
                    YES_NO,
                    False,
                    area=Level.COUNTY,
                    help=mark("选择“否”时，保存即为已录入，不需要上报和审核。"),
                )
            )
        return made

    return register


#: Declares a register: ``register(Model, title=…, …)`` takes what :class:`Register` holds.
register = _declaring(Register)


def all_registers() -> tuple[Register, ...]:
    """All declared registers, in the order of their menus."""
    return tuple(_registers)


def get_register(name: str) -> Register | None:
    """The register of that name, or None."""
    return next((r for r in _registers if r.name == name), None)


def register_of(model: type) -> Register | None:
    """The register whose rows are of this class, or None."""
    return next((r for r in _registers if r.model is model), None)


def rule(model: Any) -> Any:
    """The declared fields of a mapped model by attribute, for conditions outside its class."""

    class _Fields:
        def __getattr__(self, name: str) -> Field:
            return model.__fields__[name]

    return _Fields()


#: With what a declaration of a few lines needs beside them.
__all__ = [
    "Check", "Figure", "Register", "Section", "all_registers", "get_register", "register", "register_of", "rule",
]  # fmt: skip
