"""All problems of all registers, and those that several have together."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from app.kernel.declare.checks import figures, forms, models, rules
from app.kernel.declare.checks.finding import Finding, of_kind
from app.kernel.declare.groups import UNORDERED
from app.kernel.declare.house_lists import house_lists
from app.kernel.declare.register import Register, all_registers, get_register
from app.kernel.kinds import YES_NO

#: What registers name of each other: a module that is left out takes no number and no column along.
_OF_OTHERS = frozenset({"R017", "R032"})
_OF_ONE = (
    forms.sections, forms.names, rules.rules, figures.figures, forms.changes, forms.milestones,
    forms.membership, forms.papers, models.promises,
)  # fmt: skip


def check_all(tables: Collection[str] | None = None, *, whole: bool = True) -> list[Finding]:
    """All problems of all registers. ``tables``: those that migrations make, if that is asked too.
    Where not the ``whole`` program is loaded, without those of a register because another is not
    there.
    """
    found = [
        problem
        for register in all_registers()
        for problem in check(register)
        if whole or problem.id not in _OF_OTHERS
    ]
    names = [r.name for r in all_registers()]
    found += [
        Finding("R001", n, "two registers of one name")
        for n in {x for x in names if names.count(x) > 1}
    ]
    found += _enums()
    found += _orders()
    found += _lists()
    found += [] if tables is None else _tables(tables)
    return found


def check(register: Register) -> Iterator[Finding]:
    """Problems of one register."""
    for problems in _OF_ONE:
        yield from problems(register)


def _lists() -> Iterator[Finding]:
    """A list is a yes/no field of the household."""
    homes = get_register("household")
    for one in house_lists() if homes else ():
        if homes and not of_kind(homes.model.__fields__, one.name, YES_NO):
            yield Finding("R064", "household", f"list {one.name}: no yes/no field of that name")


def _orders() -> Iterator[Finding]:
    """Menus stand in an order that somebody meant: no two registers say the same one."""
    seen: dict[int, str] = {}
    for register in all_registers():
        if register.heading.order == UNORDERED:
            continue
        if (other := seen.setdefault(register.heading.order, register.name)) != register.name:
            yield Finding(
                "R063", register.name, f"order: {register.heading.order} is that of {other}"
            )


def _tables(made: Collection[str]) -> Iterator[Finding]:
    for register in all_registers():
        if (name := register.model.__tablename__) not in made:
            text = f'no migration makes the table {name}: flask db migrate -m "{name}", then flask deploy'
            yield Finding("R059", register.name, text)


def _enums() -> Iterator[Finding]:
    """The texts of an enum are kept under its class's name: no two may share one."""
    seen: dict[str, type] = {}
    for register in all_registers():
        fields = register.model.__fields__.values()
        for made in (one for field in fields for one in (field, *field.rows) if one.choices):
            if seen.setdefault(made.choices.__name__, made.choices) is not made.choices:
                text = f"{made.name}: another enum is called {made.choices.__name__}"
                yield Finding("R052", register.name, text)
