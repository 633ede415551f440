"""Numbers that a form gives and a record of another register must have (``Field.found_in``).

Who may be named is no secret inside the country, what is known of them is: asked for by the whole
number only, and answered with the record's name alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import select

from app.access.scope import joined
from app.core.db import db
from app.core.i18n import _
from app.kernel import hooks
from app.kernel.declare.field import Field
from app.kernel.declare.register import Register, all_registers, get_register
from app.kernel.declare.rules import Problem
from app.kernel.hook import Having

_MOST = 50


def source_of(made: Field) -> tuple[Register, str] | None:
    """The register, and its field, in which the number is to be found."""
    name, _dot, field = made.found_in.partition(".")
    source = get_register(name)
    return (source, field) if source and field in source.model.__fields__ else None


def name_of(made: Field, number: str) -> str | None:
    """What the record with this number, anywhere, is called; None where there is none."""
    found = source_of(made)
    if found is None:
        return None
    source, field = found
    with joined("who is registered in one county may work in another") as session:
        name = getattr(source.model, source.name_field)
        return session.scalar(select(name).where(getattr(source.model, field) == number).limit(1))


def naming(register: Register, row: Any) -> Iterator[tuple[Register, list[Any]]]:
    """The records of the actor's area, register by register, whose forms name this one by its number;
    the latest first, at most some fifty of each.
    """
    for other in all_registers():
        for name, made in other.fields.items() if other.story.named_with else ():
            source, _dot, field = made.found_in.partition(".")
            if source != register.name or not getattr(row, field):
                continue
            column, model = getattr(other.model, name), other.model
            query = select(model).where(column == getattr(row, field))
            found = db.session.scalars(query.order_by(model.changed_at.desc()).limit(_MOST))
            yield other, list(found)


@hooks.record_checks.listen(of=Having("references"))
def problems(register: Register, row: Any, values: Mapping[str, Any]) -> Iterator[Problem]:
    """Numbers that no record has. What was saved before may stay, whatever became of the record."""
    for name in register.references:
        made = register.fields[name]
        source = source_of(made)
        number = values.get(name)
        if source and number and number != getattr(row, name) and name_of(made, number) is None:
            where = source[0].label
            text = _("“%(where)s”里没有这个号码，请核对，或先在那里登记。", where=where)
            yield Problem(name, f"{name}.unknown", text)
