"""Applications of the demonstration, in every state: for the surveys that ask for one, and for some
that were sent back since.
"""

from __future__ import annotations

import datetime as dt
import random
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Select, Table, insert, or_, select
from sqlalchemy.orm import Session

from app.access.account import Account
from app.access.divisions.regions import Level
from app.core.clock import local, uuid7
from app.demo.pictures import Album
from app.kernel.declare.flow import State
from app.kernel.declare.register import Register
from app.kernel.figures import counters
from app.kernel.kinds.values import to_json
from app.kernel.records import copies
from app.kernel.rows.file import Attachment
from app.kernel.rows.household import Household
from app.kernel.rows.reading import columns_of
from app.kernel.rows.record import HistoryEntry
from app.modules.renovation import following
from app.modules.renovation.application.model import Application
from app.modules.renovation.application.register import APPLICATION
from app.modules.renovation.fields import NEEDS, Basis, Kind, Way, prefilled
from app.modules.renovation.openings import asks
from app.modules.surveys.last import Last, last_surveys, surveys
from app.modules.surveys.lookback.model import Lookback
from app.modules.surveys.lookback.register import LOOKBACK

Values = dict[str, Any]
#: Of a hundred applications so many are in this state.
_STATES = {
    State.MISSING: 14, State.DRAFT: 9, State.CHECKING: 7, State.SUBMITTED: 9, State.RETURNED: 6,
    State.RECTIFY: 1, State.APPROVED: 54,
}  # fmt: skip
_WAYS = {
    Kind.RENOVATION: (Way.REPAIR, Way.REBUILD, Way.REBUILD, Way.NEW_SITE, Way.EXCHANGE),
    Kind.RETROFIT: (Way.STRENGTHEN, Way.STRENGTHEN, Way.REPAIR),
}
_MOST_SENT_BACK = 12
_AT_ONCE = 500
_FILES = {"appraisal": "judged_paper", "photos_before": "front_photos",
          "application_paper": "judged_paper"}  # fmt: skip
_PLACE = ("region_id", "path", "county_id", "province_id")


def load(session: Session, album: Album, day: dt.date, seed: int) -> int:
    """Applications with their history, files and counters; gives how many. The caller commits."""
    return _Applications(session, album, day, seed).run()


