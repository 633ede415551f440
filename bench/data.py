"""Households on the real divisions, made fast and the same every time.

Households are spread over all villages in the order of the tree, as county after county would
import its list, but one county has a tenth of them, as some have when a whole town is resettled; each has a look-back record in one of the five states, with history, photos and
papers where its state wants them, and records in the other registers (bench.registers).
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Engine, select

from app.access.divisions.regions import Level, Region
from app.kernel.declare.flow import State
from app.kernel.kinds.formats import id_check_character
from app.kernel.rows.file import Attachment
from app.kernel.rows.household import Household, SearchKey, Sex
from app.kernel.rows.record import HistoryEntry
from app.modules.homes.choices import Grade, Judged, OtherHome
from app.modules.surveys.lookback.model import Lookback
from bench.bulk import Writer, key_maker, without_indexes
from bench.registers import OTHERS, Others, is_low_income
from tests import answers

MEASURED = "610122000000"  # 蓝田县, the one of the sample list
LARGE = "611021000000"  # 洛南县, the one with a tenth of all households, with 100,000 at most
MOST_IN_LARGE = 100_000
START = dt.datetime(2024, 9, 1, tzinfo=dt.UTC)
SURVEYED = dt.date(2024, 9, 20)
SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰红梅建国志新海燕春生福林凤珍德贵世荣兴旺文斌学宝山水长安永清"

#: Share of each state, in percent: the survey is well under way.
STATES = (
    (State.APPROVED, 62), (State.SUBMITTED, 8), (State.RETURNED, 3),
    (State.DRAFT, 7), (State.MISSING, 20),
)  # fmt: skip
PHASES = [state for state, share in STATES for _ in range(share)]


@dataclass(frozen=True)
class Survey:
    """What a look-back record says, shared by many rows: its fields, and which files it has."""

    fields: dict[str, Any]
    files: tuple[str, ...]


def build(engine: Engine, rows: int) -> None:
    """Fill an empty, deployed database with ``rows`` households and all that hangs on them."""
    with engine.begin() as connection:
        models = (
            Household, SearchKey, Lookback, HistoryEntry, Attachment,
            *(register.model for register in OTHERS),
        )  # fmt: skip
        with without_indexes(connection, *models):
            _Builder(connection).run(rows)


class _Builder:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.random = random.Random(20240907)
        self.key = key_maker(1, START)
        place = ["region_id", "path", "county_id", "province_id"]
        self.households = Writer(
            connection, Household,
            ["id", *place, "issued_name", "issued_id", "head_name", "head_id", "phone", "match_key"],
        )  # fmt: skip
        self.names = Writer(connection, SearchKey, ["household_id", "value", *place])
        self.lookbacks = Writer(
            connection, Lookback, ["id", "household_id", *place, "head_name", "head_id", "phone"]
        )
        village = connection.scalar(select(Region.id).where(Region.level == Level.VILLAGE).limit(1))
        self.others = Others(connection, village or 0, place, self.key)
        self.measured, self.large = self._county(MEASURED), self._county(LARGE)
        self.count = 0
        self.history = Writer(connection, HistoryEntry, ["id", "record_id", *place])
        self.files = Writer(connection, Attachment, ["id", "record_id", "key", *place])
        self.tails = self._tails()

    def _county(self, code: str) -> int | None:
        wanted = Region.level == Level.COUNTY, Region.code == code
        return self.connection.scalar(select(Region.id).where(*wanted))

    def run(self, rows: int) -> None:
        for place, prefix, number in self._places(rows):
            self._household(place, prefix, number)
        for writer in (self.households, self.names, self.lookbacks, self.history, self.files):
            writer.flush()
        self.others.flush()

    def _places(self, rows: int) -> Iterator[tuple[tuple[Any, ...], str, int]]:
        """(place columns, six digits for ID numbers, number within the county) of each household."""
        query = select(Region.id, Region.code).where(Region.level == Level.COUNTY)
        counties = {row.id: str(row.code) for row in self.connection.execute(query)}
        villages = self.connection.execute(
            select(Region.id, Region.path, Region.county_id, Region.province_id)
            .where(Region.level == Level.VILLAGE)
            .order_by(Region.path)
        ).all()
        in_large = sum(place.county_id == self.large for place in villages)
        large = _shares(in_large_county(rows), in_large)
        usual = _shares(rows - in_large_county(rows), len(villages) - in_large)
        number, county = 0, None
        for place in villages:
            if place.county_id != county:
                county, number = place.county_id, 0
            for _ in range(next(large if county == self.large else usual)):
                yield tuple(place), counties[county][:6], number
                number += 1

    def _household(self, place: tuple[Any, ...], prefix: str, number: int) -> None:
        pick = self.random
        name = (
            pick.choice(SURNAMES) + pick.choice(GIVEN) + (pick.choice(GIVEN) if number % 3 else "")
        )
        identity = id_number(prefix, number)
        phone = f"13{pick.randrange(10**9):09}"
        household, record = self.key(), self.key()
        state = pick.choice(PHASES)
        self.count += 1
        here = -1 if place[2] == self.measured else self.count
        self.households.add(
            (household, *place, name, identity, name, identity, phone, f"id:{identity}"),
            self.tails["household", number % 2, is_low_income(here)],
        )
        self.others.add(household, place, (name, identity), here)
        for value in (name, identity):
            self.names.add((household, value, *place), self.tails["name"])
        kinds = self.tails[state]
        kind = pick.randrange(len(kinds))
        survey, tail = kinds[kind]
        self.lookbacks.add(
            (record, household, *place, name, identity, phone if survey.fields else None), tail
        )
        for step in self.tails["steps", state]:
            self.history.add((self.key(), record, *place), step)
        for field in survey.files:
            key = self.key()
            self.files.add((key, record, key, *place), self.tails["file", field])

    def _tails(self) -> dict[Any, Any]:
        """The shared halves of all rows, converted once."""
        made: dict[Any, Any] = {"name": self.names.tail({})}
        for number, sex in enumerate(Sex):
            for low in (False, True):
                made["household", number, low] = self.households.tail(
                    {"sex": sex, "ethnicity": "01", "population": 3 + number, "exit_year": 2019,
                     "low_income": low}
                )  # fmt: skip
        for state in State:
            surveys = [Survey({}, ())] if state == State.MISSING else surveys_of(self.random)
            made[state] = [
                (survey, self.lookbacks.tail({"state": state, "version": 3} | survey.fields))
                for survey in surveys
            ]
            made["steps", state] = [self.history.tail(step) for step in steps_to(state)]
        for field in FILES:
            photo = field.endswith("photos")
            made["file", field] = self.files.tail(
                {
                    "register": "lookback", "field": field, "position": 0, "size": 300_000,
                    "name": "照片.jpg" if photo else "鉴定报告.pdf",
                    "mime": "image/jpeg" if photo else "application/pdf",
                    "sha256": "0" * 64, "added_by": CLERK, "added_at": START,
                }
            )  # fmt: skip
        return made


def in_large_county(rows: int) -> int:
    return min(rows // 10, MOST_IN_LARGE)


def _shares(rows: int, count: int) -> Iterator[int]:
    """So many rows, shared out evenly."""
    return (rows * (n + 1) // count - rows * n // count for n in range(count))


CLERK = "00000000-0000-7000-8000-000000000001"  # who entered it all: an account before our time
REVIEWER = "00000000-0000-7000-8000-000000000002"
FILES = ("front_photos", "judged_paper", "risky_photos")


def id_number(prefix: str, number: int) -> str:
    """The ``number``-th valid identity number of a county: 20,000 birthdays, then the next in line."""
    born = dt.date(1940, 1, 1) + dt.timedelta(days=number * 7919 % 20_000)
    body = f"{prefix}{born:%Y%m%d}{100 + number // 20_000:03}"
    return body + id_check_character(body)


def surveys_of(pick: random.Random) -> list[Survey]:
    """A few hundred different surveys: 4 % died, 8 % live elsewhere, the others in a house of their own."""
    made = [Survey(answers.died(), ()) for _ in range(12)]
    made += [
        Survey(_shared(answers.other_home(pick.choice(list(OtherHome)[:-1])) | _person(pick)), ())
        for _ in range(24)
    ]
    made += [_own_house(pick) for _ in range(264)]
    return made


def _person(pick: random.Random) -> dict[str, Any]:
    """What differs from person to person."""
    return {
        "sex": pick.choice(list(Sex)), "ethnicity": "01",
        "population": pick.randint(1, 7), "surveyor": "赵建国",
        "surveyed_on": SURVEYED + dt.timedelta(days=pick.randrange(30)),
    }  # fmt: skip


def _own_house(pick: random.Random) -> Survey:
    grade = pick.choices(list(Grade), (45, 42, 9, 4))[0]
    risky = grade in (Grade.C, Grade.D)
    enjoyed = pick.random() < 0.4
    fields = answers.own_house(grade) | _person(pick)
    fields |= {
        "policy_enjoyed": enjoyed,
        "storeys": pick.randint(1, 3),
        "floor_area": Decimal(pick.randint(4000, 24000)) / 100,
        "year_built": f"{pick.randint(1, 6):02}",
        "structure": f"{pick.randint(1, 5):02}",
        "way_built": f"{pick.randint(1, 3):02}",
        "heating": f"{pick.randint(1, 4):02}",
        "cooking": f"{pick.randint(1, 4):02}",
        "judged": pick.choice(list(Judged)),
        "judged_on": dt.date(2023, 1, 1) + dt.timedelta(days=pick.randrange(600)),
        "judged_by": "房屋安全鉴定有限公司",
    }
    if risky:
        fields |= {
            "risky_parts": ("02", "05"),
            "secured": pick.random() < 0.4,
            "measure_year": 2024,
        }
    if not enjoyed:
        del fields["policies"]
    return Survey(_shared(fields), FILES if risky else FILES[:2])


def _shared(form: dict[str, Any]) -> dict[str, Any]:
    """Without what every row has for itself."""
    return {name: value for name, value in form.items() if name != "phone"}


def steps_to(state: State) -> list[dict[str, Any]]:
    """Shared columns of the history that leads to a state."""
    submit = {
        "register": "lookback", "step": "submit", "label": "上报", "source": State.DRAFT,
        "target": State.SUBMITTED, "account_id": CLERK, "account_name": "采集员", "person": "赵建国",
        "phone": "13900000001", "at": START, "snapshot": None,
    }  # fmt: skip
    decide = submit | {
        "source": State.SUBMITTED, "target": state, "account_id": REVIEWER, "account_name": "审核员",
        "person": "钱卫东", "phone": "13900000002",
    }  # fmt: skip
    if state == State.APPROVED:
        return [submit, decide | {"step": "approve", "label": "审核通过"}]
    if state == State.RETURNED:
        return [submit, decide | {"step": "return", "label": "退回补正", "opinion": "照片不清晰"}]
    return [submit] if state == State.SUBMITTED else []
