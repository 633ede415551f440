"""A generated list and a generated page of a row, as our templates show them.

FAB's widgets bring what it read; a :class:`Listing` is made of that, and of FAB's names in the address:
``page_X``, ``psize_X``, ``_oc_X``, ``_od_X`` of the view X, ``_flt_2_name`` for the third filter of a column.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flask import Response, g, jsonify, request
from flask_appbuilder.models.filters import BaseFilter
from flask_appbuilder.urltools import get_order_args
from flask_wtf.csrf import generate_csrf
from sqlalchemy import select

from app.access.divisions.regions import Region
from app.core.clock import local
from app.core.db import db
from app.core.errors import BadInput
from app.core.i18n import _
from app.kernel.lists.ledger import SIZES
from app.web.crud import together
from app.web.crud.fields import RelationField, told
from app.web.crud.filters import (
    InDivision,
    StartsWith,
    division,
    held_names,
    hold,
    hold_names,
    typed,
    word,
)
from app.web.crud.interface import MOST_COUNTED, MOST_OFFERED
from app.web.frame.listing import (
    Action,
    Cell,
    Chip,
    Column,
    Empty,
    Filter,
    Listing,
    Paging,
    Row,
    Size,
    span,
    url_with,
)

if TYPE_CHECKING:
    from app.web.crud.views import CrudView

#: The operator that the bar offers for a column; the others work by address.
_OFFERED = ("ct", "under", "rel_o_m", "rel_m_m", "eq")
#: Kinds of form fields -> what asks for them in the bar.
_ASKED = {
    "region": "region",
    "choice": "choice",
    "many": "choice",
    "yes_no": "choice",
    "date": "date",
}
_MOST_DIGITS = 6
_LONGEST = 50
_MOST_NAMED = 5  # of a relation to many, in a cell
Values = Mapping[str, Any]
Names = Mapping[int, str]


def place(view: CrudView) -> tuple[int, int, str, str]:
    """Page, its size, and by which column in which direction, as the address says.

    :raises BadInput: one of them is none.
    """
    name, args = type(view).__name__, request.args
    page, size = args.get(f"page_{name}", "0"), args.get(f"psize_{name}", str(view.page_size))
    if not (page.isascii() and page.isdigit() and len(page) <= _MOST_DIGITS):
        raise BadInput(_("页码有误。"))
    if size not in map(str, SIZES):
        raise BadInput(_("每页条数有误。"))
    column, direction = get_order_args().get(name, ("", ""))
    passed_over = not column and (args.get(f"_oc_{name}") or args.get(f"_od_{name}"))  # by FAB
    if passed_over or (column and column not in view.order_columns):
        raise BadInput(_("不能按这一列排序。"))
    return int(page), int(size), column, direction


# ---- values ---------------------------------------------------------------------------------


def text_of(view: CrudView, column: str, value: Any, names: Names, *, masked: bool = True) -> str:
    """A value as lists, pages and files say it."""
    if formatter := view.formatters_columns.get(column):
        return str(formatter(value))
    if value is None or value == "":
        return ""
    mask = view.mask_of(column) if masked or "." in column else None
    if mask is not None:
        return str(mask(value))
    if view.datamodel.is_division(column):
        return names.get(value, "")
    if (said := view.datamodel.text(column, value)) is not None:
        return said
    if view.datamodel.is_choice(column):
        return str(view.datamodel.list_columns[column].type.choices(value).label)
    return _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return _("是") if value else _("否")
    if isinstance(value, list | tuple):
        return _("、").join(str(one) for one in value)
    if hasattr(value, "tzinfo"):
        return f"{local(value) if value.tzinfo else value:%Y-%m-%d %H:%M}"
    return str(value)


def division_names(values: Sequence[Values]) -> dict[int, str]:
    """The names of the divisions of these rows: those that were not read with them in one statement."""
    keys = {row["region_id"] for row in values if row.get("region_id")}
    if missing := keys - held_names().keys():
        query = select(Region.id, Region.full_name).where(Region.id.in_(missing))
        hold_names(dict(db.session.execute(query).all()))
    return held_names()


# ---- the list -------------------------------------------------------------------------------


def of_view(view: CrudView, told: Values) -> Listing:
    """``told``: what FAB's list widget was given."""
    values, args = [*told["value_columns"]], request.args
    made = table(view, told, values)
    chips = [
        Chip(
            _("%(label)s：%(value)s", label=label, value=said),
            url_with(args, drop=(name, _page_name(view))),
        )
        for name, label, said in conditions(view)
    ]
    count = told["count"]
    many = f"{count:,}" if count <= MOST_COUNTED else f"{MOST_COUNTED:,}+"
    made.count_text = _("共 %(n)s 条", n=many)
    made.actions = [Action(_("新增"), f"{view.route_base}/add", primary=True, icon="plus")]
    made.actions = made.actions if view.allows("add") else []
    made.exports = _exports(view)
    made.filters, made.chips = _bar(view, told["filters"]), chips
    made.reset_url = view.list_address()
    made.paging = _paging(view, told, len(values), many) if values else None
    made.empty = Empty(
        _("没有符合条件的记录") if chips else _("这里还没有记录"),
        _("请改变筛选条件。") if chips else "",
    )
    made.bulk = _bulk(view)
    return made


