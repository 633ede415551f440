"""Household archives of the demonstration, of all plan years since 2009: in every stage, with every kind of
finding, most with photos.
"""

from __future__ import annotations

import copy
import datetime as dt
import random
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from itertools import cycle
from typing import TYPE_CHECKING, Any

from app.access.divisions.regions import Level
from app.core.clock import uuid7
from app.demo.accounts import Staff
from app.demo.archives.mistakes import mistakes
from app.demo.people import People
from app.demo.places import Place
from app.demo.timeline import Timeline
from app.kernel.declare.flow import RETURN_REASONS, State, optional_county_review
from app.kernel.kinds import formats
from app.kernel.records import judging, keys
from app.kernel.rows.file import Attachment
from app.kernel.rows.record import HistoryEntry
from app.modules.archives.choices import (
    ArchiveStage,
    ArchiveStructure,
    ArchiveWay,
    BuiltBy,
    EnergySaving,
    HouseOwner,
    OldDecade,
    PovertyKind,
    RenovationReason,
    SubsidyKind,
)
from app.modules.archives.model import Archive
from app.modules.archives.register import ARCHIVE
from app.modules.archives.rules import stage_of

if TYPE_CHECKING:
    from app.demo.load import _Demonstration

Values = dict[str, Any]
Weights = dict[Any, int]
FIRST_YEAR = 2009
_SEED = 20090601
#: Archives of a county's year, and the share of listed households that have one.
_A_YEAR, _LISTED = 9, 0.006
#: Of a hundred archives so many break a rule on purpose, have been sent back, lack their photos; of a hundred
#: photos so many are of a few that are used again.
_SPOILT, _SENT_BACK, _BARE, _AGAIN = 30, 3, 6, 3
_KINDS: Weights = {
    SubsidyKind.CENTRAL: 74, SubsidyKind.PROVINCE: 14, SubsidyKind.CITY: 7, SubsidyKind.COUNTY: 5,
}  # fmt: skip
_POVERTY: tuple[tuple[int, Weights], ...] = (
    (2016, {PovertyKind.FIVE_GUARANTEES: 8, PovertyKind.ALLOWANCE: 27, PovertyKind.OTHER_POOR: 65}),
    (2020, {PovertyKind.REGISTERED: 55, PovertyKind.ALLOWANCE: 27, PovertyKind.DESTITUTE: 11,
            PovertyKind.DISABLED: 7}),
    (9999, {PovertyKind.ALLOWANCE: 40, PovertyKind.DESTITUTE: 14, PovertyKind.BORDERLINE: 15,
            PovertyKind.RELAPSE: 10, PovertyKind.STRICKEN: 6, PovertyKind.EXITED: 5, PovertyKind.GENERAL: 10}),
)  # fmt: skip
_REASONS: Weights = {RenovationReason.D: 66, RenovationReason.C: 26, RenovationReason.OTHER: 8}
_DECADES: Weights = {
    OldDecade.HOUSELESS: 4, OldDecade.FIFTIES: 4, OldDecade.SIXTIES: 14, OldDecade.SEVENTIES: 32,
    OldDecade.EIGHTIES: 34, OldDecade.NINETIES: 12,
}  # fmt: skip
_OLD: Weights = {
    ArchiveStructure.ADOBE: 52, ArchiveStructure.CAVE: 10, ArchiveStructure.TIMBER: 12,
    ArchiveStructure.MIXED_TIMBER: 16, ArchiveStructure.PLAIN_MASONRY: 10,
}  # fmt: skip
_NEW: Weights = {
    ArchiveStructure.BRICK_CONCRETE: 78, ArchiveStructure.MIXED_TIMBER: 10,
    ArchiveStructure.CONCRETE: 8, ArchiveStructure.LIGHT_STEEL: 4,
}  # fmt: skip
_BUILT: Weights = {
    ArchiveWay.REBUILD: 60, ArchiveWay.NEW_APART: 18, ArchiveWay.NEW_TOGETHER: 16, ArchiveWay.EXCHANGE: 6
}  # fmt: skip
#: Years ago -> how far the archives of that plan year are; of all before as the last.
_PROGRESS = ((28, 34, 38), (6, 16, 78), (1, 4, 95))
_GROUPS = "一二三四五六"
_PHOTOS = {
    "photos_before": "risky_photos",
    "photos_during": "front_photos",
    "photos_after": "front_photos",
}


#: The days on which cameras say that photos were taken.
_TAKEN = {"photos_before": "before_taken", "photos_after": "after_taken"}


