"""Is what a register says of its form, its lists and its pages about fields that there are?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.kernel.declare import choice_lists
from app.kernel.declare.checks.finding import Finding, of_kind
from app.kernel.declare.house_lists import list_names
from app.kernel.declare.register import Register, get_register
from app.kernel.kinds import CHILDREN, DATE, REGION, YES_NO

_LABEL_LENGTH = 40
_IN_ADDRESS = re.compile(r"[a-z][a-z_]{0,31}")
#: What is known of a head who splits off.
_HEAD = {"name", "id_number", "phone"}


def sections(register: Register) -> Iterator[Finding]:
    """Does each field of the model stand in one of them?"""

    def say(code: str, message: str) -> Finding:
        return Finding(code, register.name, message)

    known = register.model.__fields__
    for section in register.sections:
        for name in section.fields:
            if name not in known:
                yield say("R002", f"section {section.title}: unknown field {name}")
            elif known[name].system and register.derived is None:
                yield say("R003", f"section {section.title}: {name} is kept by the kernel")
        for name in section.all_no.split():
            if name not in section.fields:
                yield say(
                    "R004", f"section {section.title}: all_no names {name} of another section"
                )
            elif name in known and not of_kind(known, name, YES_NO):
                yield say("R005", f"section {section.title}: all_no names {name}, no yes/no field")
    placed = [name for section in register.sections for name in section.fields]
    for name in sorted({n for n in placed if placed.count(n) > 1}):
        yield say("R006", f"field {name} stands in two sections")
    if register.sections:
        for name, made in known.items():
            if not made.system and name not in placed:
                yield say("R007", f"field {name} stands in no section")


def _of_form(register: Register) -> dict[str, str]:
    """What names fields of the form, files too."""
    return {
        "save_needs": register.form.save_needs,
        "remember": register.form.remember,
        "named_with": register.story.named_with,
        "renewal": register.renewal.without if register.renewal else "",
    }


def _shown(register: Register) -> dict[str, str]:
    """What names fields that are shown as texts: no files."""
    return {
        "ledger": register.lists.ledger,
        "filters": register.lists.filters,
        "indexed": register.lists.indexed,
        "stands": register.story.stands,
        "summary": register.story.summary,
    }


def names(register: Register) -> Iterator[Finding]:
    known = register.model.__fields__
    of_form, shown = _of_form(register), _shown(register)
    for what, names in (of_form | shown).items():
        for name in names.split():
            if name not in known:
                yield Finding("R010", register.name, f"{what}: unknown field {name}")
            elif what in shown and not known[name].stored:
                yield Finding("R011", register.name, f"{what}: {name} holds files")
    for name in register.lists.indexed.split():
        if name not in register.lists.filters.split():
            yield Finding("R012", register.name, f"indexed: {name} is no filter")
    for name, made in known.items():
        if not made.label or len(made.label) > _LABEL_LENGTH:
            yield Finding("R013", register.name, f"{name}: label missing or too long")
        if made.list_name is not None and made.list_name not in choice_lists.DEFAULTS:
            yield Finding("R014", register.name, f"{name}: unknown list {made.list_name}")
        if made.none and not of_kind(register.fields, made.none.name, YES_NO):
            text = f"{name}: none is {made.none.name}, no yes/no field of its form"
            yield Finding("R068", register.name, text)
        if made.why and (not made.none or made.why.name not in register.fields):
            text = f"{name}: why is {made.why.name}, no field of its form, or there is no none"
            yield Finding("R068", register.name, text)
        if made.taken_on and not of_kind(known, made.taken_on, DATE):
            yield Finding("R016", register.name, f"{name}: taken_on {made.taken_on} is no date")
        if made.found_in:
            source, _dot, field = made.found_in.partition(".")
            other = get_register(source)
            if other is None or field not in other.model.__fields__:
                yield Finding("R017", register.name, f"{name}: nothing is called {made.found_in}")
        for row in made.rows:
            if not row.kind.in_rows:
                yield Finding("R015", register.name, f"{name}: rows cannot hold {row.kind.name}")


def milestones(register: Register) -> Iterator[Finding]:
    for one in register.story.milestones:
        known = register.model.__fields__
        if one.rows:
            known = {row.name: row for row in known[one.rows].rows} if one.rows in known else {}
        if not of_kind(known, one.field, DATE):
            yield Finding("R050", register.name, f"milestone {one.title}: {one.field} is no date")
        for name in one.tells.split():
            if name not in known or not known[name].stored:
                text = f"milestone {one.title}: {name} is no field that says anything"
                yield Finding("R050", register.name, text)


def membership(register: Register) -> Iterator[Finding]:
    told = register.story.membership
    if told is None:
        return
    known = register.model.__fields__
    for name in told.tells.split():
        if name not in known or not known[name].stored:
            yield Finding(
                "R051", register.name, f"membership: {name} is no field that says anything"
            )
    for name in (told.since, told.left):
        if name and not of_kind(known, name, DATE):
            yield Finding("R051", register.name, f"membership: {name} is no date")
    if not register.follows:
        yield Finding("R051", register.name, "membership of no list: follows is missing")


def papers(register: Register) -> Iterator[Finding]:
    """Can each be asked for by its name, and filled from the form?"""
    names = [paper.name for paper in register.papers]
    for paper in register.papers:
        if not _IN_ADDRESS.fullmatch(paper.name) or names.count(paper.name) > 1 or not paper.title:
            text = (
                f"paper {paper.name}: a name of its own in small letters, and a title, are missing"
            )
            yield Finding("R092", register.name, text)
        if not register.sections:
            yield Finding("R092", register.name, f"paper {paper.name}: there is no form to print")
        for name in paper.without.split():
            if name not in register.field_names:
                text = f"paper {paper.name}: {name} stands in no section"
                yield Finding("R093", register.name, text)
        for name in sorted(paper.rows.names() - register.model.__fields__.keys()):
            yield Finding("R022", register.name, f"paper {paper.name}: unknown field {name}")


def changes(register: Register) -> Iterator[Finding]:
    known = register.model.__fields__
    for what, names, kind in (
        ("moves", register.moves, REGION),
        ("splits", register.splits, CHILDREN),
    ):
        if names is None:
            continue
        if (
            any(name not in register.field_names for name in names)
            or not of_kind(known, names.asked, YES_NO)
            or not of_kind(known, names.field, kind)
        ):
            text = f"{what}: not a yes/no field and one of {kind.name}, both in the form"
            yield Finding("R040", register.name, text)
        elif kind == CHILDREN and not {row.name for row in known[names[1]].rows} >= _HEAD:
            yield Finding("R041", register.name, f"{what}: rows need {', '.join(sorted(_HEAD))}")
    if register.follows and register.follows not in list_names():
        yield Finding("R042", register.name, f"follows: no list {register.follows}")
    conditions = {"listed": register.listed}
    if register.review:
        conditions["builds"] = register.review.builds
    if register.frozen:
        conditions["frozen"] = register.frozen.where
    for where, condition in conditions.items():
        for name in sorted(condition.names() - known.keys()):
            yield Finding("R022", register.name, f"{where}: unknown field {name}")