def table(view: CrudView, told: Values, values: Sequence[Values]) -> Listing:
    """The rows alone, as they also stand on the page of a row that they belong to."""
    names = division_names(values)
    columns = [_column(view, name, names) for name in told["include_columns"]]
    page = f"{view.route_base}/show" if view.allows("show") else ""
    ticked = any(action.multiple for action in view.actions.values()) and view.allows("action_post")
    rows = [
        Row(
            str(pk), page and f"{page}/{pk}", [c.cell(value) for c in columns],
            _row_actions(view, pk), selectable=ticked,
        )
        for pk, value in zip(told["pks"], values, strict=True)
    ]  # fmt: skip
    return Listing(
        name=type(view).__name__, title=str(view.list_title), columns=columns, rows=rows,
        token=generate_csrf(),
    )  # fmt: skip


def _column(view: CrudView, name: str, names: Names) -> Column[Values]:
    way = get_order_args().get(type(view).__name__, ("", ""))
    up = way == (name, "asc")
    sort_url, here = None, type(view).__name__
    if name in view.order_columns and not view.datamodel.is_division(name):
        changed = {f"_oc_{here}": name, f"_od_{here}": "desc" if up else "asc"}
        sort_url = url_with(request.args, drop=(_page_name(view),), **changed)
    kind = "tag" if view.datamodel.is_boolean(name) else _kind(view, name)
    return Column(
        name, view.datamodel.label(name),
        lambda values: _cell(view, name, values[name], names), kind,
        sort_url=sort_url, sorted=("up" if up else "down") if way[0] == name else None,
    )  # fmt: skip


def _kind(view: CrudView, name: str) -> str:
    datamodel = view.datamodel
    if name in view.formatters_columns:
        return "text"
    if datamodel.is_division(name):
        return "region"
    if datamodel.is_date(name):
        return "date"
    if datamodel.is_numeric(name) or datamodel.is_integer(name) or datamodel.is_float(name):
        return "number"
    return "id" if view.mask_of(name) else "text"


def _cell(view: CrudView, name: str, value: Any, names: Names) -> Cell:
    tone = "good" if value is True else "neutral"
    several = isinstance(value, list) and name not in view.formatters_columns
    if several and len(value) > _MOST_NAMED:
        some = text_of(view, name, value[:_MOST_NAMED], names)
        return Cell(_("%(some)s等 %(n)s 项", some=some, n=len(value)))
    return Cell(text_of(view, name, value, names), tone=tone)


def _row_actions(view: CrudView, pk: Any) -> list[Action]:
    offered = (("edit", _("修改")), ("show", _("查看")))
    return [
        Action(label, f"{view.route_base}/{method}/{pk}", primary=method == "edit")
        for method, label in offered
        if view.allows_row(method, pk)
    ]


def _exports(view: CrudView) -> list[Action]:
    if not view.allows("export"):
        return []
    url = f"{view.route_base}/export"
    offered = (("xlsx", "Excel"), ("csv", "CSV"))
    return [Action(name, url_with(request.args, path=url, format=code)) for code, name in offered]


def _bulk(view: CrudView) -> Mapping[str, Any] | None:
    if not view.allows("action_post"):
        return None
    offered = [
        one for one in view.actions.values() if one.multiple and view.allows_action(one.name)
    ]
    actions = [
        {"name": one.name, "label": str(one.text), "confirm": str(one.confirmation or "")}
        for one in offered
    ]
    if not actions:
        return None
    url = f"{view.route_base}/action_post"
    return {"action_url": url, "actions": actions, "said": "selected_rows"}


def _page_name(view: CrudView) -> str:
    return f"page_{type(view).__name__}"


