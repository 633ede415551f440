"""Views and an API that FAB generates over registers, for the program of these tests."""

from __future__ import annotations

import uuid
from typing import Any

from flask import redirect
from flask_appbuilder import AppBuilder
from flask_appbuilder.actions import action
from sqlalchemy import ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.access.scope import Scoped
from app.core.db import Model
from app.kernel.declare.flow import State
from app.kernel.rows.household import Household
from app.modules.craftsmen.model import Craftsman
from app.modules.surveys.lookback.model import Lookback
from app.web.crud import ModelRestApi, ModelView, RegisterInterface, SQLAInterface

_MARK = "改去建档"


class Craftsmen(ModelView):
    """Owned: who entered one manages it."""

    datamodel = RegisterInterface(Craftsman)
    route_base = "/plain_craftsmen"
    list_columns = ("name", "id_number", "region_id", "lead")

    @action("hand_over", "转给他人", "确定？")
    def hand_over(self, items: Any) -> Any:
        """What only the register's own actions may do."""
        for item in items if isinstance(items, list) else [items]:
            item.entered_name = "另一个人"
            self.datamodel.edit(item)
        return redirect(self.get_redirect())

    @action("rename", "改名", "确定？")
    def rename(self, items: Any) -> Any:
        """A field of its form, so that it is saved as by the form."""
        for item in items if isinstance(items, list) else [items]:
            item.notes = "同一次操作"
            self.datamodel.edit(item)
        return redirect(self.get_redirect())


class Lookbacks(ModelView):
    """Reviewed: what waits or is approved is not changed."""

    datamodel = RegisterInterface(Lookback)
    route_base = "/plain_lookbacks"
    list_columns = ("head_name", "head_id", "grade", "state")
    edit_columns = ("sex", "population", "phone", "village_group")

    def pre_update(self, item: Any) -> None:
        if item.village_group == _MARK:
            item.state = State.APPROVED

    @action("approve", "审核通过", "确定？")
    def approve(self, items: Any) -> Any:
        """It sets the column and tells nobody."""
        for item in items if isinstance(items, list) else [items]:
            item.state = State.APPROVED
        return redirect(self.get_redirect())


class Visit(Scoped, Model):
    """A plain table beside a register: what it tells of a household is masked as there."""

    __tablename__ = "visit"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    told: Mapped[str] = mapped_column(String(20), nullable=False)
    household_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("household.id"), nullable=False)
    household: Mapped[Household] = relationship(Household)

    def __str__(self) -> str:
        return self.told


MODELS = (Visit,)
_OF_VISITS = ("told", "household.head_name", "household.head_id")


class Visits(ModelView):
    datamodel = SQLAInterface(Visit)
    class_permission_name = "visit"
    route_base = "/visits"
    list_columns = show_columns = _OF_VISITS
    add_columns = edit_columns = search_columns = ("told",)


class VisitsApi(ModelRestApi):
    datamodel = SQLAInterface(Visit)
    class_permission_name = resource_name = "visit"
    list_columns = show_columns = ("id", *_OF_VISITS)
    add_columns = edit_columns = search_columns = ("told",)


class CraftsmenApi(ModelRestApi):
    """The same over REST."""

    datamodel = RegisterInterface(Craftsman)
    resource_name = "plain_craftsmen"
    list_columns = ("name", "id_number", "lead")
    show_columns = ("name", "id_number", "phone", "lead", "qualified")
    add_columns = edit_columns = ("region_id", "name", "id_number", "phone", "lead", "qualified")


def register(builder: AppBuilder) -> None:
    """Add them to the program."""
    builder.add_view(Craftsmen, "工匠（通用）", category="通用")
    builder.add_view(Lookbacks, "回头看（通用）", category="通用")
    builder.add_view(Visits, "走访", category="通用")
    for api in (CraftsmenApi, VisitsApi):
        builder.add_api(api)
