"""Which field a form of a generated view asks a column with."""

from __future__ import annotations

from typing import Any

from flask_appbuilder.forms import FieldConverter, GeneralModelConverter
from wtforms import StringField, TextAreaField, validators

from app.core.i18n import lazy
from app.core.types import nfc
from app.web.crud.fields import (
    ChoiceField,
    DivisionField,
    Fits,
    RelationField,
    RelationsField,
    Unique,
    YesNoField,
)
from app.web.crud.interface import ScopedInterface


def _plain(text: Any) -> Any:
    return nfc(text) if isinstance(text, str) else text


class FormConverter(GeneralModelConverter):
    """FAB's, with fields for divisions, choices, yes and no, and relations of any size."""

    datamodel: ScopedInterface

    def _convert_many_to_one(
        self, col_name: str, label: Any, description: Any, lst_validators: Any,
        filter_rel_fields: Any, form_props: dict[str, Any],
    ) -> dict[str, Any]:  # fmt: skip
        needed = not self.datamodel.is_nullable(col_name)
        form_props[col_name] = self._relation(
            RelationField, col_name, filter_rel_fields, label, needed=needed,
            description=description, validators=lst_validators,
        )  # fmt: skip
        return form_props

    def _convert_many_to_many(
        self, col_name: str, label: Any, description: Any, lst_validators: Any,
        filter_rel_fields: Any, form_props: dict[str, Any],
    ) -> dict[str, Any]:  # fmt: skip
        form_props[col_name] = self._relation(
            RelationsField, col_name, filter_rel_fields, label,
            description=description, validators=lst_validators,
        )  # fmt: skip
        return form_props

    def _relation(self, field: Any, name: str, asked: Any, label: Any, **kwargs: Any) -> Any:
        related = self.datamodel.related(name)
        if asked := (asked or {}).get(name):
            asked = related.get_filters().add_filter_list(asked)
        return field(label, related=related, asked=asked, **kwargs)

    def _convert_simple(
        self, col_name: str, label: Any, description: Any, lst_validators: Any,
        form_props: dict[str, Any],
    ) -> dict[str, Any]:  # fmt: skip
        form_props[col_name] = (
            self.datamodel.form_field(col_name, label)
            or self._ours(col_name, label, description)
            or self._fabs(col_name, label, description, [*lst_validators])
        )
        return form_props

    def _ours(self, name: str, label: Any, description: Any) -> Any:
        datamodel = self.datamodel
        asks = {"needed": not datamodel.is_nullable(name), "description": description}
        if datamodel.is_division(name):
            return DivisionField(label, **asks)
        if datamodel.is_choice(name):
            return ChoiceField(label, choices=datamodel.list_columns[name].type.choices, **asks)
        if datamodel.is_boolean(name):
            return YesNoField(label, default=datamodel.get_col_default(name), **asks)
        return None

    def _fabs(self, name: str, label: Any, description: Any, checks: list[Any]) -> Any:
        datamodel = self.datamodel
        nullable = datamodel.is_nullable(name)
        needed = validators.InputRequired(lazy("请填写“%(label)s”。", label=label))
        checks.insert(0, validators.Optional() if nullable else needed)
        if (longest := datamodel.get_max_length(name)) != -1:
            checks.append(validators.Length(max=longest))
        kind = datamodel.list_columns[name].type
        checks.append(Fits(kind))
        if datamodel.is_unique(name):
            checks.append(Unique(datamodel, name))
        made = FieldConverter(
            datamodel, name, label, description, checks, default=datamodel.get_col_default(name)
        ).convert()
        if made is not None and made.field_class in (StringField, TextAreaField):
            empty_is_none = [lambda text: text or None] if nullable else []
            made.kwargs["filters"] = [_plain, *empty_is_none]
        return made
