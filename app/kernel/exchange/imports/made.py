"""Records that users make, from Excel: a row whose ID number (of a register with a ``key``: whose key)
stands in the register already changes that record, if the account may; any other makes one, in the
division that its columns name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import inspect, select

from app.access import policy
from app.access.actor import Capability
from app.access.divisions import regions
from app.access.divisions.match import Finder, Match
from app.access.divisions.regions import Level
from app.access.scope import current_actor
from app.core.clock import uuid7
from app.core.db import db
from app.core.i18n import _, mark, translate
from app.kernel.declare.register import Register
from app.kernel.exchange.imports.pipeline import Line
from app.kernel.kinds import formats
from app.kernel.records import creations, keys, owners
from app.kernel.records import save as records

#: The columns of a row's division, as exports name them.
PLACES = {
    "@province": mark("省"), "@city": mark("市"), "@county": mark("县"), "@town": mark("乡镇"),
    "@village": mark("村"),
}  # fmt: skip


class Maker:
    """Finds or makes the record of each row of one import."""

    def __init__(self, register: Register, where: Callable[[int], str]) -> None:
        """``where`` says where the row with a number stands."""
        self.register, self.number, self._where = register, register.number_field, where
        self._finder = Finder()
        self._seen: dict[str, tuple[int, str]] = {}  # number -> row and name where it stood first

    def record(self, line: Line, typed: Mapping[str, str], values: Mapping[str, Any]) -> Any:
        """The record that the row is about, or a new one; None with a note."""
        if self.register.key:
            found = self._of_key(line, values)
        else:
            found = self._of_number(line, formats.mend_id_number(typed[self.number]))
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
        found_place = self._place(line, typed)
        if not line.rejected and inspect(found).transient:
            found.region_id = found_place
        return None if line.rejected else found

    def _of_number(self, line: Line, number: str) -> Any:
        """The record of this ID number; a note where there is none in the row."""
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

    def _of_key(self, line: Line, values: Mapping[str, Any]) -> Any:
        """The record of which there is one alone; None where the row does not say of what: that is a
        new one. A note where the sheet says it twice.
        """
        key = keys.of(self.register, values)
        if key is None:
            return None
        row, _name = self._seen.setdefault(key, (line.number, line.name))
        if row != line.number:
            parts = [translate(self.register.fields[n].label) for n in self.register.key.split()]
            text = _("与第%(n)s行的%(parts)s相同。", n=self._where(row), parts=_("、").join(parts))
            line.reject(self.number, text)
            return None
        return keys.find(self.register, values)

    def _place(self, line: Line, typed: Mapping[str, str]) -> int | None:
        """The division that the row names, else the account's own; None with a note."""
        said = {name: typed.get(name, "").strip() for name in PLACES}
        if not any(said.values()):
            actor, creates = current_actor(), self.register.creates
            own = regions.get(actor.region_id) if actor else None
            if own is not None and creates is not None and own.level >= creates.level:
                return own.id
            line.reject("@county", translate("请填写县，需要时填写省、市、乡镇和村。"))
            return None
        match: Match | None = self._finder.county(said["@province"], said["@city"], said["@county"])
        for name, level in (("@town", Level.TOWN), ("@village", Level.VILLAGE)):
            if match is None or not said[name]:
                break
            find = self._finder.town if level == Level.TOWN else self._finder.village
            if (below := find(match.place, said[name])) is None:
                text = _(
                    "“%(place)s”没有“%(name)s”，请核对。",
                    place=match.place.full_name,
                    name=said[name],
                )
                line.reject(name, text)
                return None
            match = below
        if match is None:
            line.reject("@county", translate("没有找到这个县，或写得不完整，请核对省、市、县。"))
            return None
        return match.place.id

    def write(self, record: Any, values: dict[str, Any]) -> None:
        """Make the record, or change it; as a form does."""
        if inspect(record).transient:
            creations.new(self.register, record.id, record.region_id, values)
        else:
            records.save(self.register, record.id, values, record.version)
