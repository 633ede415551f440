"""What parcels add to the pages: choosing one on a map, and two imports of what others know."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask_appbuilder import BaseView

from app.access.actor import Actor
from app.kernel import hooks
from app.kernel.declare.register import Register
from app.kernel.hooks import Beside, Pages, Panel
from app.modules.homes.house import House
from app.modules.house_map.import_views import ParcelImportView, PriorImportView
from app.modules.house_map.parcels import views as parcel_views


@hooks.views.listen(order=20)
def views() -> tuple[type[BaseView], ...]:
    """图斑 and 以往信息, in."""
    return ParcelImportView, PriorImportView


@hooks.register_pages.listen(of=House)
def register_pages(_register: Register) -> Iterator[Pages]:
    """A house is one of the map's."""
    yield Pages(parcel_views.ParcelRoutes, parcel_views.ROUTES)


@hooks.record_parts.listen(of=House, order=10)
def beside(register: Register, row: Any, actor: Actor) -> Iterator[Beside]:
    """Who else chose its parcel, and the way to clear it."""
    actions = parcel_views.drop_action(register, row, actor)
    yield Beside(parcel_views.notices(row), actions)


@hooks.form_panels.listen(of=House)
def panels(register: Register, row: Any) -> Iterator[Panel]:
    """The dialog with the map."""
    if panel := parcel_views.chooser(register, row):
        yield Panel("house_map/_parcels.html", panel)
