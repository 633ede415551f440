"""FAB's data model inside the scope: what generated views, REST and actions read is limited, what they
write is asked of the policy and stands in the audit log.

Nothing here commits: the view that answers the request owns the transaction (app.core.transactions).
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from flask_appbuilder.models.sqla.interface import SQLAInterface
from sqlalchemy import Select, exists, func, inspect, select
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Query, Session, contains_eager, joinedload
from sqlalchemy.orm.exc import StaleDataError

from app.access import policy
from app.access.actor import SYSTEM, Capability
from app.access.audit import log as audit
from app.access.audit.log import Act
from app.access.divisions.regions import Region
from app.access.scope import Scoped, current_actor
from app.core.errors import Conflict, Invalid, NotFound, OutsideScope
from app.core.i18n import _, lazy
from app.core.types import CodeType, UuidType, nfc
from app.kernel.declare.register import all_registers
from app.kernel.declare.rules import Problem
from app.web.crud import refusals, together, written
from app.web.crud.filters import Converter, CrudFilters, RelatedHas, RelatedIs, hold, hold_names
from app.web.crud.written import PLACE, Placed, changes_of

#: A count says no more than "more than this".
MOST_COUNTED = 10_000
#: Rows that a select offers; where there are more one searches.
MOST_OFFERED = 200
_MOST_DIGITS = 18
Mask = Callable[[Any], str]
#: Model -> its columns that some view masks, and how.
_MASKED: defaultdict[Any, dict[str, Mask]] = defaultdict(dict)


class Unplaced(TypeError):
    """A view over rows that no scope would limit; the program does not start with it."""


class ScopedInterface(SQLAInterface):
    """``everybody``: the rows have no place, and all may see them. ``within``: what stands for the
    place of a model that is not Scoped: a condition, made for the actor.

    :raises Unplaced: neither, or the model is a register's, whose rules this would not ask.
    :raises TypeError: its key is of several columns, which addresses and relations do not tell.
    """

    filter_converter_class = Converter
    of_register: ClassVar[bool] = False
    #: Is a row locked that is read to be changed? Not one that joins several tables.
    locks: ClassVar[bool] = True
    # FAB's names, by which views ask for the rows that belong to one
    FilterRelationOneToManyEqual = RelatedIs
    FilterRelationManyToManyEqual = RelatedHas

    def __init__(
        self,
        obj: Any,
        session: Any = None,
        *,
        everybody: bool = False,
        within: Callable[[Any], Any] | None = None,
    ) -> None:
        if not (issubclass(obj, Scoped) or everybody or within):
            raise Unplaced(
                f"{obj.__name__} has no place: derive it from Scoped, or say"
                f" SQLAInterface({obj.__name__}, everybody=True) if all may see its rows,"
                " or within=<condition for the actor>"
            )
        if not self.of_register and any(r.model is obj for r in all_registers()):
            raise Unplaced(f"{obj.__name__} is a register's: use app.web.crud.RegisterInterface")
        super().__init__(obj, session)
        if self.is_pk_composite():
            raise TypeError(
                f"{obj.__name__} has a key of several columns: give it one of its own (id), and make"
                " those unique together"
            )
        self.within = within
        self.filters_made: dict[str, list[Any]] = {}
        self._related: dict[str, RelatedInterface] = {}
        self._masked: dict[str, Mask] = {}
        self.serve(SYSTEM, Capability.ENTER, {})

    def serve(
        self, subject: str, needs: Capability, labels: Mapping[str, Any], shown: Iterable[str] = (),
        *, audit_name: str = "",
    ) -> None:  # fmt: skip
        """Say for whom this is: what the policy is asked about and which capability writing needs, what
        columns are called, which are shown, so that their relations and divisions are read with them,
        and what the audit log calls the rows.
        """
        self.subject, self.needs, self.labels = subject, needs, labels
        self.audit_name = audit_name or subject
        roots = dict.fromkeys(self._root(column) for column in shown)
        self.eager = [name for name in roots if self.is_relation(name)]
        self.places = any(self.is_division(name) for name in roots)

    def mask(self, columns: Mapping[str, Mask]) -> None:
        """Say which columns are masked: they are found by their whole value alone, and order nothing."""
        self._masked |= columns
        _MASKED[self.obj] |= self._masked
        self.filters_made.clear()

    def mask_of(self, column: str) -> Mask | None:
        """How a column is masked; None: it is not. Of ``household.head_id`` the household's model says it."""
        root, _dot, rest = column.partition(".")
        beyond = self.related(root).mask_of(rest) if rest and self.is_relation(root) else None
        return self._masked.get(column) or beyond

    def require_placed(self, view: str, asked: Iterable[str], open_models: Collection[str]) -> None:
        """:raises Unplaced: a relation offers rows that lie nowhere, and nobody said that all may see them."""
        for column in filter(self.is_relation, asked):
            model = self.get_related_model(column)
            if not issubclass(model, Scoped) and model.__name__ not in open_models:
                raise Unplaced(
                    f"{view}: {column} offers every {model.__name__}, which has no place; name it in"
                    " open_models if all may see its rows"
                )

    def require_known(self, shown: Iterable[str]) -> None:
        """:raises Unplaced: a column is shown of rows whose masks nobody knows."""
        for column in shown:
            self._root(column)

    def _root(self, column: str) -> str:
        """:raises Unplaced: ``root.column`` of no relation, whose masks nobody knows; or of a relation of a
        relation, which a list would read row by row.
        """
        root, _dot, rest = column.partition(".")
        if rest and not self.is_relation(root):
            raise Unplaced(f"{self.obj.__name__}: {column} is shown, but {root} is no relation")
        if "." in rest:
            raise Unplaced(
                f"{self.obj.__name__}: {column} is two relations away, and a list would read it row by"
                f" row; show a column of {root}"
            )
        return root

    def label(self, column: str) -> str:
        """What a column is called in the user's language."""
        return str(self.labels.get(column, column))

    # ---- kinds of columns -------------------------------------------------------------------
    def is_masked(self, col: str) -> bool:
        return self.mask_of(col) is not None

    def is_choice(self, col: str) -> bool:
        """A member of a Choices enum."""
        return col in self.list_columns and isinstance(self.list_columns[col].type, CodeType)

    def is_uuid(self, col: str) -> bool:
        return col in self.list_columns and isinstance(self.list_columns[col].type, UuidType)

    def is_division(self, col: str) -> bool:
        """The division in which the row lies."""
        return col == "region_id" and issubclass(self.obj, Scoped)

    def get_user_columns_list(self) -> list[str]:
        found = [c for c in super().get_user_columns_list() if c not in PLACE]
        return ["region_id", *found] if self.is_division("region_id") else found

    def get_search_columns_list(self) -> list[str]:
        found = [
            c for c in super().get_search_columns_list()
            if c not in PLACE and not self.is_relation_one_to_many(c)
        ]  # fmt: skip
        return ["region_id", *found] if self.is_division("region_id") else found

    def get_filters(self, search_columns: Any = None, search_filters: Any = None) -> CrudFilters:
        return CrudFilters(
            self.filter_converter_class, self, search_columns=search_columns,
            search_filters=search_filters,
        )  # fmt: skip

    def subject_of(self, said: str | None) -> str | None:
        """What the policy is asked about: as the view says, else the view itself."""
        return said

    @property
    def creates(self) -> bool:
        """Do users make rows?"""
        return True

    # ---- what a data model knows of its columns ----------------------------------------------
    @property
    def masks(self) -> Mapping[str, Mask]:
        """Column -> how its value is masked, whatever a view says."""
        return {}

    def labels_of_columns(self) -> dict[str, Any]:
        """What columns are called where a view does not say."""
        return {"region_id": lazy("所在地区")}

    def text(self, column: str, value: Any) -> str | None:
        """A value in words; None: as values of its type are said."""
        return None

    def form_field(self, name: str, label: Any) -> Any:
        """The field that asks for a column; None: that of its type."""
        return None

    # ---- related rows -----------------------------------------------------------------------
    def related(self, col: str) -> RelatedInterface:
        """The rows that a relation may name."""
        if col not in self._related:
            self._related[col] = RelatedInterface(self.get_related_model(col))
        return self._related[col]

    get_related_interface = related

    def named(self, row: Any) -> str:
        """What a row is called where it is chosen."""
        return str(row)

    def get_related_obj(self, col_name: str, value: Any) -> Any:
        return self.related(col_name).get(value)

    # ---- reads ------------------------------------------------------------------------------
    def _apply_inner_all(self, query: Any, filters: Any = None, *args: Any, **kw: Any) -> Any:
        if self.within is not None:
            actor = current_actor()
            query = query.filter(self.within(actor) if actor else False)
        return super()._apply_inner_all(query, filters, *args, **kw)

    def apply_order_by(self, query: Any, order_column: str, *args: Any, **kw: Any) -> Any:
        kw["add_pk"] = True  # or pages overlap
        return super().apply_order_by(query, order_column, *args, **kw)

    def query_count(self, query: Any, filters: Any = None, select_columns: Any = None) -> int:
        return int(self.session.scalar(self._counted(query, filters)) or 0)

    def _counted(self, query: Any, filters: Any) -> Select[int]:
        found = self._apply_inner_all(query, filters, aliases_mapping={})
        keys = found.order_by(None).with_entities(self.get_pk())
        counted = keys.limit(MOST_COUNTED + 1).subquery()
        return select(func.count()).select_from(counted)

    def query(
        self, filters: Any = None, *args: Any, page_size: Any = None, select_columns: Any = None,
        **kw: Any,
    ) -> Any:  # fmt: skip
        """(how many, rows). Without a page's size as many as a select offers, which are not counted.

        ``select_columns``: FAB's API says what it shows, else it is what the view shows.
        """
        several, kw["select_columns"] = together.apart(self, select_columns)
        if page_size is not None:
            count, rows = self._page(filters, *args, page_size=page_size, **kw)
        elif select_columns:
            count, rows = super().query(filters, *args, **kw)
        else:
            asked = self.apply_all(self.session.query(self.obj), filters, *args, **kw)
            rows = asked.limit(MOST_OFFERED).all()
            count = len(rows)
        together.load(self, rows, several)
        return count, rows

    def _page(self, filters: Any, *args: Any, **kw: Any) -> Any:
        """The rows of a page, their divisions' names and how many there are in all, in one statement."""
        query = self.session.query(self.obj)
        asked = self.apply_all(query, filters, *args, **kw)
        if placed := kw["select_columns"] is None and self.places:
            name = select(Region.full_name).where(Region.id == self.obj.region_id)
            asked = asked.add_columns(name.scalar_subquery())
        found = asked.add_columns(self._counted(query, filters).scalar_subquery()).all()
        if not found:  # behind the last page, or there is none
            return self.query_count(query, filters), []
        if placed:
            hold_names({row[0].region_id: row[-2] for row in found})
        return found[0][-1], [row[0] for row in found]  # between them what FAB's API joins

    def apply_all(self, query: Any, *args: Any, **kw: Any) -> Query[Any]:
        return self._with_related(super().apply_all(query, *args, **kw))

    def _with_related(self, query: Query[Any]) -> Query[Any]:
        """The rows with those that they name one of; :meth:`read_related` brings the others."""
        for name in self.eager:
            if not self.is_to_many(name):
                query = query.options(joinedload(getattr(self.obj, name)))
        return query

    def read_related(self, rows: Sequence[Any], apart: str = "") -> None:
        """Read what the relations to many rows name that are shown, but for the relation ``apart``."""
        several, _rest = together.apart(self, None)
        together.load(self, rows, {name: () for name in several if name != apart})

    def is_to_many(self, col: str) -> bool:
        """A relation that names several rows."""
        return self.is_relation(col) and bool(self.list_properties[col].uselist)

    def key(self, said: Any) -> Any:
        """A row's key as the column keeps it. :raises ValueError: it is none."""
        return _typed(inspect(self.obj).primary_key[0], said)

    def get(self, pk: Any, filters: Any = None, select_columns: Any = None, *_args: Any) -> Any:
        """The row; None: there is none here. While one writes nobody else changes it any more."""
        try:
            key = self.key(pk)
        except ValueError:
            return None
        if select_columns is not None:  # FAB's API says which columns
            several, others = together.apart(self, select_columns)
            row = super().get(key, filters, others)
            together.load(self, [row] if row else [], several)
            return row
        joined = next(filter(self._is_joined, self.eager), "")
        row = self._with_key(key, filters, joined)
        self.read_related([row] if row else [], joined)
        return row

    def _with_key(self, key: Any, filters: Any, many: str) -> Any:
        """The row with this key, with what its relation ``many`` names, in its order or that of the keys:
        a join has none.
        """
        query = self._with_related(super().apply_all(self.session.query(self.obj), filters))
        if many:
            named = getattr(self.obj, many)
            order = named.property.order_by or named.property.mapper.primary_key
            query = query.outerjoin(named).options(contains_eager(named)).order_by(*order)
        query = query.filter(self.get_pk() == key)
        if self._is_writing():
            query = query.populate_existing().with_for_update(of=self.obj)
        if not self.is_division("region_id"):
            return query.one_or_none()
        query = query.outerjoin(Region, Region.id == self.obj.region_id).add_columns(Region)
        row, region = query.one_or_none() or (None, None)
        if row is not None:
            hold(row.region_id, region)
        return row

    def _is_joined(self, name: str) -> bool:
        """Is it to many rows of another table than those that the statement has already?"""
        return self.is_to_many(name) and self.get_related_model(name) not in (self.obj, Region)

    def get_some(self, keys: Sequence[Any], filters: Any = None) -> list[Any]:
        """The rows with these keys, in the order of the keys.

        :raises NotFound: one of them is not here.
        """
        try:
            wanted = [self.key(one) for one in keys]
        except ValueError:
            raise _not_here() from None
        if not wanted:
            return []
        query = self.apply_all(self.session.query(self.obj), filters)
        query = query.filter(self.get_pk().in_(wanted))
        if self._is_writing():
            query = query.with_for_update(of=self.obj)
        by_key = {self.get_pk_value(row): row for row in query}
        self.read_related([*by_key.values()])
        found = [by_key.get(one) for one in wanted]
        if None in found:
            raise _not_here()
        return found

    # ---- writes -----------------------------------------------------------------------------
    def require_open(self, item: Any) -> None:
        """:raises Conflict: nobody changes the row as it stands. :raises Forbidden: it is another one's."""

    def add(self, item: Any, commit: bool = True) -> None:
        with self.writing():
            self.session.add(item)

    def edit(self, item: Any, commit: bool = True) -> None:
        with self.writing():
            self.session.add(item)  # it is there, changed

    def delete(self, item: Any, commit: bool = True) -> None:
        self.delete_all([item])

    def delete_all(self, items: Iterable[Any]) -> None:
        with self.writing(deleting=True):
            for item in items:
                self.session.delete(item)

    @contextmanager
    def writing(self, *, deleting: bool = False) -> Iterator[None]:
        """What is written inside and flushed at its end, whoever changed a row.

        :raises Forbidden: the account may not. :raises Invalid: what the database refuses, by its
        column. :raises Conflict: a row is gone or changed, or others need it.
        """
        policy.require(self.needs, self.subject)
        session: Session = self.session()
        try:
            with written.by(session, self):
                with session.no_autoflush:
                    yield
                session.flush()
        except IntegrityError as error:
            raise refusals.of_integrity(self, error, deleting=deleting) from error
        except DataError as error:
            raise refusals.of_value(error) from error
        except OutsideScope as error:
            text = _("没有找到该行政区划，或它不在您的管辖范围内，请重新选择。")
            raise Invalid(text, [Problem("region_id", "region_id.foreign", text)]) from error
        except StaleDataError as error:
            raise Conflict(_("内容已被他人修改，请刷新后再操作。")) from error

    def _is_writing(self) -> bool:
        return self.locks and written.is_by(self.session(), self)

    def mend(self, row: Any) -> None:
        """Text is NFC, whatever type its column has and whoever set it."""
        for attribute in inspect(row).mapper.column_attrs:
            value = row.__dict__.get(attribute.key)
            if type(value) is str and value != nfc(value):
                setattr(row, attribute.key, nfc(value))

    def wrote(self, item: Any, act: Act) -> None:
        """A row was flushed: may the account do that there? Then it stands in the audit log."""
        state = inspect(item)
        if isinstance(item, Scoped):
            was = written.first(state.attrs["path"].history.deleted)
            for path in {was or item.path, item.path}:
                policy.require(self.needs, self.subject, Placed(path))
        if self.within is not None and act is not Act.DELETE:
            self._require_within(item)
        changes = changes_of(item, act)
        if not changes and act is Act.UPDATE:
            return
        identity = state.identity or inspect(type(item)).primary_key_from_instance(item)
        key = identity[0] if len(identity) == 1 else None
        detail: dict[str, Any] = {"changes": changes} if changes else {}
        placed = Placed(getattr(item, "path", None), key if isinstance(key, uuid.UUID) else None)
        if placed.id is None:
            detail["record"] = "-".join(map(str, identity))
        audit.record(self.session(), act, register=self.audit_name, row=placed, detail=detail)

    def _require_within(self, item: Any) -> None:
        """:raises OutsideScope: the row does not lie where the account sees it."""
        session, actor = self.session(), current_actor()
        same = [
            getattr(self.obj, column.key) == getattr(item, column.key)
            for column in inspect(self.obj).primary_key
        ]
        condition: Any = self.within(actor) if self.within and actor else False
        with session.no_autoflush:
            if not session.scalar(select(exists().where(*same, condition))):
                raise OutsideScope("a row was put where the account does not see it")


