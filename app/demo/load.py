"""Puts the demonstration in: accounts, households, surveys, files, history, counters; in one
transaction, by bulk inserts.
"""

from __future__ import annotations

import datetime as dt
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, cast

from sqlalchemy import Table, text
from sqlalchemy.orm import Session

from app.access.divisions.regions import Level
from app.core.bulk import insert_rows
from app.core.clock import today, uuid7
from app.demo import applications, craftsmen, days, dossiers, lists, objects, risk
from app.demo import parcels as footprints
from app.demo.accounts import Accounts, Staff
from app.demo.archives import quotas
from app.demo.archives.making import Archives
from app.demo.cameras import Cameras
from app.demo.houses import Surveys
from app.demo.monitoring import Monitored
from app.demo.people import People, Person, misspelt
from app.demo.pictures import Album
from app.demo.places import COUNTIES, County, Place, places_of, region
from app.demo.timeline import Step, Timeline
from app.kernel.declare.flow import State
from app.kernel.declare.register import Register
from app.kernel.households.register import HOUSEHOLD
from app.kernel.kinds.values import to_json
from app.kernel.rows.file import Attachment
from app.kernel.rows.household import Finding, Household, SearchKey, Source, match_key
from app.kernel.rows.record import HistoryEntry, Standing
from app.modules.archives.model import Archive
from app.modules.archives.register import ARCHIVE
from app.modules.homes.choices import Living
from app.modules.house_map.earlier.facts import PriorFact
from app.modules.house_map.earlier.register import PRIOR
from app.modules.house_map.parcels.register import PARCEL
from app.modules.house_map.parcels.table import Parcel
from app.modules.low_income.model import LowIncome
from app.modules.low_income.register import LOW_INCOME
from app.modules.surveys.lookback.model import Lookback
from app.modules.surveys.lookback.register import LOOKBACK
from app.modules.surveys.monitoring.model import Monitoring
from app.modules.surveys.monitoring.register import MONITORING
from app.modules.unsafe_homes.model import Risk

SEED = 20240907
_CHUNK = 2_000
_GROUPS = "一二三四五六七八九"
_MODELS = (
    Household,
    SearchKey,
    Lookback,
    LowIncome,
    Monitoring,
    Archive,
    HistoryEntry,
    Attachment,
    Parcel,
    PriorFact,
)
#: Registers that are counted day by day; the others' counters follow from what is flushed or hand in theirs.
_COUNTED = (HOUSEHOLD, LOOKBACK, LOW_INCOME, MONITORING, PARCEL, PRIOR, ARCHIVE)

Values = dict[str, Any]


def load(session: Session, counties: Sequence[County] = COUNTIES) -> dict[str, int]:
    """Everything, on a database that has divisions and roles; gives what was made."""
    demonstration = _Demonstration(session, counties)
    made = demonstration.run()
    made |= objects.load(session, counties, demonstration.people, demonstration.today, SEED)
    made["application"] = applications.load(session, demonstration.album, demonstration.today, SEED)
    made |= craftsmen.load(session, counties, demonstration.people, demonstration.today, SEED)
    made |= dossiers.load(
        session, demonstration.people, demonstration.album, demonstration.today, SEED
    )
    risk.follow(session)  # what was put in past the session's eyes
    dossiers.ask_anew(session)
    return made