def _paging(view: CrudView, told: Values, shown: int, many: str) -> Paging:
    page, size, args = told["page"] or 0, told["page_size"], request.args
    name, sizes = _page_name(view), f"psize_{type(view).__name__}"

    def to(**changed: int) -> str:
        return url_with(args, drop=tuple(changed), **{n: str(v) for n, v in changed.items()})

    more = page * size + shown < told["count"]
    return Paging(
        to(**{name: page - 1}) if page else None,
        to(**{name: page + 1}) if more else None,
        _("第 %(first)s–%(last)s 条，共 %(count)s 条", **span(page * size + 1, shown, many)),
        [Size(s, to(**{name: 0, sizes: s}), active=s == size) for s in SIZES],
    )


# ---- what is asked --------------------------------------------------------------------------


def _bar(view: CrudView, filters: Any) -> list[Filter]:
    """One input a search column, under FAB's own name of the operator that it offers."""
    form, bar = view.search_form.refresh(), []
    for column in view.search_columns:
        offered = filters.get_search_filters().get(column, [])
        by_name = {one.arg_name: place for place, one in enumerate(offered)}
        place = next((by_name[name] for name in _OFFERED if name in by_name), None)
        if place is not None and column in form:
            bar.append(_filter(view, f"_flt_{place}_{column}", form[column]))
    return bar


def _filter(view: CrudView, name: str, field: Any) -> Filter:
    value, label = request.args.get(name, ""), view.datamodel.label(field.name)
    if isinstance(field, RelationField) and view.has_route("offered"):
        # its rows are read when one looks for them
        chosen = {value: _named(view, field.name, value)} if value else {}
        url = search_url(view, "search", field.name)
        return replace(Filter.choice(name, label, value, chosen), search_url=url)
    said = told(field)
    kind = _ASKED.get(said["kind"], "text")
    if kind == "region":
        return Filter.region(name, label, division(int(value)) if value else None)
    if kind == "choice":
        options = said.get("options") or [
            {"value": "yes", "label": _("是")}, {"value": "no", "label": _("否")},
        ]  # fmt: skip
        known = {option["value"]: option["label"] for option in options}
        if value and value not in known:
            known[value] = _named(view, field.name, value)
        return Filter.choice(name, label, value, known)
    return Filter(name, label, kind, value)


def search_url(view: CrudView, form: str, column: str) -> str:
    """Where the rows of a relation are found that a form's select does not offer."""
    return f"{view.route_base}/offered/{form}/{column}"


def _named(view: CrudView, column: str, key: str) -> str:
    """What a row is called that the address chooses of a relation; its key, where it is none of the area."""
    if view not in g.get("crud_named", {}):
        read_chosen(view)
    said: str = g.crud_named[view].get((column, key), key)
    return said


def read_chosen(view: CrudView) -> None:
    """Read the rows and divisions that the address chooses, whose values are known to be right: together."""
    datamodel = view.datamodel
    chosen: dict[str, dict[str, Any]] = {}
    for _name, made, value in _asked(view):
        if (key := _key_of(view, made, value)) is not None:
            chosen.setdefault(made.column_name, {})[value] = key
    rows = together.with_keys({
        column: (
            Region if datamodel.is_division(column) else datamodel.get_related_model(column),
            {*keys.values()},
        )
        for column, keys in chosen.items()
    })  # fmt: skip
    named = g.setdefault("crud_named", {})[view] = {}
    for column, keys in chosen.items():
        for said, key in keys.items():
            row = rows.get((column, key))
            if datamodel.is_division(column):
                hold(key, row)
            elif row is not None:
                named[column, said] = datamodel.related(column).named(row)


def _key_of(view: CrudView, made: BaseFilter, value: str) -> Any:
    """Of the division or row of a relation that a condition chooses; None: it asks for something else."""
    if made.arg_name == InDivision.arg_name:
        return int(value)
    if not view.datamodel.is_relation(made.column_name):
        return None
    try:
        return view.datamodel.related(made.column_name).key(value)
    except ValueError:  # a filter of the view's own, which may ask for more than keys
        return None


def conditions(view: CrudView) -> Sequence[tuple[str, str, str]]:
    """(name in the address, column, what is asked of it) of each condition."""
    return [
        (name, view.datamodel.label(made.column_name), f"{word(made)} {_said(view, made, value)}")
        for name, made, value in _asked(view)
    ]


def _asked(view: CrudView) -> Iterator[tuple[str, BaseFilter, str]]:
    """(name in the address, filter, value) of each condition."""
    offered = view.conditions().get_search_filters()
    for name, value in request.args.items(multi=True):
        head, _line, column = name.removeprefix("_flt_").partition("_")
        if name.startswith("_flt_") and value:
            yield name, offered[column][int(head)], value


