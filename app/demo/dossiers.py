"""Dossiers of the demonstration: one for each approved application, in every stage and state.

What auditors look for is among them: a bank account of two households, haste, work that is overdue.
"""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import Table, insert, select
from sqlalchemy.orm import Session

from app.access.account import Account
from app.access.divisions.regions import Level
from app.core.clock import CHINA, uuid7
from app.demo.people import People
from app.demo.pictures import Album
from app.kernel.declare.flow import State
from app.kernel.figures import counters
from app.kernel.kinds.values import to_json
from app.kernel.records.continuing import copied
from app.kernel.rows.file import Attachment
from app.kernel.rows.record import HistoryEntry, Standing
from app.modules.craftsmen.model import Craftsman
from app.modules.homes.choices import Progress
from app.modules.renovation.application.model import Application
from app.modules.renovation.dossier import asked_anew
from app.modules.renovation.dossier.model import Builder, Dossier, PaidAccount, Tenure
from app.modules.renovation.dossier.overdue import year_before
from app.modules.renovation.dossier.register import DOSSIER

Values = dict[str, Any]

#: Stage that is approved, and state of the one at hand; of a hundred dossiers so many.
STANDS: tuple[tuple[Progress | None, State, int], ...] = (
    (None, State.MISSING, 14),
    (None, State.DRAFT, 8),
    (None, State.SUBMITTED, 7),
    (None, State.RETURNED, 3),
    (Progress.STARTED, State.APPROVED, 14),
    (Progress.STARTED, State.DRAFT, 6),
    (Progress.STARTED, State.SUBMITTED, 6),
    (Progress.STARTED, State.RECTIFY, 2),
    (Progress.COMPLETED, State.APPROVED, 8),
    (Progress.COMPLETED, State.DRAFT, 6),
    (Progress.COMPLETED, State.SUBMITTED, 5),
    (Progress.PAID, State.APPROVED, 21),
)
_STAGES = (None, *Progress)
_FIRMS = ("蓝田县秦岭建筑有限公司", "关中乡村建设工程有限公司", "渭河农房建设合作社")
_FIRM_CODE = "91350100M000100Y43"
#: Accounts of a county, in the order of their names (app.demo.accounts).
_REVIEWER, _COLLECTOR = 1, 2
#: Days that a house takes at least, and how a dossier of the first stage may stand.
_SHORTEST = 17
_SENT_IN = (State.MISSING, State.SUBMITTED, State.RETURNED)
#: An account that two households name (an auditors' finding).
_TWICE = "6217000010009999999"


def load(session: Session, people: People, album: Album, day: dt.date, seed: int) -> dict[str, int]:
    """Dossiers for the approved applications in the session, their history and counters; gives what
    was made. The caller commits.
    """
    pick = random.Random(seed)
    accounts, craftsmen = _accounts(session), _craftsmen(session)
    rows: list[Values] = []
    lines: list[Values] = []
    paid: list[Values] = []
    files: list[Values] = []
    deltas: Counter[tuple[str, int, str]] = Counter()
    query = select(Application).where(Application.state == State.APPROVED)
    for number, application in enumerate(session.scalars(query.order_by(Application.head_id))):
        stage, state = _stand(pick, number)
        place = {
            n: getattr(application, n) for n in ("region_id", "path", "county_id", "province_id")
        }
        if application.applied_on > day - dt.timedelta(days=5):
            stage, state = None, State.MISSING  # approved a moment ago
        began = day - dt.timedelta(days=pick.choice((40, 70, 110, 150)))
        long_ago = year_before(day) - dt.timedelta(days=20)
        late = stage == Progress.STARTED and application.applied_on < long_ago
        late = late and pick.random() < 0.3
        began = long_ago if late else max(began, application.applied_on)
        if number >= len(STANDS) and (day - began).days < _SHORTEST and stage != Progress.STARTED:
            stage, state = (
                None,
                state if state in _SENT_IN else State.DRAFT,
            )  # nobody builds so fast
        row = _row(application, stage, state, began) | place
        reached = _STAGES.index(stage) + (state not in (State.MISSING, State.APPROVED))
        near = craftsmen.get(place["county_id"], [])
        row |= _answers(pick, people, near, reached, began, day, number)
        row["overdue"] = late
        rows.append(row)
        files += _files(album, row) if reached > 1 else []
        lines += _history(row, place, accounts, reached)
        paid += [
            {"id": uuid7(), "dossier_id": row["id"], "household_id": row["household_id"],
             "account": payment["account"]} | place
            for payment in row["payments"] or ()
        ]  # fmt: skip
        for figure, n in counters.amounts(DOSSIER, row).items():
            deltas[figure, row["county_id"], row["path"]] += n
    connection = session.connection()
    for model, made in (
        (Dossier, rows),
        (HistoryEntry, lines),
        (PaidAccount, paid),
        (Attachment, files),
    ):
        table: Table = model.__table__
        if made:
            blank = dict.fromkeys(table.columns.keys())
            connection.execute(insert(table), [blank | one for one in made])
    counters.hand_in(session, DOSSIER, dict(deltas))
    return {"dossier": len(rows), "paid_account": len(paid)}


