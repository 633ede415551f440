"""负责人与责任人名单: read downwards, kept by each division's own manager.

The list is a view that Flask-AppBuilder generates: over a line of two persons for each division, which is
written by the action that keeps the list and tells the level above.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import redirect
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import permission_name
from werkzeug import Response

from app.access.accounts.officers import FIELDS, PHONES, Post
from app.access.actor import SYSTEM, Capability
from app.access.divisions.regions import Level, in_subtree
from app.access.scope import current_actor
from app.admin.accounts import officers
from app.admin.accounts.officers import Line, column
from app.core.i18n import lazy
from app.kernel.kinds.formats import mask_phone
from app.web.crud import ModelView, SQLAInterface
from app.web.crud.views import names_of_list
from app.web.frame.addresses import takes

BASE = "/officers"
_PERSONS = [column(post, name) for post in Post for name in FIELDS]

_BY_POST = [(lazy(p.zh), {"fields": [column(p, name) for name in FIELDS]}) for p in Post]


def _label(post: Post, label: str) -> Any:
    return lazy("%(post)s%(label)s", post=lazy(post.zh), label=lazy(label))


class LineInterface(SQLAInterface):
    """The lines of the own area; what a form changes in one goes through the action, which locks them."""

    locks = False

    def __init__(self) -> None:
        super().__init__(Line, within=lambda actor: in_subtree(Line.path, actor.path))

    def is_division(self, col: str) -> bool:
        return col == "region_id"

    def is_nullable(self, col_name: str) -> bool:
        """Both persons may be unknown; what a named one must say the action knows."""
        return True

    def edit(self, item: Any, commit: bool = True) -> None:
        said = {post: {n: getattr(item, column(post, n)) or "" for n in FIELDS} for post in Post}
        self.session.expunge(item)
        officers.save(item.region_id, said)


class OfficersView(ModelView):
    """``/officers``: the divisions of the own area down to the county."""

    datamodel = LineInterface()
    route_base = BASE
    class_permission_name = SYSTEM
    audit_name = officers.SUBJECT
    method_permission_name = dict.fromkeys(
        ("list", "show", "reveal", "edit", "of_division"), Capability.MANAGE_USERS.value
    )
    exclude_route_methods = frozenset({"add", "delete"})
    list_title = lazy("负责人与责任人名单")
    edit_title = lazy("填写本级名单")
    edit_row_message = lazy("已保存，并已告知上一级。")
    base_order = ("path", "asc")
    label_columns: Mapping[str, Any] = {
        "region_id": lazy("地区"), "full_name": lazy("地区"), "level": lazy("级别"), "complete": lazy("两人都已填写"),
        **{column(post, n): _label(post, label) for post in Post for n, (label, _m) in FIELDS.items()},
    }  # fmt: skip
    list_columns: Sequence[str] = [
        "full_name", "level", "leader_name", "leader_mobile", "operator_name", "operator_mobile",
        "complete",
    ]  # fmt: skip
    order_columns: Sequence[str] = ["leader_name", "operator_name"]
    export_columns: Sequence[str] = ["full_name", "level", *_PERSONS]
    show_fieldsets = edit_fieldsets = _BY_POST
    description_columns: Mapping[str, Any] = {
        column(Post.LEADER, "name"): lazy("原则上由村镇处（科）主要领导担任。"),
        column(Post.OPERATOR, "name"): lazy("由具体负责此项工作的同志担任。"),
    }
    search_columns: Sequence[str] = ["region_id", "leader_name", "operator_name", "complete"]
    masked_columns: Mapping[str, Any] = {
        column(post, name): mask_phone for post in Post for name in PHONES
    }
    formatters_columns: Mapping[str, Any] = {"level": lambda level: Level(level).label}

    @expose("/")
    @takes(names_of_list)
    @permission_name("list")
    def list(self) -> Any:
        return super().list()

    @expose("/<int:region_id>")
    @permission_name("show")
    def of_division(self, region_id: int) -> Response:
        """Where notices led before the list was generated."""
        return redirect(f"{BASE}/show/{self._row(str(region_id)).region_id}")

    def allows_row(self, method: str, pk: Any) -> bool:
        actor = current_actor()
        own = actor is not None and pk == actor.region_id
        return super().allows_row(method, pk) and (own or method != "edit")
