"""What a generated list may be asked: FAB's filters by FAB's names, their values read as the columns'.

FAB compares with nothing where a number or day cannot be read, passes over what it does not know, and
takes ``%`` for any text; here each is said to be wrong, and text is only text.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING, Any

from flask import g
from flask_appbuilder.models.filters import BaseFilter, FilterRelation, Filters
from flask_appbuilder.models.sqla.filters import (
    FilterContains,
    FilterEndsWith,
    FilterEqual,
    FilterGreater,
    FilterIn,
    FilterNotContains,
    FilterNotEndsWith,
    FilterNotEqual,
    FilterNotIn,
    FilterNotStartsWith,
    FilterSmaller,
    FilterStartsWith,
    SQLAFilterConverter,
)
from sqlalchemy import inspect

from app.access.divisions import regions
from app.access.divisions.regions import Region, in_subtree
from app.core.clock import read_day
from app.core.errors import BadInput
from app.core.i18n import _, mark, translate
from app.core.types import nfc

if TYPE_CHECKING:
    from app.web.crud.interface import ScopedInterface

_LONGEST = 200
_MOST_VALUES = 200
_BOOLEANS = {
    "y": True, "yes": True, "true": True, "1": True, True: True,
    "n": False, "no": False, "false": False, "0": False, False: False,
}  # fmt: skip
#: What a filter asks for, by FAB's name of it.
_WORDS = {
    "sw": mark("开头是"), "ew": mark("结尾是"), "ct": mark("包含"), "eq": mark("等于"),
    "nsw": mark("开头不是"), "new": mark("结尾不是"), "nct": mark("不包含"), "neq": mark("不等于"),
    "gt": mark("大于"), "lt": mark("小于"), "in": mark("是其中之一"), "not_in": mark("不是其中之一"),
    "rel_o_m": mark("等于"), "nrel_o_m": mark("不等于"), "rel_m_m": mark("包含"), "under": mark("在"),
}  # fmt: skip
#: Those whose value is compared with the column's own.
_COMPARED = frozenset({"eq", "neq", "gt", "lt", "in", "not_in"})


def word(made: BaseFilter) -> str:
    """What a filter is called in the user's language."""
    known = _WORDS.get(str(made.arg_name))
    return translate(known) if known else str(made.name)


class _Text(BaseFilter):
    """``way`` is SQLAlchemy's operator, which takes ``%`` for what it is."""

    way: str
    other = False

    def apply(self, query: Any, value: Any) -> Any:
        said = getattr(getattr(self.model, self.column_name), self.way)(value, autoescape=True)
        return query.filter(~said if self.other else said)


class StartsWith(_Text):
    name, arg_name, way = FilterStartsWith.name, "sw", "istartswith"


class NotStartsWith(_Text):
    name, arg_name, way, other = FilterNotStartsWith.name, "nsw", "istartswith", True


class EndsWith(_Text):
    name, arg_name, way = FilterEndsWith.name, "ew", "iendswith"


class NotEndsWith(_Text):
    name, arg_name, way, other = FilterNotEndsWith.name, "new", "iendswith", True


class Contains(_Text):
    name, arg_name, way = FilterContains.name, "ct", "icontains"


class NotContains(_Text):
    name, arg_name, way, other = FilterNotContains.name, "nct", "icontains", True


class RelatedIs(FilterRelation):
    """A relation to one row, by its key: FAB reads the row that is asked for first."""

    name, arg_name = "Relation", "rel_o_m"

    def apply(self, query: Any, value: Any) -> Any:
        return query.filter(self._column() == value)

    def _column(self) -> Any:
        key = inspect(self.model).relationships[self.column_name].local_columns
        return inspect(self.model).get_property_by_column(next(iter(key))).class_attribute


class RelatedIsNot(RelatedIs):
    name, arg_name = "No relation", "nrel_o_m"

    def apply(self, query: Any, value: Any) -> Any:
        return query.filter(self._column() != value)


class RelatedHas(FilterRelation):
    """A relation to several rows, one of which has the key."""

    name, arg_name = "Relation as many", "rel_m_m"

    def apply(self, query: Any, value: Any) -> Any:
        related = self.datamodel.related(self.column_name)
        return query.filter(getattr(self.model, self.column_name).any(related.get_pk() == value))


def division(key: int) -> Region | None:
    """A division by its key, read once a request: the session alone forgets it."""
    known = _divisions()
    if key not in known:
        known[key] = regions.get(key)
    return known[key]


def hold(key: int, region: Region | None) -> None:
    """A division that was read with rows need not be asked for again; None: there is none."""
    _divisions()[key] = region
    if region is not None:
        hold_names({key: region.full_name})


def hold_names(names: Mapping[int, str]) -> None:
    """Key -> name of divisions of which no more was read."""
    held_names().update(names)


def held_names() -> dict[int, str]:
    """Key -> name of the divisions that this request has read with rows."""
    known: dict[int, str] = g.setdefault("crud_division_names", {})
    return known


def _divisions() -> dict[int, Region | None]:
    known: dict[int, Region | None] = g.setdefault("crud_divisions", {})
    return known


class InDivision(BaseFilter):
    """At a division of the own area, or under it."""

    name, arg_name = "In division", "under"

    def apply(self, query: Any, value: Any) -> Any:
        region = division(value)
        return query.filter(in_subtree(self.model.path, region.path) if region else False)


_OF_TEXT = [
    StartsWith, EndsWith, Contains, FilterEqual, NotStartsWith, NotEndsWith, NotContains,
    FilterNotEqual, FilterIn, FilterNotIn,
]  # fmt: skip
_OF_NUMBER = [FilterEqual, FilterGreater, FilterSmaller, FilterNotEqual, FilterIn, FilterNotIn]