def ask_anew(session: Session) -> None:
    """Mark the surveys of the houses that were renovated since."""
    query = select(Dossier.household_id).where(Dossier.accepted_on.is_not(None))
    asked_anew.mark(session, session.scalars(query).all())


def _stand(pick: random.Random, number: int) -> tuple[Progress | None, State]:
    """Each of them once at first, that even a small demonstration shows all; then by their shares."""
    if number < len(STANDS):
        return STANDS[number][:2]
    return pick.choices(STANDS, [share for *_stand, share in STANDS])[0][:2]


def _row(application: Application, stage: Any, state: State, began: dt.date) -> Values:
    at = dt.datetime.combine(began, dt.time(10), CHINA)
    return dict.fromkeys(Dossier.__table__.columns.keys()) | {
        "id": uuid7(),
        "version": 2,
        "created_at": at,
        "changed_at": at,
        "source_id": application.id,
        "household_id": application.household_id,
        "head_name": application.head_name,
        "head_id": application.head_id,
        "former_head": application.former_head,
        "standing": application.standing and Standing(application.standing),
        "state": state,
        "stage": stage,
        "suspended": False,
        "overdue": False,
        **copied(DOSSIER, application),
    }


def _craftsmen(session: Session) -> dict[int, list[Craftsman]]:
    """By county, in the order of their numbers."""
    found: dict[int, list[Craftsman]] = {}
    for craftsman in session.scalars(select(Craftsman).order_by(Craftsman.id_number)):
        found.setdefault(craftsman.county_id, []).append(craftsman)
    return found


def _answers(
    pick: random.Random, people: People, near: Sequence[Craftsman], reached: int,
    began: dt.date, day: dt.date, number: int,
) -> Values:  # fmt: skip
    """What was entered: of so many stages, whole. ``near`` are the craftsmen of the county."""
    found: Values = {}
    if reached > 0:
        dice = pick.random()
        built_by = Builder.FIRM if dice < 0.4 else Builder.SELF
        found |= {"started_on": began, "builder": built_by}
        if near and dice > 0.6:
            one = pick.choice(near)
            found["builder"] = Builder.CRAFTSMAN
            found |= {"craftsman": one.name, "craftsman_id": one.id_number}
        elif built_by == Builder.FIRM:
            found |= {"firm": pick.choice(_FIRMS), "firm_code": _FIRM_CODE}
    if reached > 1:
        took = 12 if number % 17 == 0 else pick.randrange(_SHORTEST, 38)
        completed = min(began + dt.timedelta(days=took), day)
        found |= {
            "completed_on": completed,
            "days": (completed - began).days,
            "accepted": True,
            "accepted_on": completed,
            "accepted_by": "镇村镇建设办公室",
            "structure": pick.choice(("01", "05")),
            "storeys": pick.choice((1, 1, 2)),
            "floor_area": Decimal(pick.randrange(4000, 12000)) / 100,
            "tenure": Tenure.HOUSEHOLD,
        }
    if reached > 2:
        found |= _funds(pick, people, found["completed_on"], number)
    found.setdefault("payments", None)
    found["paid_in_full"] = bool(found.get("granted")) and found.get("paid") == found.get("granted")
    return found


