"""What a record is one of stands once in the whole nation (``Register.key``). Who enters it again is told
where: in the own area with the way there, elsewhere the county alone (spec 01, exceptions a and f).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import aliased

from app.access.divisions import regions
from app.access.divisions.regions import Region
from app.access.scope import in_scope, joined
from app.core.i18n import _
from app.kernel import hooks
from app.kernel.beyond import duplicates
from app.kernel.declare.register import Register
from app.kernel.declare.rules import Problem
from app.kernel.hook import Having
from app.kernel.records import keys

WHY = "what is there once stands once in the whole country"
#: Of which keys somebody knows already that no record of the register has them (:func:`known_free`).
_free: ContextVar[frozenset[tuple[str, str]]] = ContextVar("free_keys", default=frozenset())


@contextmanager
def known_free(register: Register, free: Collection[str]) -> Iterator[None]:
    """Inside nobody asks whether records of the register have these keys: they were asked for together. Of
    two who write one at the same moment the database refuses the second all the same.
    """
    token = _free.set(_free.get() | {(register.name, key) for key in free})
    try:
        yield
    finally:
        _free.reset(token)


def is_free(register: Register, key: str) -> bool:
    """Is it known already that no record has the key?"""
    return (register.name, key) in _free.get()


@hooks.record_checks.listen(of=Having("key"))
def problems(register: Register, row: Any, values: Mapping[str, Any]) -> Iterator[Problem]:
    """There is another record of that. It stands at the first field of the key."""
    key = keys.of(register, values)
    if key is None or key == row.unique_key or is_free(register, key):
        return
    field, words = register.key.split()[0], _words(register)
    same = register.model.unique_key == key, register.model.id != row.id
    yield from told_of(register, same, Problem(field, f"{field}.there", ""), values[field], words)


def foreign(register: Register, wanted: Collection[str]) -> dict[str, str]:
    """Which of these keys records have: key -> what an import is told of that; one statement."""
    if not wanted:
        return {}
    words = _words(register)
    with joined(WHY) as session:
        query = _others(register).where(register.model.unique_key.in_(wanted))
        found = session.execute(query.add_columns(register.model.unique_key)).all()
    return {
        one.unique_key: _here(words, one.full_name, one.name)
        if in_scope(one.path)
        else words.elsewhere
        for one in found
    }


def told(register: Register, row: Any) -> str:
    """That this record of the own area has the key."""
    region = regions.get(row.region_id)
    place = region.full_name if region is not None else ""
    return _here(_words(register), place, getattr(row, register.name_field))


def _words(register: Register) -> Words:
    said = {"what": register.word, "parts": register.key_label}
    return Words(
        here=_("%(parts)s相同的%(what)s已有一份", **said),
        elsewhere=_("%(parts)s相同的%(what)s在其他地区已有一份。", **said),
        county=lambda name: _("%(parts)s相同的%(what)s在%(place)s已有一份。", place=name, **said),
        way=_("打开该%(what)s", what=register.word),
    )


def _here(words: Words, place: str, name: str) -> str:
    where_and_who = _("%(place)s，%(name)s", place=place, name=name)
    return _("%(what)s：%(where)s。", what=words.here, where=where_and_who)


@cache  # to say it costs more than to ask it
def _others(register: Register) -> Select[Any]:
    model, county = register.model, aliased(Region)
    return (
        select(model.id, model.path, Region.full_name, county.full_name.label("county"))
        .add_columns(getattr(model, register.name_field).label("name"))
        .join(Region, Region.id == model.region_id)
        .join(county, county.id == model.county_id)
    )


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
    with joined(WHY) as session:
        other = session.execute(_others(register).where(*where).limit(1)).first()
    if other is None:
        return
    if in_scope(other.path):
        text = _here(words, other.full_name, other.name)
        url = f"/{register.name}/{other.id}"
        yield replace(problem, message=text, forbids=True, way=words.way, url=url)
        return
    found = duplicates.Found(register.name, str(number), other.id, other.county)
    whole = words.county(other.county)
    text = duplicates.told_elsewhere(found, words.elsewhere, whole)
    yield replace(problem, message=text, forbids=True)
