"""Demonstration accounts: every level, kind and duty; one password, no forced change."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from flask import current_app
from flask_appbuilder.security.sqla.models import Role
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.security import generate_password_hash

from app.access.account import Account
from app.access.accounts.officers import Officer, Post
from app.access.actor import Capability, Duty, Kind
from app.access.divisions.regions import Level, Region, in_subtree
from app.access.grant import Grant
from app.access.policy import role_name
from app.core.clock import today
from app.demo.people import People
from app.demo.places import PROVINCE, region

PASSWORD = "Anju2024demo"  # noqa: S105 (printed for everybody who tries the program)
_TOWNS = 2  # so many towns of each county have accounts, and villages of its first town
_VILLAGES = 2


@dataclass
class Staff:
    """The accounts that act in one county; towns and villages by their paths."""

    manager: Account
    reviewer: Account
    collector: Account
    clerks: dict[str, Account] = field(default_factory=dict)

    def clerk_of(self, path: str) -> Account:
        """Who enters what lies at ``path``: the clerk of its village, of its town, of the county."""
        for area in (path, path[: path.rstrip(".").rfind(".") + 1]):
            if area in self.clerks:
                return self.clerks[area]
        return self.collector


class Accounts:
    """Makes the accounts, from the ministry down."""

    def __init__(self, session: Session, people: People) -> None:
        self.session = session
        self.people = people
        self.roles = {role.name: role for role in session.scalars(select(Role))}
        method = current_app.config.get("FAB_PASSWORD_HASH_METHOD", "scrypt")
        self.password = generate_password_hash(PASSWORD, method=method)

    def upper(self, codes: list[str]) -> dict[str, Account]:
        """The accounts of ministry, province and these cities; the managers by short code."""
        session, managers = self.session, {}
        nation = region(session, "0", Level.NATION)
        province = region(session, PROVINCE, Level.PROVINCE)
        cities = [region(session, code, Level.CITY) for code in dict.fromkeys(codes)]
        offices = {nation: "住房和城乡建设部村镇建设司", province: "陕西省住房和城乡建设厅"}
        for place in (nation, province, *cities):
            office = offices.get(place) or f"{place.name}住房和城乡建设局"
            short = place.code[: 2 * place.level]
            managers[short] = self._add(place, Kind.MANAGER, 0, office, Duty.ADMINISTRATOR)
            reader = self._add(place, Kind.ORDINARY, 1, office + "（查询）")
            self._officers(place, managers[short], reader)
        return managers

    def grant(self, city: Account, county: Region) -> None:
        """Let a city's manager enter for a county for a while (依申请开通)."""
        self.session.add(
            Grant(
                account_id=city.id,
                capability=Capability.ENTER,
                region_id=county.id,
                ends_on=today() + dt.timedelta(days=90),
                reason="县里暂无录入条件",
            )
        )

    def _officers(self, place: Region, leader: Account, operator: Account) -> None:
        """负责人与责任人: the persons behind two accounts of the division."""
        office = leader.first_name
        for post, one, position in (
            (Post.LEADER, leader, "村镇建设科科长"),
            (Post.OPERATOR, operator, "科员"),
        ):
            self.session.add(
                Officer(
                    region_id=place.id, post=post, name=one.contact_name, employer=office,
                    position=position, mobile=one.phone,
                )
            )  # fmt: skip

    def county(self, county: Region) -> Staff:
        """A county's manager, reviewer, collector, a reader, and town and village accounts."""
        office = f"{county.name}住房和城乡建设局"
        staff = Staff(
            self._add(county, Kind.MANAGER, 0, office, Duty.ADMINISTRATOR),
            self._add(county, Kind.ORDINARY, 1, office + "（审核）", Duty.REVIEWER),
            self._add(county, Kind.ORDINARY, 2, office + "（采集）", Duty.COLLECTOR),
        )
        self._add(county, Kind.ORDINARY, 3, f"{county.name}乡村振兴局")
        for number, town in enumerate(self._below(county, _TOWNS)):
            self._add(town, Kind.MANAGER, 0, f"{town.name}人民政府")
            clerk = self._add(town, Kind.CLERK, 1, f"{town.name}村建站", Duty.COLLECTOR)
            staff.clerks[town.path] = clerk
            for village in self._below(town, _VILLAGES if number == 0 else 0):
                clerk = self._add(village, Kind.CLERK, 1, village.name, Duty.COLLECTOR)
                staff.clerks[village.path] = clerk
        for one in (staff.collector, *staff.clerks.values()):
            one.entry_person, one.review_person = one.contact_name, staff.reviewer.contact_name
        self._officers(county, staff.manager, staff.reviewer)
        return staff

    def _below(self, place: Region, count: int) -> list[Region]:
        level = Level(place.level + 1)
        query = select(Region).where(in_subtree(Region.path, place.path), Region.level == level)
        return list(self.session.scalars(query.order_by(Region.path).limit(count)))

    def _add(self, place: Region, kind: Kind, number: int, name: str, *duties: Duty) -> Account:
        person = self.people.head(["610102"])
        level = Level(place.level)
        account = Account(
            username=f"{place.code}{number:02}",
            first_name=name,
            last_name="",
            email=f"{place.code}{number:02}@demo.invalid",
            active=True,
            password=self.password,
            kind=kind,
            level=int(level),
            region_id=place.id,
            path=place.path,
            phone=self.people.phone(),
            department="住建",
            must_change_password=False,
            demo=True,
            contact_name=person.name,
            roles=[self.roles[role_name(level, kind)], *(self.roles[duty.zh] for duty in duties)],
        )
        account.contact_phone = account.phone
        self.session.add(account)
        return account


def listed(session: Session) -> Iterator[dict[str, Any]]:
    """The demonstration accounts as ``flask demo accounts`` prints them, highest level first."""
    query = select(Account, Region).join(Region, Region.id == Account.region_id)
    duties = {duty.zh: duty.value for duty in Duty}
    for account, place in session.execute(
        query.where(Account.demo).order_by(Account.level, Account.id)
    ).unique():
        yield {
            "account": account.username,
            "password": PASSWORD,
            "level": Level(account.level).name.lower(),
            "kind": account.kind.value,
            "duties": sorted(duties[role.name] for role in account.roles if role.name in duties),
            "division_code": place.code,
            "division": place.full_name,
            "name": account.first_name,
        }


def as_json(line: dict[str, Any]) -> str:
    """One account as one line."""
    return json.dumps(line, ensure_ascii=False)
