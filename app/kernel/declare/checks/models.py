"""Does the class that a register's model derives from carry what the declaration promises, and is it for somebody?"""

from __future__ import annotations

from collections.abc import Iterator

from app.access import policy
from app.access.actor import Capability
from app.kernel.declare import feed
from app.kernel.declare.checks.finding import Finding
from app.kernel.declare.register import Register

#: What a review writes into a record; ``Submitted`` brings it.
_OF_REVIEW = ("state", "submitted_by", "submitted_at", "decided_at")


def promises(register: Register) -> Iterator[Finding]:
    """Does the class that the model derives from carry what the declaration promises?"""
    if register.creates is not None and register.of_households:
        text = (
            "creates: a record of a listed household is not made by itself. Derive the model from Record or"
            " NamesHousehold, or leave creates out and say which list it follows (follows=), or what"
            " opens it (continues=)"
        )
        yield Finding("R060", register.name, text)
    review = register.review
    sent_back = register.creates and review and any(s.unreviewed for s in review.flow.transitions)
    if review and review.setting and not sent_back:
        text = (
            "review: where a county wants none, records that users make (creates=) are sent back by a"
            " step that is unreviewed; leave setting out, or take optional_county_review"
        )
        yield Finding("R067", register.name, text)
    yield from _indexes(register)
    yield from _key(register)
    yield from _entry(register)
    yield from _keeps(register)
    missing = [name for name in _OF_REVIEW if not hasattr(register.model, name)]
    if register.flow is not None and missing:
        text = (
            f"review: no {', '.join(missing)}. Derive the model from Reviewed (of records that users make: from"
            " Submitted too), or leave review out"
        )
        yield Finding("R061", register.name, text)
    table = register.progress_table
    if table and not hasattr(register.model, table.told_on or "decided_at"):
        text = (
            f"table {table.name}: progress counts what was decided, and nothing is. Derive the model"
            " from Reviewed and give it a review, or leave progress out"
        )
        yield Finding("R062", register.name, text)


def _indexes(register: Register) -> Iterator[Finding]:
    """Can the API tell what changed?"""
    if register.menus and hasattr(register.model, "changed_at"):
        table = register.model.__table__
        wanted = {str(index.name) for index in feed.indexes(table.name)}
        if missing := wanted - {str(index.name) for index in table.indexes}:
            yield Finding(
                "R008", register.name, f"no index {', '.join(sorted(missing))}: add feed.indexes"
            )


def _entry(register: Register) -> Iterator[Finding]:
    """Who enters it is one who can: roles that there are, each named once, and somebody without a grant."""
    entry = register.entry
    if entry is None:
        return
    named = list(entry.roles)
    for level, kind in dict.fromkeys(named):
        who = f"{level.name.lower()} {kind.value}"
        if (level, kind) not in policy.MATRIX:
            yield Finding("R090", register.name, f"entry: there is no role {who}")
        if named.count((level, kind)) > 1:
            text = f"entry: {who} is named twice: either it enters (by) or it is granted that (on_grant)"
            yield Finding("R090", register.name, text)
    if not entry.by:
        text = "entry: nobody enters without a grant. Name roles (by), or leave entry out"
        yield Finding("R090", register.name, text)
    if not register.entered:
        text = "entry: nobody fills in its form. Leave entry out, or give it sections"
        yield Finding("R090", register.name, text)


def _keeps(register: Register) -> Iterator[Finding]:
    """Can its records be hidden, and be found again?"""
    known = {"hidden_on", "hidden_by", "hidden_why"} <= register.model.__fields__.keys()
    if register.keeps != known:
        text = "keeps: derive the model from Lasting, and say keeps=True; or neither"
        yield Finding("R091", register.name, text)
    if register.keeps and register.creates is None:
        text = "keeps: of records that users make (creates=); others are emptied, and their history stays"
        yield Finding("R091", register.name, text)
    leading = {menu.capability for menu in register.menus if menu.hidden}
    if register.keeps and leading != {Capability.RESTORE}:
        text = "keeps: those who restore have one menu of what is hidden: Menu(…, Capability.RESTORE, rows=r.hidden_on.given)"
        yield Finding("R091", register.name, text)


def _key(register: Register) -> Iterator[Finding]:
    """Can what a record is one of be asked for, and kept by the database?"""
    if not register.key:
        return
    for name in register.key.split():
        if name not in register.fields or not register.fields[name].typed:
            yield Finding("R065", register.name, f"key: {name} is nothing that its form asks for")
    indexes = register.model.__table__.indexes
    if not any(index.unique and index.columns.keys() == ["unique_key"] for index in indexes):
        text = "key: no unique index. Derive the model from Keyed and name unique_key(table) in __table_args__"
        yield Finding("R066", register.name, text)
    if register.creates is None:
        yield Finding("R066", register.name, "key: of records that users make only (creates=)")
