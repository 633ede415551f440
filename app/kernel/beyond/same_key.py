"""What a record is one of stands once in the whole nation (``Register.key``). Who enters it again is told
where: in the own area with the way there, elsewhere the county alone (spec 01, exceptions a and f).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import aliased

from app.access.divisions.regions import Region
from app.access.scope import in_scope, joined
from app.core.i18n import _, translate
from app.kernel import hooks
from app.kernel.beyond import duplicates
from app.kernel.declare.register import Register
from app.kernel.declare.rules import Problem
from app.kernel.hook import Having
from app.kernel.records import keys


@hooks.record_checks.listen(of=Having("key"))
def problems(register: Register, row: Any, values: Mapping[str, Any]) -> Iterator[Problem]:
    """There is another record of that. It stands at the first field of the key."""
    key = keys.of(register, values)
    if key is None or key == row.unique_key:
        return
    field = register.key.split()[0]
    said = {
        "what": register.word,
        "parts": _("、").join(translate(register.fields[n].label) for n in register.key.split()),
    }
    words = Words(
        here=_("%(parts)s相同的%(what)s已有一份", **said),
        elsewhere=_("%(parts)s相同的%(what)s在其他地区已有一份。", **said),
        county=lambda name: _("%(parts)s相同的%(what)s在%(place)s已有一份。", place=name, **said),
        way=_("打开该%(what)s", what=register.word),
    )
    same = register.model.unique_key == key, register.model.id != row.id
    yield from told_of(register, same, Problem(field, f"{field}.there", ""), values[field], words)


@dataclass(frozen=True)
class Words:
    """What is said of another record: in the own area, elsewhere, there by the ``county``; the word of the way."""

    here: str
    elsewhere: str
    county: Callable[[str], str]
    way: str


def told_of(
    register: Register, where: Sequence[Any], problem: Problem, number: Any, words: Words
) -> Iterator[Problem]:
    """The problem, where there is such a record of the register, with what the actor may learn of it."""
    model, county = register.model, aliased(Region)
    with joined("what is there once stands once in the whole country") as session:
        other = session.execute(
            select(model.id, model.path, Region.full_name, county.full_name.label("county"))
            .add_columns(getattr(model, register.name_field).label("name"))
            .join(Region, Region.id == model.region_id)
            .join(county, county.id == model.county_id)
            .where(*where)
            .limit(1)
        ).first()
    if other is None:
        return
    if in_scope(other.path):
        where_and_who = _("%(place)s，%(name)s", place=other.full_name, name=other.name)
        text = _("%(what)s：%(where)s。", what=words.here, where=where_and_who)
        url = f"/{register.name}/{other.id}"
        yield replace(problem, message=text, forbids=True, way=words.way, url=url)
        return
    found = duplicates.Found(register.name, str(number), other.id, other.county)
    whole = words.county(other.county)
    text = duplicates.told_elsewhere(found, words.elsewhere, whole)
    yield replace(problem, message=text, forbids=True)
