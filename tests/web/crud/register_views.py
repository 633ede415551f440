"""Views and an API that FAB generates over registers, for the program of these tests."""

from __future__ import annotations

from typing import Any

from flask import redirect
from flask_appbuilder import AppBuilder
from flask_appbuilder.actions import action

from app.kernel.declare.flow import State
from app.modules.craftsmen.model import Craftsman
from app.modules.surveys.lookback.model import Lookback
from app.web.crud import ModelRestApi, ModelView, RegisterInterface

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
    builder.add_api(CraftsmenApi)