class _Demonstration:
    def __init__(self, session: Session, counties: Sequence[County]) -> None:
        self.session = session
        self.counties = counties
        self.pick = random.Random(SEED)
        self.today = today()
        self.people = People(self.pick)
        self.surveys = Surveys(self.pick, self.people)
        self.album = Album(self.pick)
        self.cameras = Cameras(SEED)
        self.codes = [county.code for county in counties]
        self.accounts = Accounts(session, self.people)
        self.monitored = Monitored(self)
        self.rows: dict[Any, list[Values]] = {model: [] for model in _MODELS}
        self.blank = {model: dict.fromkeys(_table(model).columns.keys()) for model in _MODELS}
        self.made = dict.fromkeys(_MODELS, 0)
        self.days = days.Days()
        self.archives = Archives(self)

    def run(self) -> dict[str, int]:
        managers = self.accounts.upper([county.code[:4] for county in self.counties])
        staffs = []
        for county in self.counties:
            place = region(self.session, county.code, Level.COUNTY)
            staffs.append((county, place, self.accounts.county(place)))
        self.session.flush()  # gives the accounts their keys
        waiting, place, _staff = staffs[-1]  # whose list has not been issued yet
        self.accounts.grant(managers[waiting.code[:4]], place)
        for county, place, staff in staffs:
            above = [managers[county.code[:4]], managers[county.code[:2]]]
            self.timeline = Timeline(self.pick, self.today, above)
            if county.shares is not None:
                self._county(county, places_of(self.session, place), staff)
        province = managers[waiting.code[:2]]
        lists.keep(self.session, self.today, province, [s.manager for _, _, s in staffs[:2]])
        for model in _MODELS:
            self._flush(model)
        quotas.give(self.session, self.archives.counted, self.timeline.issued, self.archives.pick)
        self.made[Risk] = risk.fill(self.session, self.days)
        days.write(self.session, self.days, self.today, _COUNTED)
        for model in (*_MODELS, Risk):  # or the first pages are planned as for empty tables
            self.session.execute(text(f"ANALYZE {_table(model).name}"))
        return {_table(model).name: count for model, count in self.made.items()}

    # ---- households -----------------------------------------------------------------------

    def _county(self, county: County, places: list[Place], staff: Staff) -> None:
        code = county.code
        prefixes = [code, *(f"{code[:4]}{n}" for n in ("02", "21", "22", "23", "24", "25"))]
        surveyors = [self.people.head(prefixes).name for _ in range(40)]
        towns = {p.path: p.name for p in places if p.level == Level.TOWN}
        villages = [p.path for p in places if p.level == Level.VILLAGE][: footprints.VILLAGES]
        mapped: dict[str, dict[str, Values]] = {path: {} for path in villages}
        for place, town in self._homes(county, places, towns):
            head = self.people.head(prefixes)
            home = self._household(place, town, code, head)
            surveyor = surveyors[_number_of(place.path) % len(surveyors)]
            self.monitored.enlist(place, home)
            answers = self._record(county, place, home, head, prefixes, staff, surveyor)
            self.monitored.household(place, home, head, prefixes, staff, surveyor)
            if answers.get("parcel_number") and place.path in mapped:
                mapped[place.path][answers["parcel_number"]] = answers
            self.archives.household(place, home, staff)
            for row in footprints.known_before(self.pick, home, answers, self.today):
                self._keep(PRIOR, place, row)
        self.archives.county(places, prefixes, staff)
        for place in places:
            if place.path in mapped:
                for row in footprints.of_village(self.pick, place, mapped[place.path]):
                    self._keep(PARCEL, place, row)

    def _keep(self, register: Any, place: Place, values: Values) -> None:
        """A row that came with the list of households."""
        issued = self.timeline.issued
        stamps = {"id": uuid7(), "version": 1, "created_at": issued, "changed_at": issued}
        row = self.add(register.model, place, **stamps, **values)
        self.count_in(register, row, issued)

    def _homes(
        self, county: County, places: list[Place], towns: dict[str, str]
    ) -> Iterator[tuple[Place, str]]:
        """The division of each household and its town's name; one in a hundred lacks a village."""
        for place in places:
            if place.level == Level.VILLAGE:
                town = towns[place.path[: place.path.rstrip(".").rfind(".") + 1]]
                count = max(1, round(self.pick.gauss(county.per_village, county.per_village / 4)))
            else:
                town = place.name if place.level == Level.TOWN else ""
                count = 8 if town else 5
            for _home in range(count):
                yield place, town

    def _household(self, place: Place, town: str, code: str, head: Person) -> Values:
        number: str | None = head.number
        phone: str | None = self.people.phone()
        findings = [] if place.level == Level.VILLAGE else [Finding.NO_VILLAGE]
        dice = self.pick.random()
        if dice < 0.004:
            number = misspelt(head.number)
            findings.append(Finding.ID_WRONG)
        elif dice < 0.006:
            number = None
            findings.append(Finding.ID_MISSING)
        if self.pick.random() < 0.03:
            phone = None
            findings.append(Finding.PHONE_MISSING)
        group = self.pick.choice(_GROUPS) + "组"
        row = self.add(
            Household,
            place,
            id=uuid7(),
            version=1,
            created_at=self.timeline.issued,
            changed_at=self.timeline.issued,
            issued_name=head.name,
            issued_id=number,
            head_name=head.name,
            head_id=number,
            sex=head.sex,
            ethnicity="01" if self.pick.random() < 0.985 else "03",
            phone=phone,
            population=self.pick.choices(range(1, 9), (15, 22, 19, 20, 13, 7, 3, 1))[0],
            village_group=group,
            exit_year=self.pick.choices(range(2014, 2021), (8, 10, 16, 20, 24, 18, 4))[0],
            source=Source.ISSUED,
            findings=tuple(finding.value for finding in findings),
            poverty_exit=True,
            low_income=False,
            own_house=False,
            match_key=match_key(number, code, town, group, head.name, phone),
        )
        self.count_in(HOUSEHOLD, row, self.timeline.issued)
        return row

    # ---- surveys ----------------------------------------------------------------------------

    def _record(
        self,
        county: County,
        place: Place,
        home: Values,
        head: Person,
        prefixes: list[str],
        staff: Staff,
        surveyor: str,
    ) -> Values:
        """The survey's row and what goes with it; gives its answers."""
        answers: Values = {}
        state = self._state(county, place)
        record = self.add(
            Lookback,
            place,
            id=uuid7(),
            version=1,
            created_at=self.timeline.issued,
            changed_at=self.timeline.issued,
            household_id=home["id"],
            state=State.MISSING,
            to_resurvey=False,
            head_name=home["head_name"],
            head_id=home["head_id"],
        )
        self.count_in(LOOKBACK, record, self.timeline.issued)
        if state != State.MISSING:
            clerk = staff.clerk_of(place.path)
            day, steps = self.timeline.to(state, clerk, staff)
            facts = home | {"place_code": place.code}
            answers = self.surveys.answers(facts, head, prefixes, day, surveyor)
            files = self.files(LOOKBACK, place, record, answers, clerk, day, complete=bool(steps))
            if not steps:
                answers = _half_filled(answers, self.pick)
            saved = self.timeline.moment(day)
            self.move(LOOKBACK, record, State.DRAFT, saved)
            record |= answers
            self.walk(LOOKBACK, place, record, steps, files)
            record["version"] = 2 + len(steps)
            if any(step.target == State.APPROVED for step in steps):
                _new_head(home, record)
            if record["state"] == State.APPROVED and record["living"] == Living.OWN:
                self.count_out(HOUSEHOLD, home, record["decided_at"])
                home["own_house"] = True
                self.count_in(HOUSEHOLD, home, record["decided_at"])
            self._split_off(place, home, record, steps)
        for value in {home[n] for n in ("issued_name", "head_name", "issued_id", "head_id")} - {
            None
        }:
            self.add(SearchKey, place, household_id=home["id"], value=value)
        return answers

    def _split_off(self, place: Place, parent: Values, record: Values, steps: list[Step]) -> None:
        """Households of their own, counted from the day their parent was first approved."""
        approved = next((s for s in steps if s.transition.target == State.APPROVED), None)
        for head in record["split_heads"] or ():
            stamps = {"version": 1, "created_at": record["changed_at"]}
            stamps |= {"changed_at": record["changed_at"]}
            identity = {"head_name": head["name"], "head_id": head["id_number"]}
            identity["standing"] = Standing.COUNTED if approved else Standing.PENDING
            child = self.add(
                Household,
                place,
                id=uuid7(),
                parent_id=parent["id"],
                issued_name=head["name"],
                issued_id=head["id_number"],
                phone=head["phone"],
                village_group=parent["village_group"],
                source=Source.SPLIT,
                findings=(),
                poverty_exit=True,
                low_income=False,
                own_house=False,
                match_key=match_key(head["id_number"]),
                **identity,
                **stamps,
            )
            survey = self.add(
                Lookback,
                place,
                id=uuid7(),
                household_id=child["id"],
                state=State.MISSING,
                to_resurvey=False,
                **identity,
                **stamps,
            )
            for value in identity["head_name"], identity["head_id"]:
                self.add(SearchKey, place, household_id=child["id"], value=value)
            if approved:
                self.count_in(HOUSEHOLD, child, approved.at)
                self.count_in(LOOKBACK, survey, approved.at)

    def _state(self, county: County, place: Place) -> State:
        if place.level != Level.VILLAGE or county.shares is None:
            return State.MISSING  # the village must be known first
        return self.pick.choices(list(county.shares), list(county.shares.values()))[0]

    def files(
        self,
        register: Register,
        place: Place,
        record: Values,
        answers: Values,
        clerk: Any,
        day: dt.date,
        *,
        complete: bool,
    ) -> dict[str, list[str]]:
        """Rows of the record's files; their ids by field."""
        ids: dict[str, list[str]] = defaultdict(list)
        for field, count in self.surveys.files(answers).items():
            for position in range(count if complete or field == "front_photos" else 0):
                picture, key, thumb_key = self.album.take(field, answers["grade"].value)
                taken = register.fields[field].taken_on
                facts = self.cameras.facts(place.code[:6], day, self.codes) if taken else {}
                row = self.add(
                    Attachment,
                    place,
                    id=uuid7(),
                    register=register.name,
                    record_id=record["id"],
                    field=field,
                    position=position,
                    name=picture.name,
                    mime=picture.upload.media_type,
                    size=len(picture.upload.content),
                    key=key,
                    thumb_key=thumb_key,
                    sha256=picture.upload.sha256,
                    width=picture.upload.width,
                    height=picture.upload.height,
                    pages=picture.upload.pages,
                    turned=0,
                    **facts,
                    added_by=clerk.uuid,
                    added_at=self.timeline.moment(day),
                )
                ids[field].append(str(row["id"]))
        return ids

    def walk(
        self,
        register: Register,
        place: Place,
        record: Values,
        steps: list[Step],
        files: dict[str, list[str]],
        *,
        counted: bool = True,
    ) -> None:
        """The history, the state after each step, the days they are counted on (if they are)."""
        submissions = sum(step.transition.complete for step in steps)
        for step in steps:
            transition = step.transition
            snapshot = None
            if transition.complete:
                submissions -= 1
                snapshot = _snapshot(register, record, files, before_mending=submissions > 0)
            self.add(
                HistoryEntry,
                place,
                id=uuid7(),
                register=register.name,
                record_id=record["id"],
                at=step.at,
                step=transition.name,
                label=step.label,
                source=step.source,
                target=step.target,
                account_id=step.account.uuid,
                account_name=step.account.first_name,
                person=step.account.contact_name,
                phone=step.account.contact_phone,
                opinion=step.opinion,
                reasons=step.reasons or None,
                snapshot=snapshot,
            )
            if counted:
                self.move(register, record, step.target, step.at)
            else:
                record |= {"state": step.target, "changed_at": step.at}
            if transition.complete:
                record |= {
                    "submitted_by": step.account.uuid,
                    "submitted_at": step.at,
                    "decided_at": None,
                }
            else:
                record["decided_at"] = step.at

    def move(self, register: Register, record: Values, state: State, at: dt.datetime) -> None:
        self.count_out(register, record, at)
        record |= {"state": state, "changed_at": at}
        self.count_in(register, record, at)

    # ---- rows and counters --------------------------------------------------------------------

    def add(self, model: Any, place: Place, **values: Any) -> Values:
        if len(self.rows[model]) >= _CHUNK:
            self._flush(model)
        row: Values = self.blank[model] | {
            "region_id": place.id,
            "path": place.path,
            "county_id": place.county_id,
            "province_id": place.province_id,
        }
        row |= values
        self.rows[model].append(row)
        return row

    def _flush(self, model: Any) -> None:
        rows = self.rows[model]
        if rows:
            insert_rows(self.session.connection(), _table(model), rows)
            self.made[model] += len(rows)
        self.rows[model] = []

    def count_in(self, register: Register, row: Values, at: dt.datetime) -> None:
        self.days.count_in(register, row, self._day(at))

    def count_out(self, register: Register, row: Values, at: dt.datetime) -> None:
        self.days.count_out(register, row, self._day(at))

    def _day(self, at: dt.datetime) -> dt.date:
        """The day that a change is counted at: nothing is of today, which has not ended."""
        return min(at.date(), self.today - dt.timedelta(days=1))