def _said(view: CrudView, made: BaseFilter, value: str) -> str:
    column = made.column_name
    if made.arg_name == InDivision.arg_name:
        region = division(int(value))
        return region.full_name if region else value
    if view.datamodel.is_relation(column):
        return _named(view, column, value)
    if view.datamodel.is_choice(column) or view.datamodel.is_boolean(column):
        return text_of(view, column, typed(view.datamodel, made, value), {})
    return value[:_LONGEST]


def offered(field: RelationField, text: str) -> Response:
    """``{items: [{id, text}]}`` of the rows that a field offers whose first text begins as typed."""
    related = field.related
    filters = field.asked.copy() if field.asked else related.get_filters()
    first = related.first_text()
    if first and text:
        filters.add_filter(first, StartsWith, text[:_LONGEST])
    rows = related.query(filters, first, "asc")[1]
    items = [{"id": str(related.get_pk_value(row)), "text": related.named(row)} for row in rows]
    return jsonify(items=items, more=len(items) >= MOST_OFFERED)


# ---- the page of a row ----------------------------------------------------------------------


def page_of(view: CrudView, related_views: Sequence[CrudView], widgets: Values) -> dict[str, Any]:
    """``{panels, actions, tables [Listing]}`` of the page of a row; what FAB's widgets were given."""
    shown = widgets["show"].template_args
    values = dict(zip(shown["include_columns"], shown["value_columns"], strict=True))
    names = division_names([values])
    return {
        "panels": panels(
            view.show_fieldsets,
            [*values],
            [_fact(view, shown["pk"], name, value, names) for name, value in values.items()],
        ),
        "actions": _page_actions(view, shown["pk"]),
        "tables": [
            _related(related, widget.template_args)
            for related, widget in zip(related_views, widgets["related_views"], strict=True)
            if widget is not None and related.allows("list")
        ],
    }


def panels(fieldsets: Any, columns: Sequence[str], parts: Sequence[Any]) -> list[dict[str, Any]]:
    """``[{title, parts}]``: what stands for each of the columns, below the titles of FAB's fieldsets."""
    by_column = dict(zip(columns, parts, strict=True))
    sets = fieldsets or [("", {"fields": columns})]
    return [
        {
            "title": str(title or ""),
            "parts": [by_column[c] for c in said["fields"] if c in by_column],
        }
        for title, said in sets
    ]


def _fact(view: CrudView, pk: Any, name: str, value: Any, names: Names) -> dict[str, Any]:
    fact = {"label": view.datamodel.label(name), "text": text_of(view, name, value, names)}
    if view.reveals(name) and value:
        url = f"{view.route_base}/reveal/{pk}?field={name}"
        return fact | {"kind": "id", "mask_url": url}
    return fact


def _page_actions(view: CrudView, pk: Any) -> list[Action]:
    found = []
    if view.allows_row("edit", pk):
        url = f"{view.route_base}/edit/{pk}"
        found.append(Action(_("修改"), url, primary=True, icon="edit"))
    for one in view.actions.values():
        if one.single and view.allows_action(one.name):
            url = f"{view.route_base}/action/{one.name}/{pk}"
            confirm = str(one.confirmation or "")
            found.append(Action(str(one.text), url, post=True, confirm=confirm))
    if view.allows_row("delete", pk):
        asked = _("将删除这条记录，不能恢复。审计日志保留。")
        url = f"{view.route_base}/delete/{pk}"
        found.append(Action(_("删除"), url, post=True, danger=True, icon="trash", confirm=asked))
    return found


def _related(view: CrudView, told: Values) -> Listing:
    """The first rows that belong to a row, and the way to all of them."""
    made = table(view, told, [*told["value_columns"]])
    for row in made.rows:
        row.selectable = False
    fixed = next(flt for flt, _v in told["filters"].get_filters_values() if flt.is_related_view)
    key = told["filters"].get_filter_value(fixed.column_name)
    count = told["count"]
    made.count_text = f"{count:,}" if count <= MOST_COUNTED else f"{MOST_COUNTED:,}+"
    asked = f"?_flt_0_{fixed.column_name}={key}"
    if fixed.column_name in view.search_columns and count > len(made.rows):
        made.actions = [Action(_("查看全部"), f"{view.list_address()}{asked}")]
    if view.allows("add"):
        url = f"{view.route_base}/add{asked}"
        made.actions = [*made.actions, Action(_("新增"), url, icon="plus")]
    made.empty = Empty(_("这里还没有记录"))
    return made
