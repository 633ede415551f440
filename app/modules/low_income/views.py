"""What the list of low-income households adds to the pages: who joins and leaves it, its import."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask_appbuilder import BaseView

from app.access.actor import Actor
from app.kernel import hooks
from app.kernel.declare.register import Register
from app.kernel.hooks import Beside, Pages
from app.modules.low_income import pages as object_views
from app.modules.low_income.fields import Listed
from app.modules.low_income.import_views import ObjectImportView


@hooks.views.listen(order=10)
def views() -> tuple[type[BaseView], ...]:
    """The list of the civil affairs authorities, in."""
    return (ObjectImportView,)


@hooks.register_pages.listen(of=Listed)
def register_pages(_register: Register) -> Iterator[Pages]:
    """Who is on the list leaves it; nothing is cleared."""
    yield Pages(object_views.ObjectRoutes, object_views.ROUTES, without=frozenset({"clear"}))


@hooks.record_parts.listen(of=Listed, order=20)
def beside(register: Register, row: Any, actor: Actor) -> Iterator[Beside]:
    """Since when, the members, and what may be done."""
    yield object_views.beside(register, row, actor)
