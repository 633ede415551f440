"""FAB's own pages of roles, rights and users, inside our rules: the ministry's manager reads and changes
roles, every manager reads who has which role in the own area. Accounts are changed under /accounts alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any

from flask import redirect
from flask_appbuilder.actions import action
from flask_appbuilder.forms import DynamicForm
from flask_appbuilder.security.sqla.models import PermissionView, Role
from flask_appbuilder.security.views import (
    PermissionViewModelView,
    RoleModelView,
    UserDBModelView,
)
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload
from werkzeug import Response

from app.access import roles
from app.access.account import Account
from app.access.actor import SYSTEM, Capability
from app.access.divisions.regions import Level, in_subtree
from app.admin.accounts import role_rights
from app.admin.accounts.role_rights import FIELD
from app.core.db import db
from app.core.i18n import _, lazy, translate
from app.kernel.households.audit_words import action_label, register_title, right_label
from app.web.crud import ModelView, SQLAInterface
from app.web.crud.fields import CrudField
from app.web.crud.interface import RelatedInterface
from app.web.crud.seen import SeenField

_SETTINGS, _USERS = Capability.SETTINGS.value, Capability.MANAGE_USERS.value
_ORDER = {capability.value: place for place, capability in enumerate(Capability)}


def _name(pair: PermissionView) -> str:
    return f"{pair.permission.name}:{pair.view_menu.name}"


def _subject(right: str) -> str:
    """What the right is about; system first."""
    subject = right.partition(":")[2]
    return "" if subject == SYSTEM else subject


def _in_order(right: str) -> tuple[int, str]:
    name = right.partition(":")[0].removeprefix("can_")
    return _ORDER.get(name, len(_ORDER)), _subject(right)


def _words(pairs: Sequence[PermissionView]) -> str:
    return _("；").join(map(right_label, sorted(map(_name, pairs), key=_in_order)))


class RightsField(CrudField):
    """The rights of a role, as FAB names them, subject by subject. What the role may ever have is offered,
    and what it has.
    """

    kind = "many"
    may_ever: frozenset[str] | set[str] = frozenset()
    held: frozenset[str] = frozenset()

    def process_data(self, value: Any) -> None:
        self.data = self.held = frozenset(_name(pair) for pair in value or ())

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = frozenset(valuelist)

    def shown(self) -> dict[str, Any]:
        offered = sorted(sorted(self.may_ever | self.held, key=_in_order), key=_subject)
        return {
            "value": sorted(self.data),
            "groups": [
                {
                    "label": register_title(subject or SYSTEM),
                    "options": [_option(r) for r in rights],
                }
                for subject, rights in groupby(offered, key=_subject)
            ],
        }


def _option(right: str) -> dict[str, str]:
    return {"value": right, "label": action_label(right.partition(":")[0])}


class RoleForm(DynamicForm):
    """What a role may do."""

    permissions = RightsField(lazy("权限"))
    seen = SeenField()

    def process(self, formdata: Any = None, obj: Any = None, *args: Any, **kwargs: Any) -> None:
        super().process(formdata, obj, *args, **kwargs)
        if obj is not None:
            known = roles.ceilings(role_rights.registers())
            self.permissions.may_ever = known.get(obj.name, set())
            self.permissions.label.text = _(
                "%(what)s（%(where)s）", what=_("权限"), where=translate(obj.name)
            )


Words = Mapping[str, Callable[[Any], str]]


class _Named(RelatedInterface):
    """Rows that are chosen by what they are called in the user's language."""

    def __init__(self, obj: Any, words: Callable[[Any], str]) -> None:
        super().__init__(obj)
        self.words = words

    def named(self, row: Any) -> str:
        return self.words(row)


class InWords(SQLAInterface):
    """``words``: relation -> what its rows are called."""

    def __init__(self, obj: Any, words: Words, **kwargs: Any) -> None:
        super().__init__(obj, **kwargs)
        self.words = words

    def related(self, col: str) -> RelatedInterface:
        if col in self.words:
            return _Named(self.get_related_model(col), self.words[col])
        return super().related(col)


class RoleInterface(SQLAInterface):
    """Roles with their rights; the action that changes one locks them all, in their order."""

    locks = False

    def __init__(self) -> None:
        super().__init__(Role, everybody=True)


