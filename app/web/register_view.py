"""The view of a register, composed of its routes: lists, record, form, files, review.

A :class:`RegisterView` is made once for each declared register and registered with FAB. Stock list
rendering, forms and actions are replaced (they neither scope nor scale); routing, blueprint and
permission names are FAB's.
"""

from __future__ import annotations

from typing import Any, ClassVar

from flask import redirect
from flask_appbuilder import ModelView, expose

from app.access.actor import Capability
from app.core.errors import Forbidden
from app.core.i18n import _
from app.kernel import hooks
from app.kernel.declare.register import Register
from app.web.crud.registers import RegisterInterface
from app.web.frame.rights import Needs, needs, of_menus, one_of, permissions
from app.web.lists.corrections import CorrectionRoutes
from app.web.lists.papers import PaperRoutes
from app.web.lists.standing import StandingRoutes
from app.web.lists.views import ListRoutes
from app.web.register.batch import BatchRoutes
from app.web.register.drafts import DraftRoutes
from app.web.register.files import FileRoutes
from app.web.register.form import FormRoutes
from app.web.register.new import NewRoutes
from app.web.register.record import RecordRoutes
from app.web.register.renew import RenewalRoutes
from app.web.register.review import ReviewRoutes
from app.web.register.shared import Routes, acting, adopt

#: What the pages of a register are made of; each says which of its routes the register has.
PARTS: tuple[type[Routes], ...] = (
    ListRoutes,
    CorrectionRoutes,
    StandingRoutes,
    RecordRoutes,
    FormRoutes,
    DraftRoutes,
    NewRoutes,
    FileRoutes,
    PaperRoutes,
    RenewalRoutes,
    ReviewRoutes,
    BatchRoutes,
)


class RegisterView(ModelView):
    """See the module. Subclasses carry ``register``, its ``parts`` and what their routes ask for
    (``needs``); :func:`view_of` makes them.
    """

    register: ClassVar[Register]
    parts: ClassVar[tuple[type[Routes], ...]]
    needs: ClassVar[Needs]
    default_view = "entry_point"
    gated: ClassVar[bool] = True  # each route says what it asks for, or is refused at start

    def __init__(self) -> None:
        for part in self.parts:
            adopt(self, part(self.register, self.include_route_methods))
        super().__init__()

    # FAB would make WTForms and filters of every column here; ours come from the declaration, and this
    # is what FAB's tools read of them. That there are no base filters is true: scope is limited below.
    def _init_properties(self) -> None:
        register, fields = self.register, self.register.fields
        typed = [name for name, made in fields.items() if made.typed and register.entered]
        self.label_columns = {name: made.label for name, made in fields.items()}
        self.list_columns = register.lists.ledger.split()
        self.search_columns = register.lists.filters.split()
        self.show_columns = [*fields]
        self.edit_columns = typed
        self.add_columns = typed if register.creates is not None else []
        self.order_columns: list[str] = []
        self.base_filters: list[Any] = []
        self.related_views: list[Any] = []
        self._related_views: list[Any] = []

    def _init_forms(self) -> None:
        pass

    def _init_titles(self) -> None:
        self.title = self.register.title

    @expose("/")
    @one_of(of_menus)
    def entry_point(self) -> Any:
        """The first list that the account may open."""
        actor = acting()
        for menu in self.register.menus:
            if actor.has(Capability(menu.capability), self.register.name):
                return redirect(f"/{self.register.name}/{menu.name}")
        raise Forbidden(_("您的账号没有“%(what)s”的权限。", what=self.register.label))


def view_of(register: Register) -> type[RegisterView]:
    """The view class of one register, with its own address and permission name."""
    added = hooks.register_pages(register)
    parts = [part for part in PARTS if part.of(register)]
    needed = needs(RegisterView, ["entry_point"], register)
    for part in parts:
        needed |= needs(part, part.of(register), register)
    for pages in added:
        needed |= needs(pages.part, pages.routes, register)
        needed = {name: one for name, one in needed.items() if name not in pages.without}
    body = permissions(needed) | {
        "register": register,
        "parts": (*parts, *(pages.part for pages in added)),
        "needs": needed,
        "route_base": f"/{register.name}",
        "datamodel": RegisterInterface(register.model),
        "class_permission_name": register.name,
        "include_route_methods": {*needed},
    }
    return type(f"{register.model.__name__}View", (RegisterView,), body)
