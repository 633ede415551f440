"""The rows of a register through FAB's data model: rules, flow, ownership, masks, history and audit are
those of the register's own pages, for what is written goes through the same actions.

Fields that a generated form cannot ask for (files, rows of children) stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import inspect

from app.access.audit.log import Act
from app.core.clock import uuid7
from app.core.errors import Invalid
from app.core.i18n import _, lazy
from app.kernel.declare.field import Field
from app.kernel.declare.register import Register, all_registers
from app.kernel.declare.rules import Problem
from app.kernel.kinds.values import to_json
from app.kernel.records import creations
from app.kernel.records import save as records
from app.web.crud.fields import CrudField, Stop
from app.web.crud.interface import ScopedInterface
from app.web.register import inputs

_BY_KERNEL = "crud_by_kernel"  # in Session.info: the register's own actions are at work


class RegisterInterface(ScopedInterface):
    """``obj``: a register's model. ``add``, ``edit`` and ``delete`` are its create, save and clear.

    :raises TypeError: no register has this model.
    """

    of_register = True

    def __init__(self, obj: Any, session: Any = None) -> None:
        found = next((r for r in all_registers() if r.model is obj), None)
        if found is None:
            raise TypeError(f"{obj.__name__} is no register's: use app.web.crud.SQLAInterface")
        self.register: Register = found
        super().__init__(obj, session, everybody=True)  # the guard limits every register

    # ---- what is shown ----------------------------------------------------------------------
    @property
    def masks(self) -> Mapping[str, Callable[[Any], str]]:
        return {name: made.mask for name, made in self.obj.__fields__.items() if made.masked}

    def labels_of_columns(self) -> dict[str, Any]:
        named = {name: lazy(made.label) for name, made in self.obj.__fields__.items()}
        return super().labels_of_columns() | named

    def text(self, column: str, value: Any) -> str | None:
        made = self.obj.__fields__.get(column)
        return made.listed(value) if made is not None else None

    def get_user_columns_list(self) -> list[str]:
        return ["region_id", *(name for name in self.register.fields if self._asked(name))]

    def get_search_columns_list(self) -> list[str]:
        named = self.register.lists.filters.split()
        return ["region_id", *(name for name in named if self._asked(name))]

    def form_field(self, name: str, label: Any) -> Any:
        made = self.obj.__fields__.get(name)
        return RuledField(label, made=made) if made is not None else None

    def _asked(self, name: str) -> bool:
        """Does a generated form ask for this field?"""
        made: Field = self.obj.__fields__[name]
        return made.typed and made.kind.stored and not made.rows

    # ---- what is written --------------------------------------------------------------------
    @contextmanager
    def _kernel(self) -> Iterator[None]:
        session = self.session()
        before, session.info[_BY_KERNEL] = session.info.get(_BY_KERNEL), True
        autoflush, session.autoflush = session.autoflush, True
        try:
            yield
        finally:
            session.info[_BY_KERNEL], session.autoflush = before, autoflush

    def wrote(self, item: Any, act: Act) -> None:
        """:raises RuntimeError: a row was changed past the register's rules."""
        if not self.session().info.get(_BY_KERNEL):
            raise RuntimeError(f"a row of {self.register.name} is changed by its actions alone")

    def add(self, item: Any, commit: bool = True) -> None:
        values = {n: getattr(item, n) for n in self._typed() if getattr(item, n) is not None}
        region_id = item.region_id
        if item in self.session:
            self.session.expunge(item)
        with self._kernel():
            creations.create(self.register, item.id or uuid7(), region_id, values)

    def edit(self, item: Any, commit: bool = True) -> None:
        """What a view or an action set in the row is taken off it, and saved by the register's action."""
        state = inspect(item)
        touched = {
            a.key for a in state.mapper.column_attrs if state.attrs[a.key].history.has_changes()
        }
        if wrong := touched - self._typed() - {"region_id"}:
            text = _("这些内容由系统维护，不能直接修改。")
            raise Invalid(text, [Problem(name, f"{name}.system", text) for name in sorted(wrong)])
        values = {name: getattr(item, name) for name in touched - {"region_id"}}
        region_id = item.region_id if "region_id" in touched else None
        self.session.expire(item)
        with self._kernel():
            records.save(self.register, item.id, values, item.version, region_id=region_id)

    def delete_all(self, items: Any) -> None:
        with self._kernel():
            for item in items:
                records.clear(self.register, item.id, item.version)

    def _typed(self) -> set[str]:
        return {name for name in self.register.fields if self._asked(name)}


class RuledField(CrudField):
    """A field of a register, read and shown as its kind says."""

    def __init__(self, label: Any = None, *, made: Field, **kwargs: Any) -> None:
        super().__init__(label, **kwargs)
        self.made = made
        self.typed: Any = None
        self.kind = made.kind.name

    def process_data(self, value: Any) -> None:
        self.data, self.typed = value, to_json(value)

    def process_formdata(self, valuelist: list[str]) -> None:
        several = self.made.kind.several
        self.typed = list(valuelist) if several else (valuelist[0] if valuelist else None)
        self.data = self.made.parse(self.typed)

    def pre_validate(self, form: Any) -> None:
        """Whether it must be filled in, the register's rules say."""
        if self.process_errors:
            raise Stop

    def shown(self) -> dict[str, Any]:
        described = inputs.described(self.made)
        if self.made.source_list and self.typed:
            options = inputs.with_held(self.made, described["options"], self.typed)
            described = described | {"options": options}
        if "until" in described:  # a division
            described = described | {"text": self.made.text(self.data) if self.data else ""}
        return described | {"name": self.name, "value": self.typed}