class RelatedInterface(ScopedInterface):
    """The rows that a relation names, which may be a register's: they are only read here. Whether those
    without a place may be offered, the view says that has the relation.
    """

    of_register = True

    def __init__(self, obj: Any) -> None:
        super().__init__(obj, everybody=not issubclass(obj, Scoped))

    def mask_of(self, column: str) -> Mask | None:
        """In whatever view of its own: of a register's model, by its fields."""
        made = getattr(self.obj, "__fields__", {}).get(column)
        own = made.mask if made is not None and made.masked else None
        return own or _MASKED[self.obj].get(column) or super().mask_of(column)

    def first_text(self) -> str:
        """The column by which its rows are ordered and searched where they are chosen; "": it has none."""
        columns = self.get_user_columns_list()
        return next((c for c in columns if self.is_string(c) and not self.is_masked(c)), "")

    def wrote(self, item: Any, act: Act) -> None:
        raise TypeError(f"{self.obj.__name__} is only read here")


def _typed(column: Any, said: Any) -> Any:
    if isinstance(column.type, UuidType):
        return said if isinstance(said, uuid.UUID) else uuid.UUID(str(said))
    if column.type.python_type is int:
        text = str(said)
        if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
            raise ValueError(said)
        return int(text)
    if isinstance(column.type, CodeType):
        return column.type.choices(said)
    return said if isinstance(said, column.type.python_type) else column.type.python_type(said)


def _not_here() -> NotFound:
    return NotFound(_("没有找到该记录。它可能已被删除，或不在您的管辖范围内。"))