def _number_of(text: str) -> int:
    """A small number from a text, the same in every process."""
    return sum(map(ord, text)) * 31


def _table(model: Any) -> Table:
    return cast("Table", model.__table__)


def _half_filled(answers: Values, pick: random.Random) -> Values:
    """What a clerk has entered so far: the first part of the form, in its order."""
    names = [name for name in LOOKBACK.field_names if name in answers]
    kept = names[: max(8, round(len(names) * pick.uniform(0.3, 1)))]
    return {name: answers[name] for name in kept}


def _snapshot(
    register: Register, record: Values, files: dict[str, list[str]], *, before_mending: bool
) -> Values:
    """What the record said when it was submitted; the first time its area was typed wrong."""
    said = {
        name: to_json(record[name]) if made.stored else files.get(name, [])
        for name, made in register.fields.items()
    }
    if before_mending and record["floor_area"]:
        said["floor_area"] = str(record["floor_area"] * 10)
    elif before_mending:
        said["surveyor"] = None
    return said


def _new_head(home: Values, record: Values) -> None:
    """An approved change of head, in the household and in the record's copy."""
    if record.get("head_changed"):
        home |= {
            "head_name": record["new_head_name"],
            "head_id": record["new_head_id"],
            "phone": record["new_head_phone"],
        }
        record |= {
            "former_head": home["issued_name"],
            "head_name": home["head_name"],
            "head_id": home["head_id"],
        }
