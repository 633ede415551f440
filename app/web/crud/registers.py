"""The rows of a register through FAB's data model: rules, flow, ownership, masks, history and audit are
those of the register's own pages, for what is written goes through the same actions.

Fields that a generated form cannot ask for (files, rows of children) stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.orm.attributes import set_committed_value

from app.access.audit.log import Act
from app.core.clock import uuid7
from app.core.errors import Invalid, NotFound
from app.core.i18n import _, lazy
from app.kernel.declare.field import Field
from app.kernel.declare.register import Register, all_registers
from app.kernel.declare.rules import Problem
from app.kernel.kinds.values import to_json
from app.kernel.records import creations, places
from app.kernel.records import save as records
from app.web.crud.fields import CrudField, DivisionField, Stop
from app.web.crud.interface import Mask, ScopedInterface, Unplaced
from app.web.crud.written import changes_of
from app.web.register import inputs

_PLACED = {"region_id"}  # the division, which is no field of a register
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

    def subject_of(self, said: str | None) -> str:
        """The register: a view of its own would be open to those for whom the register is closed.

        :raises Unplaced: the view says another one.
        """
        if said not in (None, self.register.name):
            raise Unplaced(
                f"{said}: rights in rows of {self.register.name} are those in the register; leave"
                " class_permission_name out"
            )
        return self.register.name

    # ---- what is shown ----------------------------------------------------------------------
    @property
    def masks(self) -> Mapping[str, Mask]:
        return {name: made.mask for name, made in self.obj.__fields__.items() if made.masked}

    def labels_of_columns(self) -> dict[str, Any]:
        named = {name: lazy(made.label) for name, made in self.obj.__fields__.items()}
        return super().labels_of_columns() | named

    def text(self, column: str, value: Any) -> str | None:
        made = self.obj.__fields__.get(column)
        return made.listed(value) if made is not None else None

    def get_user_columns_list(self) -> list[str]:
        return [*self._place, *(name for name in self.register.fields if self._asked(name))]

    def get_search_columns_list(self) -> list[str]:
        named = self.register.lists.filters.split()
        return ["region_id", *(name for name in named if self._asked(name))]

    def form_field(self, name: str, label: Any) -> Any:
        if self.is_division(name):  # whether one is needed, and how low, the register says
            return DivisionField(label)
        made = self.obj.__fields__.get(name)
        return RuledField(label, made=made) if made is not None else None

    @property
    def creates(self) -> bool:
        return self.register.creates is not None

    @property
    def _place(self) -> set[str]:
        """The division, where users choose it: of a household it is the household's."""
        return _PLACED if self.creates and not self.register.of_households else set()

    def _asked(self, name: str) -> bool:
        """Does a generated form ask for this field?"""
        made: Field = self.obj.__fields__[name]
        return made.typed and made.kind.stored and not made.rows

    # ---- what is written --------------------------------------------------------------------
    @contextmanager
    def _kernel(self) -> Iterator[None]:
        """The register's own actions, which flush what they read; the form calls the division otherwise."""
        session = self.session()
        before, session.info[_BY_KERNEL] = session.info.get(_BY_KERNEL), True
        autoflush, session.autoflush = session.autoflush, True
        try:
            yield
            session.flush()
        except Invalid as error:
            placed = [
                replace(one, field="region_id") if one.field == places.FIELD else one
                for one in error.problems
            ]
            raise Invalid(error.message, placed) from error
        finally:
            session.info[_BY_KERNEL], session.autoflush = before, autoflush

    def wrote(self, item: Any, act: Act) -> None:
        """:raises Invalid: a row was changed past the register's actions, which keep the audit log."""
        if not self.session().info.get(_BY_KERNEL):
            raise _by_the_system(changes_of(item, act))

    def require_open(self, item: Any) -> None:
        records.require_entry(self.register, item)
        records.require_editable(self.register, item)

    def add(self, item: Any, commit: bool = True) -> None:
        """:raises NotFound: users make no records of this register (whose views have no such route)."""
        if not self.creates:
            raise NotFound(_("没有这一操作。"))
        make = creations.create if item.id else creations.new
        item.id = item.id or uuid7()
        touched = self._touched(item) - {"id"}
        values, wrong = self._read({n: getattr(item, n) for n in touched - _PLACED})
        region_id = item.region_id
        if item in self.session:
            self.session.expunge(item)
        with self._kernel():
            make(self.register, item.id, region_id, values, wrong)

    def edit(self, item: Any, commit: bool = True) -> None:
        """What a view or an action set in the row is taken off it, and saved by the register's action."""
        touched = self._touched(item)
        values, wrong = self._read({name: getattr(item, name) for name in touched - _PLACED})
        region_id = item.region_id if touched & _PLACED else None
        self._take_back(item, touched)
        with self._kernel():
            records.put(self.register, item, values, item.version, wrong, region_id)

    def delete_all(self, items: Any) -> None:
        with self._kernel():
            for item in items:
                records.clear(self.register, item.id, item.version)

    def _take_back(self, item: Any, touched: Iterable[str]) -> None:
        """The row as it was read, so that it need not be read again."""
        for name in touched:
            if before := inspect(item).attrs[name].history.deleted:
                set_committed_value(item, name, before[0])
            else:  # nobody has read it
                self.session.expire(item, [name])

    def _touched(self, item: Any) -> set[str]:
        """The columns that a view or an action set.

        :raises Invalid: among them is one that users do not fill in.
        """
        state = inspect(item)
        touched = {
            a.key for a in state.mapper.column_attrs if state.attrs[a.key].history.has_changes()
        }
        given = {name for name in self.register.fields if self._asked(name)} | self._place
        if wrong := touched - given - ({"id"} if state.transient else set()):
            raise _by_the_system(wrong)
        return touched

    def _read(self, given: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
        """Values as their fields read them, whoever set them, and what is wrong with them."""
        values: dict[str, Any] = {}
        wrong: list[Problem] = []
        for name, value in given.items():
            try:
                values[name] = self.obj.__fields__[name].parse(to_json(value))
            except ValueError as error:
                wrong.append(Problem(name, f"{name}.kind", str(error)))
        return values, wrong


def _by_the_system(columns: Iterable[str]) -> Invalid:
    text = _("这些内容由系统维护，不能直接修改。")
    return Invalid(text, [Problem(name, f"{name}.system", text) for name in sorted(columns)])


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
