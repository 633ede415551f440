"""FAB's ModelRestApi over :class:`ScopedInterface`, for sessions and for tokens (docs/api.md).

Addresses, rison arguments and answers are FAB's; scope, rights, masks, audit and errors (RFC 9457) are
those of the pages.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar, cast

from flask import Response, request
from flask_appbuilder import ModelRestApi
from flask_appbuilder.api import expose, get_info_schema, get_item_schema, get_list_schema
from flask_appbuilder.api.convert import Model2SchemaConverter, columns2Tree
from flask_appbuilder.models.filters import BaseFilter
from flask_appbuilder.security.decorators import permission_name
from marshmallow import ValidationError, fields
from sqlalchemy import inspect

from app.access import policy, repeats
from app.access.actor import Capability
from app.access.scope import current_actor
from app.core.errors import BadInput, Forbidden, Invalid, NotFound
from app.core.i18n import _, lazy, mark, translate
from app.core.types import nfc
from app.kernel.declare.rules import Problem
from app.web.api import bodies
from app.web.crud import described
from app.web.crud.fields import wrong_number
from app.web.crud.filters import word
from app.web.crud.gate import Gated, given
from app.web.crud.interface import Mask, RelatedInterface, ScopedInterface, Unplaced
from app.web.crud.queries import takes_query
from app.web.frame.addresses import takes
from app.web.frame.problems import MEDIA_TYPE, NotJson

METHODS = {
    "info": "search", "get": "search", "get_list": "search",
    "post": "enter", "put": "enter", "delete": "enter",
}  # fmt: skip
_MOST = 100
_MERGED = "_response_key_func_mappings"  # what FAB adds to an answer when it is asked for
#: What marshmallow says begins so.
_SAID = (
    ("Missing data", mark("必须填写。")),
    ("Field may not be null", mark("不能为空。")),
    ("Unknown field", mark("没有这个项目，请核对名称。")),
    ("Not a valid integer", mark("应为整数。")),
    ("Not a valid number", mark("应为数字。")),
    ("Special numeric", mark("应为数字。")),
    ("Not a valid date", mark("日期应写成 2024-05-31。")),
    ("Not a valid time", mark("时间有误。")),
    ("Not a valid boolean", mark("应为 true 或 false。")),
    ("Not a valid string", mark("应为文字。")),
    ("Must be one of", mark("没有这个选项，请用接口文档列出的代码。")),
    ("Longer than", mark("内容过长。")),
)
_Method = TypeVar("_Method", bound=Callable[..., Any])


class RelationById(fields.Field):
    """One row of another table, or several, by their keys; found within the scope."""

    def __init__(self, related: RelatedInterface, *, many: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.related, self.several = related, many

    def _serialize(self, value: Any, *_args: Any, **_kwargs: Any) -> Any:
        rows = list(value or ()) if self.several else [value] if value is not None else []
        keys = [str(self.related.get_pk_value(row)) for row in rows]
        return keys if self.several else next(iter(keys), None)

    def _deserialize(self, value: Any, *_args: Any, **_kwargs: Any) -> Any:
        if self.several and not isinstance(value, list):
            raise ValidationError(_("请用数组。"))
        try:
            found = self.related.get_some(value if self.several else [value])
        except NotFound:
            text = _("没有找到所选的内容，它可能已被删除，请重新选择。")
            raise ValidationError(text) from None
        return found if self.several else found[0]


class SchemaConverter(Model2SchemaConverter):
    """FAB's, with keys of divisions (marshmallow leaves out foreign keys of mixins), enums as codes, and
    relations by key: marshmallow makes a row of a key that it does not find.
    """

    datamodel: ScopedInterface

    def convert(
        self, columns: Any, model: Any = None, nested: bool = True, parent_schema_name: Any = None
    ) -> Any:  # fmt: skip
        """FAB's makes the data model anew, without what it was told of its rows."""
        if model is not None and not columns:
            raise Unplaced(f"say which columns of {model.__name__} are shown: relation.column")
        datamodel = self.datamodel if model is None else RelatedInterface(model)
        made = {
            column.name: self._column2field(
                datamodel, column, nested, parent_schema_name=parent_schema_name
            )
            for column in columns2Tree(columns).root.children
        }
        mixin = type("SchemaMixin", (), made)
        return self._meta_schema_factory(
            [*made], datamodel.obj, mixin, parent_schema_name=parent_schema_name
        )()

    def _meta_schema_factory(self, columns: Any, model: Any, mixin: Any, **kwargs: Any) -> Any:
        made = super()._meta_schema_factory(columns, model, mixin, **kwargs)
        kept = {name: getattr(mixin, name) for name in columns if hasattr(mixin, name)}
        meta = type("Meta", (made.Meta,), {"include_fk": True})
        return type("Schema", (made,), {"Meta": meta, **kept})

    def _column2field(self, datamodel: Any, column: Any, *args: Any, **kwargs: Any) -> Any:
        name = column.name
        if datamodel.is_relation(name) and not column.children:
            many = not datamodel.is_relation_many_to_one(name)
            needed = not many and not datamodel.is_nullable(name)
            made: Any = RelationById(
                datamodel.related(name), many=many, required=needed, allow_none=not needed
            )
        elif datamodel.is_choice(name):
            needed = not datamodel.is_nullable(name)
            choices = datamodel.list_columns[name].type.choices
            made = fields.Enum(choices, by_value=True, required=needed, allow_none=not needed)
        else:
            made = super()._column2field(datamodel, column, *args, **kwargs)
            if name in datamodel.list_columns:
                _bound(made, datamodel.list_columns[name].type, datamodel.is_nullable(name))
            return made
        made.unique = datamodel.is_unique(name)
        return made


