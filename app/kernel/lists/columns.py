"""Which fields a list may show, and which it shows unless its account has chosen others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from app.core.i18n import mark
from app.kernel.declare.field import Field
from app.kernel.declare.register import Register

#: The division of a row stands among its fields; every list has it where it has it by itself.
REGION = "region"
REGION_LABEL = mark("行政区划")
MOST = 20
_REGION_AT = 2


def offered(register: Register) -> Mapping[str, Field]:
    """Every field of a record: what the kernel keeps of it first, then in the order of the form."""
    known = register.model.__fields__
    kept = [name for name in known if name not in register.fields]
    return {name: known[name] for name in (*kept, *register.field_names)}


def declared(register: Register) -> tuple[str, ...]:
    """The columns of a list as it is declared."""
    names = register.lists.ledger.split()
    return (*names[:_REGION_AT], REGION, *names[_REGION_AT:])


def chosen(register: Register, names: Iterable[str] | None) -> tuple[str, ...]:
    """The columns that an account has chosen, in its order; the declared ones where it has not.

    The first is always the head's name, which leads to the record. A field that is gone is left out.
    """
    first, known = register.lists.ledger.split()[0], register.model.__fields__
    if names is None:
        return declared(register)
    wanted = [name for name in names if name != first and (name in known or name == REGION)]
    return tuple(dict.fromkeys((first, *wanted)))[:MOST]
