"""Where the records of an import's rows lie: the division that the columns of a row name, else the account's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.access.divisions import match, regions
from app.access.divisions.match import Finder, Match, Place
from app.access.divisions.regions import Level
from app.access.scope import current_actor
from app.core.i18n import _, mark, translate
from app.kernel.declare.register import Register
from app.kernel.exchange import official
from app.kernel.exchange.imports.pipeline import Line
from app.kernel.exchange.places import PLACES
from app.kernel.records import places as record_places

_KEPT = 20_000


@dataclass
class _Found:
    """What columns that say the same mean."""

    place: Place | None = None
    flags: list[tuple[str, str]] = field(default_factory=list)
    wrong: list[tuple[str, str]] = field(default_factory=list)
    mended: bool = False


class RowPlaces:
    """Finds the division of each row of one import. Of a register with an official sheet a row whose town or
    village nobody finds lies in the division above, flagged; of others it is refused.
    """

    def __init__(self, register: Register) -> None:
        self._register, self._finder = register, Finder()
        self._lenient = official.sheet_of(register) is not None
        self._kept: dict[tuple[str, ...], _Found] = {}

    def of(self, line: Line, typed: Mapping[str, str]) -> Place | None:
        """The division of a row; None with a note."""
        said = tuple(typed.get(name, "").strip() for name in PLACES)
        if said not in self._kept:
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            self._kept[said] = self._find(dict(zip(PLACES, said, strict=True)))
        found = self._kept[said]
        for note in found.flags:
            line.flag(*note)
        for note in found.wrong:
            line.reject(*note)
        line.mended |= found.mended
        return None if found.wrong else found.place

    def _find(self, said: Mapping[str, str]) -> _Found:
        found = _Found()
        county = self._county(said, found)
        if county is not None:
            found.place = county
            (self._below_or_flag if self._lenient else self._below)(said, found)
        actor = current_actor()
        if found.place is not None and not found.wrong and actor is not None:
            asked = record_places.problems(self._register, actor, found.place.id)
            found.wrong += [("@county", problem.message) for problem in asked]
        return found

    def _county(self, said: Mapping[str, str], found: _Found) -> Place | None:
        """The county, or the account's own division where the row names none."""
        upper = said["@province"], said["@city"], said["@county"]
        if not any(upper) and (self._lenient or not any(said.values())):
            if (own := self._own(said)) is not None:
                return own
            found.wrong.append(("@county", translate("请填写县，需要时填写省、市、乡镇和村。")))
            return None
        named = self._finder.county(*upper)
        if named is None:
            text = mark("没有找到这个县，或写得不完整，请核对省、市、县。")
            found.wrong.append(("@county", translate(text)))
            return None
        found.mended |= not named.exact
        return named.place

    def _own(self, said: Mapping[str, str]) -> Place | None:
        """The account's own division; its county where the row says what lies in that."""
        actor, creates = current_actor(), self._register.creates
        own = regions.get(actor.region_id) if actor else None
        if own is None or creates is None or own.level < creates.level:
            return None
        county = regions.get(own.county_id) if any(said.values()) and own.county_id else own
        return match.place_of(county) if county is not None else None

    def _below(self, said: Mapping[str, str], found: _Found) -> None:
        """Its town and village as they are named."""
        for name, level in (("@town", Level.TOWN), ("@village", Level.VILLAGE)):
            above = found.place
            if above is None or not said[name]:
                return
            named = self._named(above, said[name], level)
            if named is None:
                text = _(
                    "“%(place)s”没有“%(name)s”，请核对。", place=above.full_name, name=said[name]
                )
                found.wrong.append((name, text))
                return
            found.place = named.place

    def _named(self, above: Place, name: str, level: Level) -> Match | None:
        find = self._finder.town if level == Level.TOWN else self._finder.village
        return find(above, name)

    def _below_or_flag(self, said: Mapping[str, str], found: _Found) -> None:
        """As far down as it is named and found; what is lacking is told."""
        town, village, place = said["@town"], said["@village"], found.place
        if place is None or place.level >= Level.VILLAGE:
            return
        if town and place.level < Level.TOWN:
            named = self._finder.town(place, town)
            if named is None:
                self._flag(found, "@town", town)
                return
            place = self._take(found, named)
        in_town = place.level >= Level.TOWN
        below = self._finder.village if in_town else self._finder.village_of_county
        if not village or (named := below(place, village)) is None:
            self._flag(found, "@village", village)
            return
        self._take(found, named)

    @staticmethod
    def _take(found: _Found, named: Match) -> Place:
        found.place, found.mended = named.place, found.mended or not named.exact
        return named.place

    @staticmethod
    def _flag(found: _Found, column: str, written: str) -> None:
        place = found.place.full_name if found.place else ""
        if not written:
            text = _("没有填写村，已保存到“%(place)s”，请补全行政区划。", place=place)
        else:
            text = _(
                "“%(place)s”没有“%(name)s”，已保存到“%(place)s”，请核对并补全行政区划。",
                place=place,
                name=written,
            )
        found.flags.append((column, text))
