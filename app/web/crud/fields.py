"""Form fields of generated views: those that FAB lacks, and any of its fields as our frame shows it."""

from __future__ import annotations

from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Integer, Numeric, SmallInteger
from wtforms import Field, validators

from app.access.divisions.regions import Region, within
from app.access.scope import current_actor
from app.core.choices import Choices
from app.core.errors import NotFound
from app.core.i18n import _
from app.web.crud.filters import division
from app.web.crud.interface import MOST_OFFERED

if TYPE_CHECKING:
    from app.web.crud.interface import RelatedInterface

_YES, _NO = "yes", "no"
_MOST_DIGITS = 9
#: How large a whole number may be, by its column.
_BITS: dict[Any, int] = {SmallInteger: 15, BigInteger: 63}
_USUAL_BITS = 31
#: What asks for a field of WTForms, by its class; anything else is a line of text.
_KINDS = {
    "TextAreaField": "textarea", "IntegerField": "integer", "DecimalField": "decimal",
    "FloatField": "decimal", "DateField": "date",
}  # fmt: skip
Stop = validators.StopValidation
Option = dict[str, str]


class CrudField(Field):
    """A field that says itself whether it must be filled in, and how it is shown."""

    kind = "text"

    def __init__(self, label: Any = None, *, needed: bool = False, **kwargs: Any) -> None:
        super().__init__(label, **kwargs)
        self.needed = needed

    def pre_validate(self, form: Any) -> None:
        if self.process_errors:
            raise Stop
        if self.needed and self.empty():
            raise Stop(_("请填写“%(label)s”。", label=str(self.label.text)))

    def empty(self) -> bool:
        return self.data is None

    def shown(self) -> dict[str, Any]:
        """What ``register/_fields.html`` is told beside name, label and errors."""
        return {"value": self.data}


class DivisionField(CrudField):
    """A division of the account's area, chosen with the picker."""

    kind = "region"

    def process_formdata(self, valuelist: list[str]) -> None:
        text = valuelist[0].strip() if valuelist else ""
        right = text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
        self.data = int(text) if right else None

    def pre_validate(self, form: Any) -> None:
        super().pre_validate(form)
        if self.data is None:
            return
        region = self.region()
        if region is None:
            raise Stop(_("没有找到该行政区划，或它不在您的管辖范围内，请重新选择。"))
        if region.county_id is None:
            raise Stop(_("请至少选择到县级行政区划。"))

    def region(self) -> Region | None:
        """What is chosen, where the account may choose it."""
        actor, found = current_actor(), division(self.data) if self.data else None
        if actor is None or found is None or found.structural:
            return None
        return found if within(found.path, actor.path) else None

    def shown(self) -> dict[str, Any]:
        region = self.region()  # a foreign one's name is not shown
        return {"value": self.data if region else None, "text": region.full_name if region else ""}


class ChoiceField(CrudField):
    """One of a Choices enum."""

    kind = "choice"

    def __init__(self, label: Any = None, *, choices: type[Choices], **kwargs: Any) -> None:
        super().__init__(label, **kwargs)
        self.choices = choices

    def process_formdata(self, valuelist: list[str]) -> None:
        text = valuelist[0] if valuelist else ""
        known = text in {choice.value for choice in self.choices}
        self.data = self.choices(text) if known else None
        if text and not known:
            raise ValueError(_("请从列表中选择。"))

    def shown(self) -> dict[str, Any]:
        options = [{"value": choice.value, "label": choice.label} for choice in self.choices]
        return {"value": self.data.value if self.data else "", "options": options}


class YesNoField(CrudField):
    """Yes or no, which says itself that it was answered: an unticked box is no answer."""

    kind = "yes_no"

    def process_formdata(self, valuelist: list[str]) -> None:
        said = {_YES: True, _NO: False}
        self.data = said.get(valuelist[0]) if valuelist else None

    def shown(self) -> dict[str, Any]:
        return {"value": "" if self.data is None else (_YES if self.data else _NO)}