def _funds(pick: random.Random, people: People, day: dt.date, number: int) -> Values:
    central = Decimal(pick.choice((14000, 20000, 26000)))
    levels = {"province_subsidy": Decimal(5000), "city_subsidy": Decimal(2000),
              "county_subsidy": Decimal(pick.choice((0, 1000, 3000)))}  # fmt: skip
    granted = central + sum(levels.values())
    own = Decimal(pick.randrange(3, 40) * 1000)
    holder = people.head(["610122"]).name
    account = _TWICE if number in (7, 11) else f"62170000{pick.randrange(10**10, 10**11)}"
    first = granted / 2
    return {
        "central_subsidy": central,
        **levels,
        "granted": granted,
        "own_funds": own,
        "total": granted + own,
        "payments": [
            {"date": day, "amount": amount, "holder": holder, "account": account}
            for amount in (first, granted - first)
        ],
        "paid": granted,
    }


def _files(album: Album, row: Values) -> list[Values]:
    """A photo of the new house and the paper of its acceptance."""
    made = []
    for field, like in (("photos_after", "front_photos"), ("acceptance_report", "judged_paper")):
        picture, key, thumb_key = album.take(like, "A")
        made.append(
            {"id": uuid7(), "register": DOSSIER.name, "record_id": row["id"], "field": field,
             "position": 0, "name": picture.name, "mime": picture.upload.media_type,
             "size": len(picture.upload.content), "key": key, "thumb_key": thumb_key,
             "sha256": picture.upload.sha256, "width": picture.upload.width,
             "height": picture.upload.height, "pages": picture.upload.pages, "turned": 0,
             "added_by": uuid7(), "added_at": row["created_at"]}
            | {n: row[n] for n in ("region_id", "path", "county_id", "province_id")}
        )  # fmt: skip
    return made


def _accounts(session: Session) -> dict[int, tuple[Account, Account]]:
    """By county: who enters, and who decides."""
    query = select(Account).where(Account.demo, Account.level == Level.COUNTY)
    found: dict[int, list[Account]] = {}
    for account in session.scalars(query.order_by(Account.username)):
        found.setdefault(account.region_id or 0, []).append(account)
    return {key: (some[_COLLECTOR], some[_REVIEWER]) for key, some in found.items()}


def _said(row: Values, number: int) -> Values:
    """What the dossier said when its stage of this number was submitted."""
    known = {stage.name for stage in DOSSIER.stages[: number + 1]}
    given = {n for section in DOSSIER.sections if section.stage in known for n in section.fields}
    return {
        name: (to_json(row[name]) if name in given else None) if made.stored else []
        for name, made in DOSSIER.fields.items()
    }


def _history(
    row: Values, place: Values, accounts: dict[int, tuple[Account, Account]], reached: int
) -> list[Values]:
    """The submissions and decisions that led where the dossier stands."""
    if place["county_id"] not in accounts:
        return []
    clerk, reviewer = accounts[place["county_id"]]
    at = row["created_at"]
    lines: list[Values] = []

    def add(step: str, label: str, source: State, target: State, who: Account, number: int) -> None:
        nonlocal at
        at += dt.timedelta(hours=5)
        lines.append(
            {"id": uuid7(), "register": DOSSIER.name, "record_id": row["id"], "at": at, "step": step,
             "label": label, "source": source, "target": target, "account_id": who.uuid,
             "account_name": who.first_name, "person": who.contact_name or who.first_name,
             "phone": who.contact_phone or "", "stage": DOSSIER.stages[number].name} | place
        )  # fmt: skip

    done = _STAGES.index(row["stage"])
    ends = (row["started_on"], row["completed_on"], row["completed_on"])
    for number, end in enumerate(ends[:reached]):
        at = max(at, dt.datetime.combine(end, dt.time(1), CHINA))
        if number >= done and row["state"] == State.DRAFT:
            break
        add("submit", "上报", State.DRAFT, State.SUBMITTED, clerk, number)
        lines[-1]["snapshot"] = _said(row, number)
        if number < done:
            add("approve", "审核通过", State.SUBMITTED, State.APPROVED, reviewer, number)
        elif row["state"] in (State.RETURNED, State.RECTIFY):
            word = "退回补正" if row["state"] == State.RETURNED else "退回整改"
            add("return", word, State.SUBMITTED, row["state"], reviewer, number)
            lines[-1]["opinion"] = "照片看不清是不是这一户，请重新拍摄后上报。"
    if lines:
        row |= {"changed_at": at, "submitted_by": clerk.uuid, "submitted_at": at}
        row["decided_at"] = at if row["state"] != State.SUBMITTED else None
    return lines
