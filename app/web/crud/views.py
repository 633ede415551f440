"""FAB's ModelView over :class:`ScopedInterface`: FAB generates it, our frame shows it, the policy is asked.

What an account may do in a view is a line of the matrix of roles: FAB's methods are mapped to
capabilities (:data:`METHODS`), on the view's ``class_permission_name``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from flask import flash, g, redirect, request, url_for
from flask_appbuilder import ModelView, expose
from flask_appbuilder.security.decorators import permission_name
from flask_appbuilder.urltools import get_filter_args
from werkzeug import Response

from app.access import policy
from app.access.actor import SYSTEM, Capability
from app.access.audit import log as audit
from app.core.errors import AnjuError, BadInput, Conflict, Forbidden, Invalid, NotFound
from app.core.i18n import _, lazy
from app.kernel.beyond import reveal as personal
from app.kernel.declare.rules import Problem
from app.kernel.lists.ledger import SIZES
from app.web.crud import exporting, listing, seen
from app.web.crud.fields import RelationField, told
from app.web.crud.forms import FormConverter
from app.web.crud.gate import Gated, given
from app.web.crud.interface import Mask, ScopedInterface, Unplaced
from app.web.crud.written import Placed
from app.web.frame import shell
from app.web.frame.addresses import takes
from app.web.frame.clicks import once

#: FAB's method -> our capability.
METHODS = {
    "list": "search", "show": "search", "offered": "search", "reveal": "search",
    "add": "enter", "edit": "enter", "delete": "enter",
    "action": "enter", "action_post": "enter", "export": "export",
}  # fmt: skip
#: What one does with ticked rows at once: a page of them.
MOST_AT_ONCE = 100
_SEEN = "seen"  # a form's digest of the row as it was shown
_REDIRECTS = range(300, 400)


def names_of_list(view: CrudView, **_path: Any) -> Iterator[str]:
    """What the address of a view's list takes."""
    return iter(view.list_names)


def _add_names(view: CrudView, **_path: Any) -> Iterator[str]:
    return iter(view.add_names)


