"""Records that users make, from Excel: a row whose ID number stands in the register already changes that
record, if the account may; any other makes one, in the division that its columns name. Of a register with a
``key``: :mod:`app.kernel.exchange.imports.keyed`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import inspect, select

from app.access import policy
from app.access.actor import Capability
from app.access.divisions.match import Place
from app.access.scope import current_actor
from app.core.clock import uuid7
from app.core.db import db
from app.core.i18n import _, translate
from app.kernel.declare.register import Register
from app.kernel.declare.rules import Evaluation
from app.kernel.exchange.imports.pipeline import Line
from app.kernel.exchange.imports.row_places import RowPlaces
from app.kernel.kinds import formats
from app.kernel.records import creations, owners
from app.kernel.records import save as records


class Maker:
    """Finds or makes the record of each row of one import."""

    def __init__(self, register: Register, where: Callable[[int], str]) -> None:
        """``where`` says where the row with a number stands."""
        self.register, self.number, self._where = register, register.number_field, where
        self._places = RowPlaces(register)
        self._seen: dict[str, tuple[int, str]] = {}  # number -> row and name where it stood first

    def passed(self, number: int, typed: Mapping[str, str], name: str) -> None:
        """A row that went in before: others of the file are compared with it."""
        given = formats.mend_id_number(typed.get(self.number, ""))
        if given:
            self._seen.setdefault(given, (number, name))

    @contextmanager
    def prepared(self, lines: Sequence[Any]) -> Iterator[None]:
        """Inside these rows are decided."""
        yield

    def write_new(self) -> None:
        """Write what :meth:`write` left for the end of the rows that are decided together."""

    def record(self, line: Any, typed: Mapping[str, str], values: dict[str, Any]) -> Any:
        """The record that the row is about, or a new one; None with a note."""
        found = self._find(line, typed, values)
        if line.rejected:
            return None
        actor = current_actor()
        if found is None:
            found = creations.blank(self.register, uuid7())
        elif (
            actor is not None
            and self.register.owned
            and not owners.keeps(self.register, found, actor)
        ):
            text = _("该记录由“%(who)s”录入，只有录入人可以修改。", who=found.entered_name)
            line.reject(self.number, text)
            return None
        place = self._place_of(line, typed)
        if place is not None and inspect(found).transient:
            found.region_id = place.id
        return None if line.rejected else found

    def _place_of(self, line: Any, typed: Mapping[str, str]) -> Place | None:
        return self._places.of(line, typed)

    def _find(self, line: Line, typed: Mapping[str, str], _values: dict[str, Any]) -> Any:
        """The record of the row's ID number; a note where there is none in the row."""
        number = formats.mend_id_number(typed[self.number])
        if not number:
            line.reject(self.number, translate("身份证号为空，无法录入。"))
            return None
        row, name = self._seen.setdefault(number, (line.number, line.name))
        if name != line.name:
            text = _("与第%(n)s行的身份证号相同，姓名不同，请核对。", n=self._where(row))
            line.reject(self.number, text)
            return None
        model = self.register.model
        mine = policy.rows(model, Capability.ENTER, self.register.name)
        query = select(model).where(getattr(model, self.number) == number, mine)
        return db.session.scalar(query)

    def write(
        self, record: Any, values: dict[str, Any], place: Place | None, result: Evaluation
    ) -> None:
        """Make the record, or change it; as a form does."""
        if inspect(record).transient:
            creations.new(self.register, record.id, record.region_id, values)
        else:
            records.save(self.register, record.id, values, record.version)