class RelationField(CrudField):
    """A row of another table, found by its key within the scope. FAB looks for it among all that it
    offers, so that one past the end of its select could be neither chosen nor kept.

    ``asked``: filters of the rows that may be chosen; what the row has already it may keep.
    """

    kind = "choice"

    def __init__(
        self, label: Any = None, *, related: RelatedInterface, asked: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(label, **kwargs)
        self.related, self.asked = related, asked
        self.search_url = ""

    def process_formdata(self, valuelist: list[str]) -> None:
        found = self.found([text for text in valuelist[:1] if text])
        self.data = found[0] if found else None

    def found(self, keys: list[str]) -> list[Any]:
        """The rows with these keys. :raises ValueError: one is not there to be chosen."""
        held = {self.key(row): row for row in self.held()}
        try:
            chosen = self.related.get_some([k for k in keys if k not in held], self.asked)
        except NotFound:
            raise ValueError(_("没有找到所选的内容，它可能已被删除，请重新选择。")) from None
        known = held | {self.key(row): row for row in chosen}
        return [known[key] for key in keys]

    def held(self) -> list[Any]:
        return [self.object_data] if self.object_data is not None else []

    def key(self, row: Any) -> str:
        return str(self.related.get_pk_value(row))

    def offered(self) -> list[Any]:
        """At most as many as a select holds, and what is chosen already."""
        rows = list(self.related.query(self.asked, self.related.first_text(), "asc")[1])
        return rows + [row for row in self.chosen() if row not in rows]

    def chosen(self) -> list[Any]:
        return [self.data] if self.data is not None else []

    def shown(self) -> dict[str, Any]:
        rows, chosen = self.offered(), [self.key(row) for row in self.chosen()]
        return {
            "value": chosen[0] if chosen else "",
            "options": [{"value": self.key(row), "label": self.related.named(row)} for row in rows],
            "search_url": self.search_url if len(rows) >= MOST_OFFERED else "",
        }


class RelationsField(RelationField):
    """Several rows of another table. All that the row has is shown, however many there are."""

    kind = "many"

    def process_data(self, value: Any) -> None:
        self.data = list(value or ())

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = self.found(list(dict.fromkeys(text for text in valuelist if text)))

    def held(self) -> list[Any]:
        return list(self.object_data or ())

    def chosen(self) -> list[Any]:
        return list(self.data or ())

    def empty(self) -> bool:
        return not self.data

    def shown(self) -> dict[str, Any]:
        return super().shown() | {"value": [self.key(row) for row in self.chosen()]}


def wrong_number(kind: Any, value: Any) -> str | None:
    """Why a column of that type holds no such number; None where it does."""
    if isinstance(value, Decimal | float) and not isfinite(value):
        return _("应为数字。")
    if isinstance(kind, Integer) and type(value) is int:
        bits = next((n for sized, n in _BITS.items() if isinstance(kind, sized)), _USUAL_BITS)
        low, high = -(2**bits), 2**bits - 1
        if not low <= value <= high:
            return _("应为 %(low)s 至 %(high)s 的整数。", low=low, high=high)
    if isinstance(kind, Numeric) and kind.precision and isinstance(value, Decimal):
        places = kind.scale or 0
        if abs(value) >= 10 ** (kind.precision - places):
            return _("数字过大，最多 %(n)s 位整数。", n=kind.precision - places)
        if -int(value.as_tuple().exponent) > places:
            return _("最多 %(n)s 位小数。", n=places)
    return None


class Fits:
    """A number that its column holds."""

    def __init__(self, kind: Any) -> None:
        self.kind = kind

    def __call__(self, form: Any, field: Field) -> None:
        if said := wrong_number(self.kind, field.data):
            raise Stop(said)


class Unique:
    """No other row says the same. FAB keeps the message in the language of who saw it first; one that
    lies outside the area the database refuses.
    """

    def __init__(self, datamodel: Any, column: str) -> None:
        self.datamodel, self.column = datamodel, column

    def __call__(self, form: Any, field: Field) -> None:
        filters = self.datamodel.get_filters()
        filters.add_filter(self.column, self.datamodel.FilterEqual, field.data)
        own = getattr(form, "own_key", None)
        if any(self.datamodel.get_pk_value(row) != own for row in self.datamodel.query(filters)[1]):
            raise Stop(_("“%(what)s”已经存在，请核对。", what=str(field.label.text)))


def told(field: Field) -> dict[str, Any]:
    """The field for ``register/_fields.html``: ours, or any of WTForms' and FAB's."""
    made = {
        "name": field.name,
        "label": str(field.label.text),
        "kind": getattr(field, "kind", None) or _KINDS.get(field.type, "text"),
        "help": str(field.description or ""),
        "required": bool(getattr(field, "needed", False) or field.flags.required),
        "errors": [str(error) for error in field.errors],
        "length": field.flags.maxlength,
    }
    if isinstance(field, CrudField):
        return made | field.shown()
    if field.type == "BooleanField":
        return made | {"kind": "many", "value": ["y"] if field.data else [], "options": _ticked()}
    if hasattr(field, "iter_choices"):
        return made | _of_select(field)
    as_typed = getattr(field, "_value", None)
    return made | {"value": as_typed() if as_typed else field.data}


def _of_select(field: Any) -> dict[str, Any]:
    choices = list(field.iter_choices())
    chosen = [str(choice[0]) for choice in choices if choice[2]]
    many = "Multiple" in field.type
    return {
        "kind": "many" if many else "choice",
        "options": [{"value": str(c[0]), "label": str(c[1])} for c in choices if str(c[1])],
        "value": chosen if many else (chosen[0] if chosen else ""),
    }


def _ticked() -> list[Option]:
    return [{"value": "y", "label": _("是")}]