class _Applications:
    def __init__(self, session: Session, album: Album, day: dt.date, seed: int) -> None:
        self.session, self.album, self.day = session, album, day
        self.pick = random.Random(seed)
        self.year = day.year  # plan years begin on the first of January unless set otherwise
        own = select(Account).where(Account.demo, Account.path.is_not(None))
        self.accounts: dict[str, list[Account]] = {}
        for account in session.scalars(own.order_by(Account.username)):
            self.accounts.setdefault(account.path or "", []).append(account)
        self.rows: list[Values] = []
        self.lines: list[Values] = []
        self.files: list[Values] = []
        self.checking: set[str] = set()  # villages of which one waits for the town
        self.once = list(_STATES)

    def run(self) -> int:
        for last, home in self._last_surveys(self._asking()):
            self._open(last, home, self._state(last, home))
        back = self._asked(LOOKBACK).where(Lookback.state.in_((State.RETURNED, State.RECTIFY)))
        back = back.where(~Household.low_income)  # whom no other survey tells of
        for number, (survey, home) in enumerate(self.session.execute(back.limit(_MOST_SENT_BACK))):
            self._sent_back(Last(LOOKBACK, survey), home, number)
        deltas: Counter[tuple[str, int, str]] = Counter()
        for row in self.rows:
            for key, n in counters.amounts(APPLICATION, row).items():
                deltas[key, row["county_id"], row["path"]] += n
        connection = self.session.connection()
        for model, made in (
            (Application, self.rows), (HistoryEntry, self.lines), (Attachment, self.files)
        ):  # fmt: skip
            table: Table = model.__table__
            if made:
                blank = dict.fromkeys(table.columns.keys())
                connection.execute(insert(table), [blank | one for one in made])
        counters.hand_in(self.session, APPLICATION, dict(deltas))
        return len(self.rows)

    def _asked(self, register: Register) -> Select[Any]:
        """The surveys of a register that ask for an application, with their households."""
        model = register.model
        columns = columns_of(model, register.name)
        asking = or_(*(where.sql(columns) for where in NEEDS.values()))
        query = select(model, Household).join(Household, Household.id == model.household_id)
        return query.where(asking).order_by(model.path, model.head_id, model.id)

    def _asking(self) -> dict[uuid.UUID, Household]:
        """The households of which an approved survey asks for one, in a settled order."""
        found: dict[uuid.UUID, Household] = {}
        for register in sorted(surveys(), key=lambda one: one.name):
            approved = self._asked(register).where(register.model.state == State.APPROVED)
            found |= {home.id: home for _survey, home in self.session.execute(approved)}
        return found

    def _last_surveys(
        self, homes: Mapping[uuid.UUID, Household]
    ) -> Iterator[tuple[Last, Household]]:
        """Of these the survey that counts, where it asks."""
        keys = list(homes)
        for start in range(0, len(keys), _AT_ONCE):
            some = keys[start : start + _AT_ONCE]
            lasts = last_surveys(self.session, [homes[key] for key in some])
            yield from ((last, homes[key]) for key, last in lasts.items() if asks(last))

    def _state(self, last: Last, home: Household) -> State:
        """In every village that has an account one waits for the town. Of the others each state once
        at first, that a small demonstration shows all.
        """
        if self._waits(last):
            return State.MISSING
        of_village = self._clerk({"path": home.path}).level == Level.VILLAGE
        if of_village and home.path not in self.checking:
            self.checking.add(home.path)
            return State.CHECKING
        if self.once:
            return self.once.pop()
        return self.pick.choices(list(_STATES), list(_STATES.values()))[0]

    def _waits(self, last: Last) -> bool:
        return (last.survey.measure_year or 0) > self.year

    def _open(self, last: Last, home: Household, state: State) -> Values:
        survey = last.survey
        waits = self._waits(last)
        opened = survey.decided_at or survey.changed_at
        row: Values = dict.fromkeys(Application.__table__.columns.keys()) | {
            "id": uuid7(), "version": 1, "created_at": opened, "changed_at": opened,
            "household_id": home.id, "number": 1,
            "state": State.MISSING, "basis": Basis.WAITING if waits else Basis.HELD,
            "survey_register": last.register.name, "survey_id": survey.id, "surveyed_at": opened,
            **{name: getattr(home, name) for name in _PLACE},
            **copies.of(home, Application),
            **prefilled(home, survey),
        }  # fmt: skip
        self.rows.append(row)
        self._line(row, "opened", following.OPENED, State.MISSING, self._county(row), opened)
        if not waits and state != State.MISSING:
            self._fill(row, state, opened)
        return row

    def _sent_back(self, last: Last, home: Household, number: int) -> None:
        """The survey was sent back: what nobody had submitted is closed, a later one is flagged."""
        submitted = number % 2 == 1
        row = self._open(last, home, State.SUBMITTED if submitted else State.MISSING)
        flagged = submitted and row["state"] == State.SUBMITTED
        row["basis"] = Basis.DOUBTED if flagged else Basis.CLOSED
        label = following.DOUBTED if flagged else following.CLOSED
        step = "doubted" if flagged else "closed"
        why = "该户的住房安全信息已退回，重新审核通过后恢复。"
        at = row["changed_at"] + dt.timedelta(hours=2)
        self._line(row, step, label, row["state"], self._county(row), at, opinion=why)
        row["changed_at"] = at

    def _fill(self, row: Values, state: State, at: dt.datetime) -> None:
        clerk, town, county = self._clerk(row), self._town(row), self._county(row)
        at += dt.timedelta(days=self.pick.randint(1, 6), hours=self.pick.randint(0, 5))
        last = dt.datetime.combine(self.day, dt.time(1), dt.UTC)
        at = min(at, last - dt.timedelta(hours=9))
        self._answer(row, local(at).date())
        row |= {"state": State.DRAFT, "changed_at": at, "version": 2}
        if state == State.DRAFT:
            row["application_paper"] = None
            return
        ids = self._attach(row, clerk, at)
        said = {
            name: to_json(row[name]) if made.stored else ids.get(name, [])
            for name, made in APPLICATION.fields.items()
        }
        of_village = clerk.level == Level.VILLAGE
        first = State.CHECKING if of_village else State.SUBMITTED
        at += dt.timedelta(hours=1)
        self._line(row, "submit", "上报", first, clerk, at, source=State.DRAFT, snapshot=said)
        row |= {"submitted_by": clerk.uuid, "submitted_at": at}
        if state == State.CHECKING and of_village:
            return
        checker = town if of_village else clerk
        if of_village:
            at += dt.timedelta(hours=2)
            self._line(row, "check", "复核通过", State.SUBMITTED, town, at, source=State.CHECKING)
        if checker.level == Level.TOWN:
            row |= {"checker": checker.contact_name, "checker_phone": checker.contact_phone,
                    "checked_on": local(at).date()}  # fmt: skip
        if state in (State.SUBMITTED, State.CHECKING):
            return
        at += dt.timedelta(hours=3)
        row["decided_at"] = at
        if state == State.RETURNED:
            reasons = self.pick.choice((("资料不全",), ("信息有误",), ("资料不全", "信息有误")))
            why = "申请证明文件缺少签字页，请补充后重新上报。"
            self._line(row, "return", "退回补正", state, county, at, source=State.SUBMITTED,
                       opinion=why, reasons=reasons)  # fmt: skip
            row |= dict.fromkeys(("checker", "checker_phone", "checked_on"))
            return
        self._line(row, "approve", "审核通过", State.APPROVED, county, at, source=State.SUBMITTED)
        if state == State.RECTIFY:
            why = "抽查发现改造方式与实际不符。"
            at += dt.timedelta(hours=1)
            self._line(row, "send_back", "退回整改", state, county, at, source=State.APPROVED,
                       opinion=why, reasons=("信息有误",))  # fmt: skip

    def _answer(self, row: Values, day: dt.date) -> None:
        pick = self.pick
        priority = bool(row["priority"]) or pick.random() < 0.3
        row |= {
            "sex": row["sex"] or "male",
            "ethnicity": row["ethnicity"] or "01",
            "population": row["population"] or 3,
            "priority": priority,
            "hardship": (pick.choice(("allowance", "destitute", "borderline")),)
            if priority
            else None,
            "veteran": pick.random() < 0.04,
            "disabled": pick.random() < 0.2,
            "elder": pick.random() < 0.5,
            "child": pick.random() < 0.3,
            "minority": row["ethnicity"] not in (None, "01"),
            "way": Way.FIRST_HOUSE if row["no_house"] else pick.choice(_WAYS[row["kind"]]),
            "energy_saving": pick.random() < 0.4,
            "barrier_free": pick.random() < 0.15,
            "applied_on": day,
            "published": True,
        }

    def _attach(self, row: Values, clerk: Account, at: dt.datetime) -> dict[str, list[str]]:
        ids = {}
        for field, like in _FILES.items():
            if row["no_house"] and field != "application_paper":
                continue
            picture, key, thumb_key = self.album.take(like, "D")
            made = {
                "id": uuid7(), "register": APPLICATION.name, "record_id": row["id"],
                "field": field, "position": 0, "name": picture.name,
                "mime": picture.upload.media_type, "size": len(picture.upload.content),
                "key": key, "thumb_key": thumb_key, "sha256": picture.upload.sha256,
                "width": picture.upload.width, "height": picture.upload.height,
                "pages": picture.upload.pages, "turned": 0, "added_by": clerk.uuid,
                "added_at": at, **{name: row[name] for name in _PLACE},
            }  # fmt: skip
            self.files.append(made)
            ids[field] = [str(made["id"])]
        return ids

    def _line(
        self, row: Values, step: str, label: str, target: State, who: Account, at: dt.datetime,
        *, source: State | None = None, **said: Any,
    ) -> None:  # fmt: skip
        self.lines.append(
            {
                "id": uuid7(), "register": APPLICATION.name, "record_id": row["id"], "at": at,
                "step": step, "label": label, "source": source or target, "target": target,
                "account_id": who.uuid, "account_name": who.first_name,
                "person": who.contact_name or who.first_name, "phone": who.contact_phone or "",
                **{name: row[name] for name in _PLACE}, **said,
            }
        )  # fmt: skip
        row |= {"state": target, "changed_at": at, "version": row["version"] + 1}

    # ---- who does it -----------------------------------------------------------------------------
    def _clerk(self, row: Values) -> Account:
        """The village's account; where it has none, the one above it that enters."""
        return self._of(row["path"], lambda a: a.level >= Level.TOWN) or self._county(row)

    def _town(self, row: Values) -> Account:
        return self._of(row["path"], lambda a: a.level == Level.TOWN) or self._county(row)

    def _county(self, row: Values) -> Account:
        found = self._of(row["path"], lambda a: a.level == Level.COUNTY)
        if found is None:
            raise LookupError("a county of the demonstration has no account")
        return found

    def _of(self, path: str, wanted: Any) -> Account | None:
        """The first account on the way up from ``path`` that is wanted."""
        while path:
            some: Sequence[Account] = self.accounts.get(path, ())
            for account in some:
                if wanted(account):
                    return account
            path = path[: path.rstrip(".").rfind(".") + 1]
        return None