_REPLACED = ("is_text", "is_string", "is_numeric", "is_enum", *(
    f"is_relation_{kind}" for kind in ("many_to_one", "one_to_one", "many_to_many", "one_to_many")
))  # fmt: skip


class Converter(SQLAFilterConverter):
    """Which filters a column has. FAB's numbers in addresses are places in these lists."""

    conversion_table = (
        ("is_division", [InDivision]),
        ("is_relation_many_to_one", [RelatedIs, RelatedIsNot]),
        ("is_relation_one_to_one", [RelatedIs, RelatedIsNot]),
        ("is_relation_many_to_many", [RelatedHas]),
        ("is_relation_one_to_many", [RelatedHas]),
        ("is_masked", [FilterEqual]),  # by its beginning it could be told digit by digit
        ("is_choice", [FilterEqual, FilterNotEqual]),
        ("is_uuid", [FilterEqual]),
        ("is_text", _OF_TEXT),
        ("is_string", _OF_TEXT),
        ("is_numeric", _OF_NUMBER),
        *(
            (kind, offered)
            for kind, offered in SQLAFilterConverter.conversion_table
            if kind not in _REPLACED
        ),
    )


class CrudFilters(Filters):
    """FAB's, made once for each column instead of four times a request.

    :raises BadInput: what is asked for is not known, or no value of the column.
    """

    datamodel: ScopedInterface

    def _get_filters(self, cols: Sequence[str]) -> dict[str, list[BaseFilter]]:
        made = self.datamodel.filters_made
        for col in cols:
            if col not in made:
                made[col] = self.filter_converter(self.datamodel).convert(col) or []
        return {col: made[col] for col in cols if made[col]}

    def add_filter_index(self, column_name: str, filter_instance_index: int, value: Any) -> None:
        """``_flt_2_name=…`` of an address; what is empty asks for nothing."""
        given = [one for one in (value if isinstance(value, list) else [value]) if one != ""]
        if not given:
            return
        offered = self._all_filters.get(column_name, [])
        if filter_instance_index >= len(offered):
            raise BadInput(_("没有这一筛选条件，请从菜单重新打开页面。"))
        self._add_filter(offered[filter_instance_index], given)

    def rest_add_filters(self, data: Any) -> None:
        """``[{col, opr, value}]`` of the API."""
        for asked in data:
            try:
                col, operator, value = asked["col"], asked["opr"], asked["value"]
            except (KeyError, TypeError):
                raise BadInput(_("筛选条件须写明 col、opr 和 value。"), parameter="q") from None
            offered = self._search_filters.get(col, [])
            found = next((one for one in offered if one.arg_name == operator), None)
            if found is None:
                said = f"{col} {operator}"[:60]
                raise BadInput(_("没有这一筛选条件：%(said)s。", said=said), parameter="q")
            self._add_filter(found, value)

    def _add_filter(self, filter_instance: BaseFilter, values: Any) -> None:
        if filter_instance.arg_name not in _WORDS:  # the view's own, or FAB's with a function
            super()._add_filter(filter_instance, values)
            return
        several = isinstance(values, list)
        if several and len(values) > _MOST_VALUES:
            raise BadInput(_("一次最多按 %(n)s 个值筛选。", n=_MOST_VALUES))
        typed = [self._typed(filter_instance, v) for v in (values if several else [values])]
        super()._add_filter(filter_instance, typed if several else typed[0])

    def _typed(self, made: BaseFilter, value: Any) -> Any:
        try:
            return typed(self.datamodel, made, value)
        except (ValueError, KeyError, TypeError, ArithmeticError):
            label = self.datamodel.label(made.column_name)
            raise BadInput(_("筛选条件“%(label)s”的值有误，请重新填写。", label=label)) from None

    def get_joined_filters(self, filters: Filters) -> Filters:
        joined = self.copy()
        joined.filters, joined.values = self.filters + filters.filters, self.values + filters.values
        return joined

    def copy(self) -> Filters:
        made = type(self)(self.filter_converter, self.datamodel)
        made.filters, made.values = [*self.filters], [*self.values]
        return made


def typed(datamodel: ScopedInterface, made: BaseFilter, value: Any) -> Any:
    """A value as the filter compares it.

    :raises ValueError: it is none; KeyError, TypeError and ArithmeticError say so too.
    """
    name = made.column_name
    if datamodel.is_division(name):
        return _whole(value)
    if datamodel.is_relation(name):
        return datamodel.related(name).key(value)
    column = datamodel.list_columns.get(name)
    if column is None:
        return value
    if made.arg_name not in _COMPARED:
        return _text(value)
    if value is None:
        return None
    if datamodel.is_choice(name):
        return column.type.choices(value)
    if datamodel.is_boolean(name):
        return _BOOLEANS[value]
    kind = column.type.python_type
    if kind is str:
        return _text(value)
    if isinstance(value, kind) and not isinstance(value, bool):
        return value
    if kind is dt.date:
        return read_day(value)
    if kind is dt.datetime:
        read_day(value[:10])
        return kind.fromisoformat(value)
    if kind is int:
        return _whole(value)
    number = kind(str(value))
    if isinstance(number, Decimal | float) and not isfinite(number):
        raise ValueError(value)
    return number


def _whole(value: Any) -> int:
    if not -(2**63) <= int(value) < 2**63:
        raise ValueError(value)
    return int(value)


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise ValueError(value)
    return nfc(value)
