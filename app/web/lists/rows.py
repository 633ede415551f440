"""The rows of a register's list: their columns, and what the account may do with each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from flask import request

from app.access.actor import Actor, Capability
from app.access.divisions.regions import Level, Region
from app.core.i18n import _, translate
from app.kernel.declare import stages
from app.kernel.declare.field import Field
from app.kernel.declare.flow import Deciding, State
from app.kernel.declare.groups import Menu
from app.kernel.declare.register import Register
from app.kernel.lists.columns import REGION, REGION_LABEL
from app.kernel.lists.ledger import Page
from app.kernel.records import owners
from app.kernel.records import save as records
from app.web.frame import neighbours
from app.web.frame.listing import Action, Cell, Column, Row, cells
from app.web.lists import papers
from app.web.register import review_parts
from app.web.register.show import TONES


def columns(
    register: Register, names: Sequence[str], own: Region, rows: Sequence[Any]
) -> list[Column[Any]]:
    """Divisions are named from the account's ``own`` downwards; what ``rows`` have beside the fields of
    the list is known of the first of them.
    """
    said_at = _said_at(rows)
    found = [_column(register, name, own, said_at) for name in names]
    if rows and hasattr(rows[0], "former_head"):
        found[0] = replace(found[0], value=partial(_former_head, found[0].value))
    return found


def _column(
    register: Register, name: str, own: Region, said_at: Callable[[Any], Any]
) -> Column[Any]:
    if name == REGION:
        return Column(name, _(REGION_LABEL), partial(_place, own), "region")
    made = register.model.__fields__[name]
    label, kind = translate(made.label), "id" if made.masked else "text"

    def shown(row: Any) -> str:
        return made.listed(getattr(row, name), said_at(row))

    if name == "state":
        return Column(name, label, lambda row: Cell(shown(row), tone=TONES[row.state]), "tag")
    if made.source_list:
        return Column(name, label, _choices(made, said_at), kind)
    if (cell := made.kind.cell) != kind and not made.masked:
        return Column(name, label, lambda row: Cell(shown(row), cell), kind)
    return Column(name, label, shown, kind)


def _said_at(rows: Sequence[Any]) -> Callable[[Any], Any]:
    """When it was said what a row says; only read where a choice of the list has had another text,
    see Ledger.
    """
    names = [n for n in ("submitted_at", "changed_at") if rows and hasattr(rows[0], n)]
    return lambda row: next((at for name in names if (at := getattr(row, name))), None)


def _choices(made: Field, said_at: Callable[[Any], Any]) -> Callable[[Any], str]:
    """Rows have few choices between them: what each is called is asked once."""
    texts: dict[tuple[Any, Any], str] = {}

    def text(row: Any) -> str:
        key = getattr(row, made.name), said_at(row)
        found = texts.get(key)
        if found is None:
            found = texts[key] = made.listed(*key)
        return found

    return text


def _former_head(value: Callable[[Any], Cell | str | None], row: Any) -> Cell | str | None:
    """What the first column says; where another person was the head before, with that name below."""
    said = value(row)
    if not row.former_head:
        return said
    text = said.text if isinstance(said, Cell) else said
    return Cell(text, sub=_("原户主 %(name)s", name=row.former_head))


def _place(own: Region, row: Any) -> Cell:
    whole = own.level == Level.NATION
    place = row.region_full_name if whole else row.region_full_name.removeprefix(own.full_name)
    unplaced = _("未指定行政村") if row.region_level < Level.VILLAGE else None
    return Cell(place or own.name, sub=unplaced)


def rows(
    register: Register,
    menu: Menu,
    page: Page,
    columns: Sequence[Column[Any]],
    actor: Actor,
    asked: str,
) -> list[Row]:
    """``asked``: the conditions of the list, for the pages of its records."""
    doing = _Doing(register, menu, actor, page)
    on = neighbours.way(menu, asked, page.count)
    return [
        Row(
            str(row.id),
            f"/{register.name}/{row.id}{on}{position}",
            cells(columns, row),
            doing.with_row(row, f"{on}{position}"),
            selectable=doing.ticks(row),
        )
        for position, row in enumerate(page.rows, page.first)
    ]


class _Doing:
    """What the account may do with the rows of a page."""

    def __init__(self, register: Register, menu: Menu, actor: Actor, page: Page) -> None:
        self.register, self.menu = register, menu
        self.enters = menu.enters(actor, register.name)
        asked = Capability.ENTER if self.enters else Capability(menu.capability)
        self.areas = actor.areas(asked, register.name)
        self.review = review(register, menu)
        self.queue = review_parts.tail(request.args) if self.review else ""
        self.prints = bulk(register, menu, actor) is not None
        self.kept = None
        if register.owned and self.enters:
            entered_by = [row.entered_by for row in page.rows]
            self.kept = owners.kept_by(register, entered_by, actor)
        self.see, self.word = _("查看"), translate(menu.action)

    def ticks(self, row: Any) -> bool:
        """For what the list does with several rows at once."""
        return self.waits(row) if self.review is not None else self.prints

    def waits(self, row: Any) -> bool:
        """For the decision that begins at this list."""
        return self.review is not None and row.state == self.review.state

    def with_row(self, row: Any, there: str) -> list[Action]:
        """``there``: its place in the list, for its pages."""
        here = row.path.startswith(self.areas)
        url = f"/{self.register.name}/{row.id}"
        actions = self._usual(row, url, there, here=here)
        if self.enters and here:
            actions += [
                Action(translate(told), f"{url}/{page}" if page else url)
                for page, told in self.menu.more.items()
            ]
        return actions

    def _usual(self, row: Any, url: str, there: str, *, here: bool) -> list[Action]:
        """What the list is for, and a look at the row."""
        see = Action(self.see, url + there)
        renewal = self.register.renewal
        if renewal and row.state not in (State.MISSING, State.APPROVED):
            renewal = None
        if self.menu.page and here:
            return [Action(self.word, f"{url}/{self.menu.page}", primary=True), see]
        if self.enters and here and self._open(row):  # its form shows all that there is to see
            word = renewal.label if renewal else self.word
            return [Action(word, f"{url}/edit{there}", primary=True)]
        if self.enters and here and renewal:
            return [Action(renewal.label, f"{url}/renew", primary=True, post=True), see]
        if self.waits(row):
            return [Action(self.word, f"{url}/review{self.queue}", primary=True), see]
        return [see]

    def _open(self, row: Any) -> bool:
        """For the account, to be filled in; what asks to move waits for that."""
        mine = self.kept is None or row.entered_by in self.kept
        asks = records.asks_to_move(self.register, row)
        return stages.is_open(self.register, row) and mine and not asks


def bulk(register: Register, menu: Menu, actor: Actor) -> dict[str, Any] | None:
    """What may be done with several rows at once: their review, else their printing."""
    made = review(register, menu)
    if made is None:
        return None if menu.hidden else papers.of_ticked(register, actor)
    action = {"name": made.approve, "label": _("查看所选并审核"), "primary": True}
    return {"action_url": f"/{register.name}/batch/{made.approve}", "actions": [action]}


def review(register: Register, menu: Menu) -> Deciding | None:
    """The review that begins at this list, or None."""
    return register.flow.review_by(menu.capability) if register.flow else None