class CrudView(Gated, ModelView):
    """For FAB's own views too: ``class RolesView(CrudView, RoleModelView)``."""

    datamodel: ScopedInterface
    # FAB's, told to the type checker
    exclude_route_methods: Collection[str] = ()
    label_columns: Any = None
    base_order: Any = None
    order_columns: Any = None
    list_title: Any = ""
    add_title: Any = ""
    edit_title: Any = ""
    show_title: Any = ""
    search_form: Any = None
    page_size = SIZES[0]
    method_permission_name: Mapping[str, str] = {}
    #: column -> how it is masked in lists, pages and forms; whole on a click that the audit log keeps.
    masked_columns: Mapping[str, Mask] = {}
    #: What the audit log calls the rows, where that is not what the policy is asked about.
    audit_name = ""
    #: What exports hold, where that is more than the list shows.
    export_columns: Sequence[str] = ()
    #: What exports are mostly for; a reason may be typed as well.
    export_reasons: tuple[object, ...] = (lazy("工作联系"), lazy("上级要求报送"))
    add_row_message, edit_row_message = lazy("已新增。"), lazy("已保存。")
    delete_row_message = lazy("已删除。")
    base_permissions: Any = None  # FAB's own views name theirs from before the mapping

    # ---- made once --------------------------------------------------------------------------
    def __init__(self, **kwargs: Any) -> None:
        if not isinstance(self.datamodel, ScopedInterface):
            raise Unplaced(f"{type(self).__name__}: take SQLAInterface from app.web.crud")
        self.class_permission_name = self.datamodel.subject_of(self.class_permission_name)
        self.masked_columns = {**self.datamodel.masks, **self.masked_columns}
        self.datamodel.mask(self.masked_columns)
        self.exclude_route_methods = {*self.exclude_route_methods, *self._useless()}
        usual = dict(self.usual_capabilities(METHODS))
        self.method_permission_name = usual | dict(self.method_permission_name)
        super().__init__(**kwargs)
        if not self.actions:
            self.exclude_route_methods |= {"action", "action_post"}
        reached = {f"can_{self.get_method_permission(name)}" for name in self.routes()}
        acts = {f"can_{self.action_capability(name)}" for name in self.actions}
        self.base_permissions = sorted(reached | acts)
        name = type(self).__name__
        place = {f"page_{name}", f"psize_{name}", f"_oc_{name}", f"_od_{name}"}
        self.list_names = frozenset(self._filter_names(self.search_columns)) | place
        self.add_names = frozenset(self._filter_names(self.datamodel.get_columns_list()))

    def _useless(self) -> Iterator[str]:
        yield "download"
        if not self.datamodel.creates:
            yield "add"
        if not self.masked_columns:
            yield "reveal"
        if not any(map(self.datamodel.is_relation, self.datamodel.get_columns_list())):
            yield "offered"

    def _filter_names(self, columns: Any) -> Iterator[str]:
        for column, offered in self.datamodel.get_filters(columns).get_search_filters().items():
            yield from (f"_flt_{place}_{column}" for place in range(len(offered)))

    def _init_properties(self) -> None:
        self.label_columns = self.datamodel.labels_of_columns() | dict(self.label_columns or {})
        self.base_order = self.base_order or (self.datamodel.get_pk_name(), "asc")
        super()._init_properties()
        subject = self.class_permission_name or type(self).__name__
        needs = self.method_permission_name.get("edit", Capability.ENTER)
        self.order_columns = self.orders_by(self.order_columns)
        self.export_columns = self.export_columns or self.list_columns
        self.datamodel.serve(
            subject, Capability(needs), self.label_columns, self.list_columns,
            audit_name=self.audit_name,
        )  # fmt: skip
        self.datamodel.require_known([*self.show_columns, *self.export_columns])
        asked = [*self.search_columns, *self.add_columns, *self.edit_columns]
        self.datamodel.require_placed(type(self).__name__, asked, self.open_models)

    def _init_titles(self) -> None:
        usual = self._prettify_name(self.datamodel.model_name)
        title = self.list_title = self.title = given(self.list_title, usual)
        self.add_title = given(self.add_title, lazy("新增%(what)s", what=title))
        self.edit_title = given(self.edit_title, lazy("修改%(what)s", what=title))
        self.show_title = given(self.show_title, title)
        if self.class_permission_name != SYSTEM and not self.datamodel.of_register:
            policy.VIEWS.setdefault(self.datamodel.subject, title)

    def _init_forms(self) -> None:
        converter = FormConverter(self.datamodel)
        for what in ("add", "edit"):
            if getattr(self, f"{what}_form"):
                continue
            made = converter.create_form(
                self.label_columns, getattr(self, f"{what}_columns"), self.description_columns,
                self.validators_columns, getattr(self, f"{what}_form_extra_fields"),
                getattr(self, f"{what}_form_query_rel_fields"),
            )  # fmt: skip
            setattr(self, f"{what}_form", type(made.__name__, (made,), {_SEEN: seen.SeenField()}))
        self.search_form = self.search_form or converter.create_form(
            self.label_columns, self.search_columns, extra_fields=self.search_form_extra_fields,
            filter_rel_fields=self.search_form_query_rel_fields,
        )  # fmt: skip

    @property
    def _filters(self) -> Any:
        """FAB keeps the filters of a request on the view, which all threads share."""
        kept = g.setdefault("crud_filters", {})
        if self not in kept:
            kept[self] = self.datamodel.get_filters(self.search_columns)
        return kept[self]

    @_filters.setter
    def _filters(self, _made: Any) -> None:
        pass

    def conditions(self) -> Any:
        """The filters of the address."""
        return self._filters

    def asked(self) -> Any:
        """The filters of the address, and those that the view always has."""
        return self._filters.get_joined_filters(self._base_filters)

    # ---- who may ----------------------------------------------------------------------------
    def allows_row(self, method: str, pk: Any) -> bool:
        """May the account call the method for the row with this key, which lies in its area? Override it
        where that depends on more than the capability.
        """
        return self.allows(method)

    def _require_row(self, method: str, pk: Any) -> None:
        if not self.allows_row(method, pk):
            raise Forbidden(_("您的账号没有这项权限。"))

    def allows_action(self, name: str) -> bool:
        """May the account do what an ``@action`` does?"""
        return self.allows_capability(self.action_capability(name))

    def action_capability(self, name: str) -> str:
        """What an action of FAB's ``@action`` needs."""
        return self.method_permission_name.get(self.actions[name].func.__name__, "enter")

    # ---- where one is -----------------------------------------------------------------------
    def update_redirect(self) -> None:
        """FAB keeps the last pages in the cookie, at every request; our lists know their place."""

    def get_redirect(self) -> str:
        return shell.list_url(self.list_address())

    def list_address(self) -> str:
        return url_for(f"{self.endpoint}.list")

    def _under_list(self, step: str) -> None:
        shell.at(self.list_address())
        shell.crumb(step)

    # ---- the list ---------------------------------------------------------------------------
    @expose("/list/")
    @takes(names_of_list)
    @permission_name("list")
    def list(self) -> Any:
        widgets = self._list()
        shell.keep_list()
        made = listing.of_view(self, widgets["list"].template_args)
        return self.render_template(
            self.list_template, title=self.list_title, widgets=widgets, ledger=made
        )

    def _list(self, **kwargs: Any) -> Any:
        page, size, order, direction = listing.place(self)
        get_filter_args(self._filters)
        listing.read_chosen(self)
        return self._get_list_widget(
            filters=self._filters, order_column=order, order_direction=direction,
            page=page, page_size=size, **kwargs,
        )  # fmt: skip

    @expose("/offered/<what>/<column>")
    @takes("q")
    @permission_name("list")
    def offered(self, what: str, column: str) -> Any:
        """Rows that a form (``add``, ``edit``, ``search``) offers for a relation, by what was typed."""
        forms = {"add": self.add_form, "edit": self.edit_form, "search": self.search_form}
        field = forms[what].refresh()._fields.get(column) if what in forms else None
        if not isinstance(field, RelationField):
            raise NotFound(_("没有这个项目。"))
        return listing.offered(field, request.args.get("q", ""))

    # ---- a row ------------------------------------------------------------------------------
    @expose("/show/<pk>", methods=["GET"])
    @permission_name("show")
    def show(self, pk: str) -> Any:
        item = self._row(pk)
        self._under_list(str(item))
        key = self.datamodel.get_pk_value(item)
        widgets = self._get_show_widget(key, item)
        widgets = self._get_related_views_widgets(
            item, orders={}, pages={}, page_sizes={}, widgets=widgets
        )
        return self.render_template(
            self.show_template, pk=pk, title=str(item), widgets=widgets,
            related_views=self._related_views,
            page=listing.page_of(self, self._related_views, widgets),
        )  # fmt: skip

    @expose("/reveal/<pk>", methods=["POST"])
    @takes("field")
    @permission_name("show")
    def reveal(self, pk: str) -> Any:
        """The whole of a masked value, on a click that is counted and that the audit log keeps."""
        column, item = request.args.get("field", ""), self._row(pk)
        if not self.reveals(column):
            raise NotFound(_("没有这个项目。"))
        text, placed = str(getattr(item, column) or ""), Placed.of(item)
        label = self.datamodel.label(column)
        named = label if placed.id else f"{label} {item}"
        personal.note_look(self.datamodel.audit_name, placed, named)
        return self.render_template("register/_revealed.html", text=text)

    def reveals(self, column: str) -> bool:
        """Is the column of the row itself, masked, and whole on a click?"""
        return column in self.masked_columns and "." not in column

    def _row(self, pk: str) -> Any:
        item = self.datamodel.get(pk, self._base_filters)
        if item is None:
            raise NotFound(_("没有找到该记录。它可能已被删除，或不在您的管辖范围内。"))
        return item

    # ---- forms ------------------------------------------------------------------------------
    @expose("/add", methods=["GET", "POST"])
    @takes(_add_names)
    @permission_name("add")
    def add(self) -> Any:
        get_filter_args(self._filters, disallow_if_not_in_search=False)
        if request.method == "POST":
            return self._sent(None)
        return self._form_page(self.add_form.refresh(), "add")

    @expose("/edit/<pk>", methods=["GET", "POST"])
    @permission_name("edit")
    def edit(self, pk: str) -> Any:
        if request.method == "POST":
            return self._sent(pk)
        item = self._row(pk)
        self._require_row("edit", self.datamodel.get_pk_value(item))
        try:
            self.datamodel.require_open(item)
        except Conflict as error:
            flash(error.message, "warning")
            shown = self.allows_row("show", self.datamodel.get_pk_value(item))
            return redirect(url_for(".show", pk=pk) if shown else self.get_redirect())
        form = self.edit_form.refresh(obj=item)
        form.seen.data = seen.digest(item, self.edit_columns)
        self.prefill_form(form, self.datamodel.get_pk_value(item))
        return self._form_page(form, "edit")

    def _sent(self, pk: str | None) -> Any:
        """A form of a new row, or of the one with this key: whoever refuses it, all that was typed stays."""
        what, form = ("add", self.add_form) if pk is None else ("edit", self.edit_form)
        tried: list[Any] = []
        try:
            with once() as click, click.hears(), self.datamodel.writing():
                item = self._row(pk) if pk is not None else None
                tried.append(form(obj=item))
                self._save(item, tried[0])
                done = self.add_row_message if item is None else self.edit_row_message
                answer = self.post_add_redirect() if item is None else self.post_edit_redirect()
                click.leads_to(answer.location, str(done))
        except (Conflict, Forbidden, Invalid, BadInput, NotFound) as error:
            if not isinstance(error, Conflict | Invalid | BadInput):
                audit.refused(detail={"url": request.path, "method": request.method})
            page = self._form_page(tried[0] if tried else form(), what, error)
            return page, error.status
        return click.answer()

    def _save(self, item: Any, form: Any) -> None:
        """:raises Invalid: with all that is wrong. :raises Conflict: another one changed the row."""
        new = item is None
        if new:
            self._fill_form_exclude_cols(self._filters.get_relation_cols(), form)
        else:
            form.own_key = self.datamodel.get_pk_value(item)
            self._require_row("edit", form.own_key)
            self.datamodel.require_open(item)
            self._keep_masked(form)
        if not form.validate():
            raise Invalid(
                _("有 %(n)s 处需要修改，修改后再保存。", n=len(form.errors)), _problems(form)
            )
        if not new and form.seen.data != seen.digest(item, self.edit_columns):
            raise Conflict(
                _("打开这个页面以后，他人修改了这条记录。请在新窗口核对，再刷新页面填写。")
            )
        self.process_form(form, new)
        row = self.datamodel.obj() if new else item
        form.populate_obj(row)
        (self.pre_add if new else self.pre_update)(row)
        (self.datamodel.add if new else self.datamodel.edit)(row)
        (self.post_add if new else self.post_update)(row)

    def _keep_masked(self, form: Any) -> None:
        """What comes back as it was shown, masked, is as it was."""
        for column, mask in self.masked_columns.items():
            whole = form[column].object_data if column in form else None
            if whole and form[column].data == mask(whole):
                form[column].data = whole

    def _fill_form_exclude_cols(self, exclude_cols: Any, form: Any) -> None:
        """The relation that the address fixes, e.g. from the page of the row that it names."""
        for name in exclude_cols:
            value = self._filters.get_filter_value(name)
            related = self.datamodel.related(name)
            found = related.get(value[0] if isinstance(value, list) else value)
            if found is None:
                raise NotFound(_("没有找到该记录。它可能已被删除，或不在您的管辖范围内。"))
            if name in form:
                form[name].data = found

    def _form_page(self, form: Any, what: str, refused: AnjuError | None = None) -> Any:
        fixed = self._filters.get_relation_cols() if what == "add" else []
        make = self._get_add_widget if what == "add" else self._get_edit_widget
        title = str(self.add_title if what == "add" else self.edit_title)
        self._under_list(title)
        columns = [c for c in getattr(self, f"{what}_columns") if c not in fixed and c in form]
        for column in columns:
            if isinstance(form[column], RelationField):
                form[column].search_url = listing.search_url(self, what, column)
        fields = _with_problems([self._told(form[column]) for column in columns], refused)
        page = {
            "panels": listing.panels(getattr(self, f"{what}_fieldsets"), columns, fields),
            "problems": _said(refused),
            "seen": form.seen.data or "",
            "back_url": self.get_redirect(),
        }
        widgets = make(form=form, exclude_cols=fixed)
        template = self.add_template if what == "add" else self.edit_template
        return self.render_template(template, title=title, widgets=widgets, page=page)

    def _told(self, field: Any) -> dict[str, Any]:
        mask = self.masked_columns.get(field.name)
        made = told(field)
        if mask and made["value"] and made["value"] == field.object_data:
            made["value"] = mask(made["value"])
        return made

    @expose("/delete/<pk>", methods=["POST"])
    @permission_name("delete")
    def delete(self, pk: str) -> Any:
        try:
            with once() as click, click.hears(), self.datamodel.writing(deleting=True):
                item = self._row(pk)
                self._require_row("delete", self.datamodel.get_pk_value(item))
                self.pre_delete(item)
                self.datamodel.delete(item)
                self.post_delete(item)
                click.leads_to(self.get_redirect(), str(self.delete_row_message))
        except (Conflict, Invalid) as error:
            flash(error.message, "danger")
            return self.post_delete_redirect()
        return click.answer()

    # ---- actions ----------------------------------------------------------------------------
    @expose("/action/<string:name>/<pk>", methods=["POST"])
    @permission_name("action")
    def action(self, name: str, pk: str) -> Any:
        return self._act(name, "single", lambda: self._row(pk))

    @expose("/action_post", methods=["POST"])
    @permission_name("action_post")
    def action_post(self) -> Any:
        keys = request.form.getlist("id") + request.form.getlist("rowid")
        if len(keys) > MOST_AT_ONCE:
            raise BadInput(_("一次最多处理 %(n)s 条，请分批操作。", n=MOST_AT_ONCE))
        if not keys:
            flash(_("请先勾选要处理的记录。"), "warning")
            return self.post_edit_redirect()
        name, wanted = request.form.get("action", ""), [*dict.fromkeys(keys)]
        return self._act(
            name, "multiple", lambda: self.datamodel.get_some(wanted, self._base_filters)
        )

    def _act(self, name: str, how: str, rows: Callable[[], Any]) -> Any:
        """All of it or nothing: the rows are read and written in one transaction."""
        known = self.actions.get(name)
        if known is None or not getattr(known, how):
            raise NotFound(_("没有这一操作。"))
        if not self.allows_action(name):
            raise Forbidden(_("您的账号没有这项权限。"))
        try:
            with once() as click, click.hears(), self.datamodel.writing():
                answer = known.func(rows())
                if isinstance(answer, Response) and answer.status_code in _REDIRECTS:
                    click.leads_to(answer.location)
        except (Conflict, Invalid) as error:
            flash(error.message, "danger")
            return self.post_edit_redirect()
        click.tell()
        return answer

    # ---- export -----------------------------------------------------------------------------
    @expose("/export", methods=["GET", "POST"])
    @takes(names_of_list, "format")
    @permission_name("export")
    def export(self) -> Any:
        """What the list shows, as Excel or CSV, once a reason is stated."""
        get_filter_args(self._filters)
        listing.place(self)  # before the reason is asked for
        self._under_list(_("导出"))
        return exporting.ask(self)


def _problems(form: Any) -> list[Problem]:
    return [
        Problem(
            name, f"{name}.kind", _("%(label)s：%(value)s", label=form[name].label.text, value=e)
        )
        for name, errors in form.errors.items()
        for e in errors
    ]


def _said(refused: AnjuError | None) -> list[dict[str, str]]:
    if refused is None:
        return []
    problems = refused.details.get("problems") or ()
    return [{"field": p.field, "message": p.message} for p in problems] or [
        {"field": "", "message": refused.message}
    ]


def _with_problems(fields: list[dict[str, Any]], refused: AnjuError | None) -> list[dict[str, Any]]:
    """What the database or a rule refused stands at its field as well."""
    problems = refused.details.get("problems") or () if refused else ()
    for field in fields:
        if not field["errors"]:
            field["errors"] = [p.message for p in problems if p.field == field["name"]]
    return fields
