"""A record of a register with all that hangs on it, in one place: what contracts ask about."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from app.access.accounts.notices import Notice, NoticeKind
from app.access.audit import log as audit
from app.access.audit.log import Act
from app.access.divisions.regions import Level, Region
from app.access.scope import unscoped
from app.access.settings import SettingValue
from app.core.jobs.table import Job
from app.kernel.declare.field import Field
from app.kernel.declare.flow import State, review_setting
from app.kernel.declare.register import Register
from app.kernel.kinds.values import to_json
from app.kernel.rows.file import Attachment
from app.kernel.rows.handover import Handover, HandoverState
from app.kernel.rows.household import Household
from app.kernel.rows.member import Member
from app.kernel.rows.transfer import Transfer, TransferState
from tests import specimens
from tests.builders import VILLAGE_CLERK, account, api_token, attach, id_number


@dataclass
class Place:
    """``subject`` is what is asked about: the register, or what belongs to none ("system");
    ``secrets`` must not be seen from outside.
    """

    subject: str
    register: Register
    record: Any
    file: Attachment
    region: Region
    job: uuid.UUID = field(default_factory=uuid.uuid4)  # somebody else's, wherever the place is
    entry: uuid.UUID = field(default_factory=uuid.uuid4)  # of the audit log, about the record
    account: uuid.UUID = field(default_factory=uuid.uuid4)  # a clerk's who cannot be deleted
    notice: uuid.UUID = field(default_factory=uuid.uuid4)  # told to the county's manager
    token: uuid.UUID = field(default_factory=uuid.uuid4)  # of the clerk's account
    transfer: uuid.UUID = field(default_factory=uuid.uuid4)  # a request to move that was taken back
    member: uuid.UUID = field(default_factory=uuid.uuid4)  # of the record's household
    handover: uuid.UUID = field(default_factory=uuid.uuid4)  # a request that was taken back
    numbers: frozenset[str] = frozenset()  # all that is masked, where others see it
    account_key: int = 2**31 - 1  # FAB's key of the account

    @property
    def household_id(self) -> uuid.UUID:
        return getattr(self.record, "household_id", self.record.id)

    @property
    def name(self) -> str:
        """What the record is called; of no household: nothing that only it says."""
        return getattr(self.record, "head_name", "")

    @property
    def secrets(self) -> tuple[str, ...]:
        told = (self.name, *self.numbers, str(self.file.key))
        return tuple(one for one in told if one)


def settle(subject: str, register: Register, place: Region, name: str, *, full: bool) -> Place:
    """A record of ``register`` as valid as its rules want it, ``full``: waiting for its review with
    every field that one record can have, and all of them in the audit log.
    """
    make = specimens.fullest if full else specimens.valid
    state = State.SUBMITTED if full else State.DRAFT
    row = specimens.record(register, place, name=name, state=state, values=make(register, place))
    household = getattr(row, "household_id", None)
    with unscoped("tests arrange") as session:
        if register.review and register.review.setting:  # where it is wanted, most is refused
            nation = session.scalar(select(Region.id).where(Region.level == Level.NATION))
            wanted = SettingValue(region_id=nation, name=review_setting(register), value=True)
            session.merge(wanted)
        row = session.get_one(register.model, row.id)
        home = session.get(Household, household) if household else None
        if home is not None and full:
            home.phone, home.corrected_id = "13909180009", id_number()
        shown = frozenset(str(v) for one in (row, home) if one is not None for _m, v in masked(one))
        said = {
            n: [None, to_json(getattr(row, n))]
            for n, made in register.fields.items() if made.stored and (made.masked or made.rows)
        }  # fmt: skip
        opinion = f"核对{next(iter(shown), '')}"
        entry = audit.record(
            session, Act.UPDATE, register=register.name, row=row,
            detail={"changes": said, "opinion": opinion},
        )  # fmt: skip
        job = Job(kind="ledger.export", subject=name, account_id=uuid.uuid4(), path=place.path)
        notice = Notice(region_id=place.county_id, kind=NoticeKind.OFFICERS, values={})
        transfer = Transfer(
            register=register.name, record_id=row.id, household_id=household or row.id,
            from_region_id=place.id, from_path=place.path, to_region_id=place.id,
            to_path=place.path, asked_by=uuid.uuid4(), state=TransferState.WITHDRAWN,
        )  # fmt: skip
        person = Member(
            household_id=household or row.id, region_id=row.region_id, name=f"{name}之子",
            id_number=id_number(), low_income=True,
        )  # fmt: skip
        handover = Handover(
            register=register.name, record_id=row.id, name=name, from_region_id=place.id,
            from_path=place.path, to_region_id=place.id, to_path=place.path,
            asked_by=uuid.uuid4(), asked_name="乡镇", asked_person="张三", reason="在本村施工",
            state=HandoverState.WITHDRAWN,
        )  # fmt: skip
        session.add_all([job, notice, transfer, person, handover])
        session.commit()
    clerk = account(VILLAGE_CLERK, place, first_name=f"{name}账号", demo=True)
    kept_in = next(
        iter(register.file_fields), "front_photos"
    )  # its row alone, whatever the form has
    file = attach(row, kept_in, register=register.name)[0]
    token, _secret = api_token(clerk)
    return Place(
        subject, register, row, file, place, job.id, entry.id, clerk.uuid, notice.id, token.id,
        transfer.id, person.id, handover.id, shown, clerk.id,
    )  # fmt: skip


def masked(row: Any) -> Iterator[tuple[Field, Any]]:
    """The masked fields of a row that hold something, those of its children too."""
    for name, made in type(row).__fields__.items():
        value = getattr(row, name, None) if made.stored else None
        if made.masked and value:
            yield made, value
        for child in value or () if made.rows else ():
            yield from ((f, child[f.name]) for f in made.rows if f.masked and child.get(f.name))