class RolesView(ModelView, RoleModelView):
    """``/roles``: for the ministry's manager."""

    datamodel = RoleInterface()
    route_base = "/roles"
    class_permission_name = SYSTEM
    level = Level.NATION
    include_route_methods = frozenset({"list", "show", "edit", "action"})
    method_permission_name: Mapping[str, str] = dict.fromkeys(
        ("list", "show", "edit", "action", "put_back"), _SETTINGS
    )
    list_title = show_title = lazy("角色")
    edit_title = lazy("修改角色的权限")
    edit_row_message = lazy("已保存。有这个角色的账号下一次操作时生效。")
    label_columns: Mapping[str, Any] = {"name": lazy("名称"), FIELD: lazy("权限")}
    list_columns: Sequence[str] = ["name"]
    show_columns: Sequence[str] = ["name", FIELD]
    edit_columns: Sequence[str] = [FIELD]
    add_columns: Sequence[str] = ["name"]
    search_columns: Sequence[str] = ["name"]
    order_columns: Sequence[str] = ["name"]
    open_models = ("PermissionView",)
    formatters_columns: Mapping[str, Any] = {"name": translate, FIELD: _words}
    edit_form = RoleForm
    list_widget, show_widget = ModelView.list_widget, ModelView.show_widget
    copy_role: Any = None  # roles are those of levels, kinds and duties

    def _row(self, pk: str) -> Any:
        item = super()._row(pk)
        query = select(Role).where(Role.id == item.id).options(
            selectinload(Role.permissions).options(
                joinedload(PermissionView.permission), joinedload(PermissionView.view_menu)
            )
        )  # fmt: skip
        return db.session.scalars(query.execution_options(populate_existing=True)).one()

    def prefill_form(self, form: Any, pk: Any) -> None:
        form.seen.data = role_rights.fingerprint(form.permissions.data)

    def _save(self, item: Any, form: Any) -> None:
        """By the action that asks, locks and tells."""
        held, wanted = form.permissions.held, form.permissions.data
        role_rights.change(item.name, wanted - held, held - wanted, form.seen.data)
        db.session.expire(item)

    @action("put_back", lazy("恢复为规定权限"), lazy("该角色的权限将恢复为规定的权限，改动全部取消。"),
            multiple=False)  # fmt: skip
    def put_back(self, item: Any) -> Response:
        """The role as the matrix says."""
        role_rights.put_back(item.name, role_rights.fingerprint(set(map(_name, item.permissions))))
        db.session.expire(item)
        return redirect(f"{self.route_base}/show/{item.id}")


_WORDS_OF_RIGHTS: Words = {
    "permission": lambda one: action_label(one.name),
    "view_menu": lambda one: register_title(one.name),
}


class RightsView(ModelView, PermissionViewModelView):
    """``/rights``: every right that there is."""

    datamodel = InWords(PermissionView, _WORDS_OF_RIGHTS, everybody=True)
    route_base = "/rights"
    class_permission_name = SYSTEM
    level = Level.NATION
    include_route_methods = frozenset({"list"})
    method_permission_name: Mapping[str, str] = {"list": _SETTINGS}
    list_title = lazy("权限")
    label_columns: Mapping[str, Any] = {"permission": lazy("权限"), "view_menu": lazy("对象")}
    list_columns: Sequence[str] = ["permission", "view_menu"]
    search_columns: Sequence[str] = ["permission", "view_menu"]
    add_columns = edit_columns = show_columns = (
        search_columns  # which no page has; FAB would take all
    )
    order_columns: Sequence[str] = ["id"]
    open_models = ("Permission", "ViewMenu")
    formatters_columns: Mapping[str, Any] = _WORDS_OF_RIGHTS


_NAMES_OF_ROLES: Words = {"roles": lambda one: translate(one.name)}


class UsersView(ModelView, UserDBModelView):
    """``/users``: the accounts of the own area with their roles, to be read."""

    datamodel = InWords(
        Account, _NAMES_OF_ROLES, within=lambda actor: in_subtree(Account.path, actor.path)
    )
    route_base = "/users"
    class_permission_name = SYSTEM
    include_route_methods = frozenset({"list", "show"})
    method_permission_name: Mapping[str, str] = dict.fromkeys(("list", "show"), _USERS)
    list_title = show_title = lazy("用户与角色")
    base_order = ("path", "asc")  # as the index has them
    label_columns: Mapping[str, Any] = {
        "username": lazy("账号"), "first_name": lazy("名称"), "roles": lazy("角色"),
        "active": lazy("正常"), "last_login": lazy("最近登录"),
    }  # fmt: skip
    list_columns: Sequence[str] = ["username", "first_name", "roles", "active"]
    show_columns: Sequence[str] = ["username", "first_name", "roles", "active", "last_login"]
    show_fieldsets: Any = None
    search_columns: Sequence[str] = ["username", "first_name", "roles", "active"]
    add_columns = edit_columns = search_columns  # which no page has; FAB would take all
    order_columns: Sequence[str] = ["username", "first_name"]
    open_models = ("Role",)
    add_form_extra_fields: Mapping[str, Any] = {}
    validators_columns: Mapping[str, Any] = {}
    description_columns: Mapping[str, Any] = {}
    formatters_columns: Mapping[str, Any] = {
        "roles": lambda held: _("、").join(translate(role.name) for role in held)
    }
    userinfo: Any = None
    userinfoedit: Any = None
    resetmypassword: Any = None
    resetpasswords: Any = None


def register(builder: Any) -> None:
    """Put them into the menu of the system."""
    builder.add_view(RolesView, "roles", label=lazy("角色"), category=SYSTEM)
    builder.add_view(RightsView, "rights", label=lazy("权限"), category=SYSTEM)
    builder.add_view(UsersView, "users", label=lazy("用户与角色"), category=SYSTEM)