def _bound(made: fields.Field, kind: Any, nullable: bool) -> None:
    """Numbers are those that the column holds; a text that must be there says something."""
    if isinstance(made, fields.Integer):
        made.strict = True

    def check(value: Any) -> None:
        if not nullable and isinstance(value, str) and not nfc(value):
            raise ValidationError(_("必须填写。"))
        if said := wrong_number(kind, value):
            raise ValidationError(said)

    made.validators.append(check)


def _answers(fabs: Any) -> Callable[[_Method], _Method]:
    """A method in the place of FAB's: with what FAB's answers take, and errors of ours."""

    def wrap(method: _Method) -> _Method:
        @functools.wraps(method)
        def answered(*args: Any, **kwargs: Any) -> Any:
            return _checked(method(*args, **kwargs))

        merged = getattr(fabs, _MERGED, {})
        setattr(answered, _MERGED, {key: _own(made.__name__) for key, made in merged.items()})
        return cast(_Method, answered)

    return wrap


def _own(name: str) -> Callable[..., Any]:
    """The view's own method: FAB keeps the one of its class."""
    return lambda view, response, **kwargs: getattr(view, name)(response, **kwargs)


class CrudApi(Gated, ModelRestApi):
    """See the module."""

    datamodel: ScopedInterface
    base_order: Any = None
    order_columns: Any = None  # FAB's, told to the type checker
    label_columns: Any = None
    list_title: Any = ""
    add_title: Any = ""
    edit_title: Any = ""
    show_title: Any = ""
    allow_browser_login = True  # with the CSRF token of the session: app.web.frame.requests
    method_permission_name: Mapping[str, str] = {}
    max_page_size = _MOST
    model2schemaconverter = SchemaConverter
    #: column -> how its value is masked.
    masked_columns: Mapping[str, Mask] = {}

    def __init__(self) -> None:
        if isinstance(self.datamodel, ScopedInterface):
            self.class_permission_name = self.datamodel.subject_of(self.class_permission_name)
            if not self.datamodel.creates:
                self.exclude_route_methods = {*self.exclude_route_methods, "post"}
        usual = dict(self.usual_capabilities(METHODS))
        self.method_permission_name = usual | dict(self.method_permission_name)
        super().__init__()

    def _init_properties(self) -> None:
        if not isinstance(self.datamodel, ScopedInterface):
            raise Unplaced(f"{type(self).__name__}: take SQLAInterface from app.web.crud")
        self.base_order = self.base_order or (self.datamodel.get_pk_name(), "asc")
        self.label_columns = self.datamodel.labels_of_columns() | dict(self.label_columns or {})
        self.masked_columns = {**self.datamodel.masks, **self.masked_columns}
        self.datamodel.mask(self.masked_columns)
        super()._init_properties()
        self.order_columns = self.orders_by(self.order_columns)
        subject = self.class_permission_name
        needs = Capability(self.method_permission_name["put"])
        # of relation.column FAB reads the row itself
        whole = [column for column in self.list_columns if "." not in column]
        self.datamodel.require_known([*self.list_columns, *self.show_columns])
        asked = [*self.search_columns, *self.add_columns, *self.edit_columns]
        self.datamodel.require_placed(type(self).__name__, asked, self.open_models)
        self.datamodel.serve(subject, needs, self.label_columns, whole)
        if not self.datamodel.of_register:
            policy.VIEWS.setdefault(subject, self.resource_name or subject)

    def _init_titles(self) -> None:
        self.title = self.list_title = given(self.list_title, self.class_permission_name)
        self.add_title = given(self.add_title, lazy("新增%(what)s", what=self.title))
        self.edit_title = given(self.edit_title, lazy("修改%(what)s", what=self.title))
        self.show_title = given(self.show_title, self.title)

    @property
    def _filters(self) -> Any:
        """Of this request: FAB keeps them on the view, which all threads share."""
        return self.datamodel.get_filters(self.search_columns, self.search_filters)

    @_filters.setter
    def _filters(self, _made: Any) -> None:
        pass

    def conditions(self) -> dict[str, list[BaseFilter]]:
        """Column -> the filters that it may be asked with."""
        offered = self._filters.get_search_filters()
        return {one: offered[one] for one in self.search_columns if one in offered}

    def described(self) -> dict[str, Any] | None:
        """For those who read of the API: see :func:`app.web.crud.described.of_api`."""
        return described.of_api(self)

    def _handle_filters_args(self, rison_args: Mapping[str, Any]) -> Any:
        filters = self._filters
        filters.rest_add_filters(rison_args.get("filters", []))
        return filters.get_joined_filters(self._base_filters)

    def _handle_order_args(self, rison_args: Any) -> Any:
        if (column := rison_args.get("order_column", "")) and column not in self.order_columns:
            raise BadInput(_("不能按这一列排序。"), parameter="q")
        return super()._handle_order_args(rison_args)

    def _handle_columns_args(self, args: Any, selected: Any, shown: Any) -> Any:
        for name in (*args.get("columns", ()), *args.get("select_columns", ())):
            if name not in shown:
                raise BadInput(_("没有这一列：%(said)s。", said=name[:60]), parameter="q")
        return super()._handle_columns_args(args, selected, shown)

    # ---- reads ------------------------------------------------------------------------------
    @expose("/_info", methods=["GET"])
    @takes("q")
    @permission_name("info")
    @_answers(ModelRestApi.info)
    @takes_query(get_info_schema)
    def info(self, **kwargs: Any) -> Any:
        return self.info_headless(**kwargs)

    @expose("/", methods=["GET"])
    @takes("q")
    @permission_name("get")
    @_answers(ModelRestApi.get_list)
    @takes_query(get_list_schema)
    def get_list(self, **kwargs: Any) -> Any:
        return self.get_list_headless(**kwargs)

    @expose("/<pk>", methods=["GET"])
    @takes("q")
    @permission_name("get")
    @_answers(ModelRestApi.get)
    @takes_query(get_item_schema)
    def get(self, pk: str, **kwargs: Any) -> Any:
        return self.get_headless(pk, **kwargs)

    def pre_get(self, data: dict[str, Any]) -> None:
        self._mask(data["result"])

    def pre_get_list(self, data: dict[str, Any]) -> None:
        for row in data["result"]:
            self._mask(row)

    def _mask(self, row: dict[str, Any]) -> None:
        shown = {*self.masked_columns, *self.list_columns, *self.show_columns}
        for column in shown:
            if (mask := self.mask_of(column)) is not None:
                _mask_in(row, column, mask)

    def merge_search_filters(self, response: dict[str, Any], **_kwargs: Any) -> None:
        response["filters"] = {
            column: [{"name": word(one), "operator": one.arg_name} for one in offered]
            for column, offered in self.conditions().items()
        }

    def _get_field_info(
        self, field: Any, filter_rel_field: Any, page: int | None = None,
        page_size: int | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        told = {
            "name": field.name,
            "label": str(self.label_columns.get(field.name, "")),
            "description": str(self.description_columns.get(field.name, "")),
            "type": type(field).__name__,
            "required": field.required,
            "unique": getattr(field, "unique", False),
        }
        if isinstance(field, RelationById):
            related = field.related
            filters = related.get_filters().add_filter_list(filter_rel_field or [])
            page, size = self._sanitize_page_args(page, page_size)
            told["count"], rows = related.query(filters, page=page, page_size=size)
            told["values"] = [
                {"id": related.get_pk_value(r), "value": related.named(r)} for r in rows
            ]
        return told

    # ---- writes -----------------------------------------------------------------------------
    @expose("/", methods=["POST"])
    @permission_name("post")
    @_answers(ModelRestApi.post)
    def post(self) -> Any:
        return self._once(self.post_headless)

    @expose("/<pk>", methods=["PUT"])
    @permission_name("put")
    @_answers(ModelRestApi.put)
    def put(self, pk: str) -> Any:
        return self._once(lambda: self.put_headless(pk))

    @expose("/<pk>", methods=["DELETE"])
    @permission_name("delete")
    @_answers(ModelRestApi.delete)
    def delete(self, pk: str) -> Any:
        return self._once(lambda: self.delete_headless(pk), deleting=True)

    def _once(self, act: Callable[[], Response], *, deleting: bool = False) -> Response:
        """One transaction, which the header ``Idempotency-Key`` begins."""
        actor = current_actor()
        if actor is None:
            raise Forbidden(_("您的账号没有这项权限。"))
        try:
            with repeats.once(bodies.sent(actor)) as outcome:
                with self.datamodel.writing(deleting=deleting):
                    response = self._masked(_checked(act()))
                outcome.status, outcome.answer = (
                    response.status_code,
                    response.get_data(as_text=True),
                )
        except Invalid as error:
            raise Invalid(error.message, [_in_body(one) for one in error.problems]) from error
        except repeats.Reused as error:
            raise BadInput(_("这个 Idempotency-Key 已用于另一个请求，请换一个。")) from error
        except repeats.Repeated as repeated:
            earlier = repeated.outcome
            response = Response(earlier.answer, earlier.status, mimetype="application/json")
            response.headers["Idempotency-Replayed"] = "true"
        return response

    def _masked(self, answer: Response) -> Response:
        told = answer.get_json(silent=True) or {}
        if not self.masked_columns or not isinstance(told.get("result"), dict):
            return answer
        self._mask(told["result"])
        return cast(Response, self.response(answer.status_code, **told))

    def pre_update(self, item: Any) -> None:
        """What a client read masked and sends back as it read it is no change."""
        for name, mask in self.masked_columns.items():
            old = inspect(item).attrs[name].history.deleted
            if old and old[0] and getattr(item, name) == mask(old[0]):
                setattr(item, name, old[0])


def _mask_in(told: Any, column: str, mask: Mask) -> None:
    """Mask a column of an answer, which may be of the rows that a relation names."""
    name, _dot, rest = column.partition(".")
    if isinstance(told, list):
        for one in told:
            _mask_in(one, column, mask)
    elif isinstance(told, dict) and told.get(name):
        if rest:
            _mask_in(told[name], rest, mask)
        else:
            told[name] = mask(told[name])


def _checked(answer: Response) -> Response:
    """The answer. :raises AnjuError: FAB's says that it was refused."""
    if answer.status_code < 400 or answer.mimetype == MEDIA_TYPE:
        return answer
    said = (answer.get_json(silent=True) or {}).get("message")
    if answer.status_code == 404:
        raise NotFound(_("没有找到该记录。它可能已被删除，或不在您的管辖范围内。"))
    if isinstance(said, dict):
        problems = list(_problems(said))
        raise Invalid(_("有 %(n)s 处需要修改，修改后再保存。", n=len(problems)), problems)
    if not request.is_json and request.method in ("POST", "PUT"):
        raise NotJson(_("请求的内容须是 JSON。"))
    raise BadInput(_("请求有误：%(said)s", said=str(said)[:200]), parameter="q")


def _in_body(problem: Problem) -> Problem:
    """A problem of a column, where the body has it."""
    return replace(problem, field=f"/{problem.field.removeprefix('/')}")


def _problems(said: Mapping[str, Any]) -> Iterator[Problem]:
    for name, messages in said.items():
        for message in messages if isinstance(messages, list) else [str(messages)]:
            yield Problem(f"/{name}", f"{name}.kind", _in_words(str(message)))


def _in_words(message: str) -> str:
    """What marshmallow says, in the user's language."""
    for begins, text in _SAID:
        if message.startswith(begins):
            return translate(text)
    return message