class Archives:
    """Makes the archives of the demonstration's counties, year by year."""

    def __init__(self, demo: _Demonstration) -> None:
        self.demo = demo
        self.pick = random.Random(_SEED)  # of its own: the other data stay what they were
        self.people = People(self.pick, demo.people.numbers)
        self.album = copy.copy(demo.album)
        self.album.pick = self.pick
        self.timeline = Timeline(self.pick, demo.today, [])
        self.last = demo.today - dt.timedelta(days=1)
        self.counted: Counter[tuple[str, int, SubsidyKind]] = Counter()
        self._mistakes = cycle(mistakes(demo.today))

    def household(self, place: Place, home: Values, staff: Staff) -> None:
        """Perhaps the household was renovated; most are not."""
        known = home["head_id"] and formats.id_number_valid(home["head_id"], self.demo.today)
        if place.level != Level.VILLAGE or not known or self.pick.random() >= _LISTED:
            return
        named = {"household_id": home["id"], "head_name": home["head_name"], "head_id": home["head_id"],
                 "population": home["population"], "ethnicity": home["ethnicity"],
                 "village_group": home["village_group"]}  # fmt: skip
        self._archive(place, self.pick.randint(FIRST_YEAR, self.last.year), staff, named)

    def county(self, places: Sequence[Place], prefixes: list[str], staff: Staff) -> None:
        """Those whose household stands on no list."""
        villages = [place for place in places if place.level == Level.VILLAGE]
        for year in range(FIRST_YEAR, self.last.year + 1):
            for _one in range(_A_YEAR):
                person = self.people.head(prefixes)
                named = {
                    "head_name": person.name, "head_id": person.number, "ethnicity": "01",
                    "population": self.pick.choices(range(1, 8), (16, 24, 20, 19, 12, 6, 3))[0],
                    "village_group": self.pick.choice(_GROUPS) + "组",
                }  # fmt: skip
                self._archive(self.pick.choice(villages), year, staff, named)

    def _archive(self, place: Place, year: int, staff: Staff, named: Values) -> None:
        said = self._answers(year) | named
        said |= self._house(said)
        if self._turn(_SPOILT):
            next(self._mistakes)(said)
        if said["head_id"] != named["head_id"]:  # nobody knows whose it is
            said["household_id"] = None
        said = _taken(said) | said
        clerk = staff.clerk_of(place.path)
        at = self._entered(said)
        row = self.demo.add(
            Archive, place, id=uuid7(), version=1, created_at=at, changed_at=at, state=State.DRAFT,
            progress=_stage_of(said), **said,
        )  # fmt: skip
        row["unique_key"] = keys.of(ARCHIVE, row)
        photos = self._photos(place, row, clerk, at)
        row |= {day: None for field, day in _TAKEN.items() if not photos.get(field)}
        result = ARCHIVE.rules.evaluate(row | photos)
        broken = judging.codes(ARCHIVE, result)
        row |= {"broken": broken, "severities": ARCHIVE.rules.severities(broken)}
        if broken and self._turn(_SENT_BACK * 3):
            self._send_back(place, row, staff, at)
        self.demo.count_in(ARCHIVE, row, at)
        self.counted[place.path, year, said["subsidy_kind"]] += 1

    def _turn(self, percent: int) -> bool:
        return self.pick.random() * 100 < percent

    def _one_of(self, weights: Weights) -> Any:
        return self.pick.choices(list(weights), list(weights.values()))[0]

    def _entered(self, said: Values) -> dt.datetime:
        """When it was entered: what is older than the demonstration came in with its list."""
        days = [day for n in ("approved_on", "started_on", "completed_on") if (day := said[n])]
        day = max(days, default=dt.date(said["plan_year"], 1, 1))
        begun = self.demo.timeline.issued
        at = self.timeline.moment(min(day + dt.timedelta(days=self.pick.randint(1, 12)), self.last))
        return max(begun, at)

    # ---- what it says -------------------------------------------------------------------------
    def _answers(self, year: int) -> Values:
        """Of the renovation, as it would be right."""
        kinds = next(weights for last, weights in _POVERTY if year <= last)
        poverty = self._one_of(kinds)
        demonstration = self._turn(6)
        days = self._days(year)
        completed = days["completed_on"] is not None
        least = 5000 + 600 * (year - FIRST_YEAR)
        subsidy = Decimal(self.pick.randrange(least, least + 3000, 100))
        own = Decimal(self.pick.randrange(8000, 45_000, 100))
        loan = Decimal(self.pick.choice((0, 0, 0, 5000, 10_000)))
        return {
            "plan_year": year, "subsidy_kind": self._one_of(_KINDS), "poverty_kind": poverty,
            "disabled_poor": poverty == PovertyKind.DISABLED or self._turn(9),
            "income": Decimal(self.pick.randint(900, 2500) + 350 * (year - FIRST_YEAR)),
            "phone": self.people.phone(), "built_by": BuiltBy.SELF if self._turn(82) else BuiltBy.UNIFIED,
            "owner": HouseOwner.HOUSEHOLD if self._turn(95) else HouseOwner.COLLECTIVE, "subsidy": subsidy,
            "own_funds": own if completed else None, "loan": loan if completed else None,
            "invested": subsidy + own + loan if completed else None,
            "accepted": self._turn(92) if completed else None, "demonstration": demonstration,
            "energy_saving": self._saving() if demonstration and completed else None,
            "energy_cost": Decimal(self.pick.randint(10, 60) * 100) if demonstration and completed else None,
            "face_shown": True, **days,
        }  # fmt: skip

    def _days(self, year: int) -> Values:
        """Approved, started and completed, none of it after yesterday."""
        shares = _PROGRESS[min(self.demo.today.year - year, len(_PROGRESS) - 1)]
        steps = self.pick.choices((0, 1, 2), shares)[0]
        room = min((self.last - dt.date(year, 1, 1)).days, 364)
        approved = dt.date(year, 1, 1) + dt.timedelta(days=self.pick.randint(0, min(room, 150)))
        started = approved + dt.timedelta(days=self.pick.randint(5, 60))
        completed = started + dt.timedelta(days=self.pick.randint(30, 140))
        return {
            "approved_on": approved,
            "started_on": started if steps and started <= self.last else None,
            "completed_on": completed if steps == 2 and completed <= self.last else None,
        }

    def _saving(self) -> tuple[str, ...]:
        kinds = self.pick.sample(list(EnergySaving), 2)
        return tuple(kind.value for kind in EnergySaving if kind in kinds)

    def _house(self, said: Values) -> Values:
        """The old house and the new one, of the size that the standard allows."""
        decade = self._one_of(_DECADES)
        houseless = decade == OldDecade.HOUSELESS
        reason = None if houseless else self._one_of(_REASONS)
        repaired = reason == RenovationReason.C
        way = ArchiveWay.REPAIR if repaired else self._one_of(_BUILT)
        persons = said["population"]
        few = (20, 30, 40)[:persons]
        least, most = (few[-1], 60) if persons < 4 else (13 * persons, 18 * persons)
        old = None if houseless else Decimal(self.pick.randint(26, 118))
        return {
            "old_decade": decade, "old_area": old,
            "old_structure": None if houseless else self._one_of(_OLD), "reason": reason,
            "way": ArchiveWay.FIRST_HOUSE if houseless else way,
            "structure": self._one_of(_NEW),
            "area": old if repaired else Decimal(self.pick.randint(least, most)),
        }  # fmt: skip

    # ---- what hangs on it ---------------------------------------------------------------------
    def _photos(self, place: Place, row: Values, clerk: Any, at: dt.datetime) -> Values:
        """Rows of its photos, by field; of a few archives none were taken."""
        asked = ARCHIVE.rules.visible(row).shown & _PHOTOS.keys()
        if self._turn(_BARE):
            return dict.fromkeys(_PHOTOS, ())
        return {name: [self._photo(place, row, name, clerk, at)] for name in sorted(asked)}

    def _photo(self, place: Place, row: Values, field: str, clerk: Any, at: dt.datetime) -> Values:
        like = _PHOTOS[field]
        picture, key, thumb_key = (
            self.album.take(like, None)
            if self._turn(_AGAIN)
            else self.album.take_alone(like, f"{row['id']} {field}")
        )
        upload, day = picture.upload, row.get(_TAKEN.get(field, ""))
        taken = day and dt.datetime.combine(day, dt.time(self.pick.randint(8, 17), 30))
        return self.demo.add(
            Attachment, place, id=uuid7(), register=ARCHIVE.name, record_id=row["id"], field=field, position=0,
            name=picture.name, mime=upload.media_type, size=len(upload.content), key=key, thumb_key=thumb_key,
            sha256=upload.sha256, width=upload.width, height=upload.height, pages=upload.pages, turned=0,
            taken_at=taken, added_by=clerk.uuid, added_at=at,
        )  # fmt: skip

    def _send_back(self, place: Place, row: Values, staff: Staff, at: dt.datetime) -> None:
        """Somebody who looked it through wants it mended."""
        step = next(one for one in optional_county_review.transitions if one.unreviewed)
        row |= {"state": step.target, "version": 2}
        self.demo.add(
            HistoryEntry, place, id=uuid7(), register=ARCHIVE.name, record_id=row["id"], at=at, step=step.name,
            label=step.label, source=State.DRAFT, target=step.target, account_id=staff.manager.uuid,
            account_name=staff.manager.first_name, person=staff.manager.contact_name,
            phone=staff.manager.contact_phone, opinion="请核对标出的项目。", reasons=RETURN_REASONS[:1],
        )  # fmt: skip


def _stage_of(said: Values) -> ArchiveStage:
    return stage_of(Archive(started_on=said["started_on"], completed_on=said["completed_on"]))


def _taken(said: Values) -> Values:
    """When its photos were taken, as it should be: before the work began, after it was done."""
    started, approved = said["started_on"], said["approved_on"]
    before = started - dt.timedelta(days=1) if started else approved
    return {"before_taken": before, "after_taken": said["completed_on"]}
