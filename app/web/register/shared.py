"""What the pages of a register share: its routes in parts, and what was said with a step."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from flask import render_template, request
from flask_appbuilder import BaseView

from app.access.actor import Actor, Capability
from app.access.scope import current_actor
from app.core.errors import Forbidden
from app.core.i18n import _, translate
from app.kernel.declare.flow import Transition
from app.kernel.declare.register import Register
from app.kernel.declare.rules import Problem
from app.kernel.lists.query import BESIDE
from app.kernel.records.history import Contact
from app.web.frame import shell
from app.web.register.parsing import contact_of


@dataclass(frozen=True)
class Said:
    """What a person said with a step: who they are, why; what was wrong with it, and which ``step`` it was,
    where the page asks for several.
    """

    contact: Contact
    opinion: str = ""
    reasons: tuple[str, ...] = ()
    problems: Sequence[Problem] = ()
    step: str = ""

    @property
    def context(self) -> dict[str, Any]:
        """As the templates of record and review show it; ``errors`` by the name of the input."""
        errors: dict[str, list[str]] = {}
        for problem in self.problems:
            errors.setdefault(problem.field, []).append(problem.message)
        return {
            "opinion": self.opinion,
            "chosen": [translate(r) for r in self.reasons],
            "contact": {"name": self.contact.person, "phone": self.contact.phone},
            "errors": errors,
            "step": self.step,
        }


class Routes:
    """Some routes of a register's view: methods that are exposed. :mod:`app.web.register_view` makes
    one for each register that has them; ``offered`` are the names of all that this register has.
    """

    render_template: Callable[..., str] = staticmethod(render_template)

    def __init__(self, register: Register, offered: Collection[str] = ()) -> None:
        self.register, self.offered = register, offered

    @classmethod
    def of(cls, _register: Register) -> frozenset[str]:
        """Which of these routes the register has: all."""
        return frozenset(n for n in dir(cls) if hasattr(getattr(cls, n), "_urls"))

    def _menu_url(self, capability: Capability) -> str:
        return menu_url(self.register, capability)

    def _step(self, name: str) -> Transition | None:
        return self.register.flow.get(name) if self.register.flow else None

    def _said(self, name: str, actor: Actor) -> Said:
        """What was posted with the step ``name``; a page that does not ask who means the last one."""
        opinion = request.form.get("opinion", "").strip()
        return Said(contact_of(actor), opinion, self._reasons(name), step=name)

    def _reasons(self, name: str) -> tuple[str, ...]:
        """The ticked reasons in Chinese, as the declaration has them, whatever the page's language."""
        step = self._step(name)
        ticked = set(request.form.getlist("reason"))
        return tuple(r for r in (step.reasons if step else ()) if {r, translate(r)} & ticked)


def conditions(routes: Routes, **_path: Any) -> Iterator[str]:
    """What the address of a list says, and of what is opened from it with its conditions."""
    yield from BESIDE
    yield from routes.register.lists.filters.split()


def adopt(view: BaseView, part: Routes) -> None:
    """Make the routes of ``part`` those of ``view``, which FAB registers under its own name."""
    for name in part.of(part.register):
        setattr(view, name, getattr(part, name))


#: Where a new record is made, below the register's address: its form, or what a module has instead.
NEW = "/new"


def new_url(register: Register) -> str:
    """The address of :data:`NEW`."""
    return f"/{register.name}{NEW}"


def menu_url(register: Register, capability: Capability) -> str:
    """The first list of the register that is for this."""
    found = (m.name for m in register.menus if capability in (m.capability, m.also))
    return f"/{register.name}/{next(found, '')}"


def acting() -> Actor:
    actor = current_actor()
    if actor is None:
        raise Forbidden(_("请先登录。"))
    return actor


def back_to(default: str) -> str:
    return shell.where_from(default)
