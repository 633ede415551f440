"""A world with a record just inside and one just outside everybody's area, and who asks there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.access.actor import Actor, Capability, Kind
from app.access.divisions.regions import Level
from app.kernel.declare.register import Register, get_register
from tests.builders import (
    COUNTY,
    EVERYBODY,
    FAR_COUNTY,
    NEXT_COUNTY,
    Who,
    account,
    actor_of,
    below,
    region,
    seat,
    sign_in,
)
from tests.contracts.place import Place, settle
from tests.contracts.routes import (
    ANYBODY,
    MANAGES,
    MENUS,
    MINISTRY,
    REVIEWS,
    SUBJECTS,
    SYSTEM,
    Call,
    held_of,
    picture,
)
from tests.hands import read

#: The register about whose records everything is asked that belongs to no register.
SAMPLE = "lookback"


@dataclass
class World:
    """``inside`` lies in everybody's area; ``outside`` as near to it as can be, by level."""

    app: Flask
    inside: Place
    outside: dict[Level, Place]
    clients: dict[Who, FlaskClient] = field(default_factory=dict)
    actors: dict[Who, Actor] = field(default_factory=dict)

    @property
    def register(self) -> Register:
        return self.inside.register

    @property
    def base(self) -> str:
        """Where the register's pages lie."""
        return f"/{self.register.name}"

    def distinct(self, level: Level | None = None) -> dict[Who, FlaskClient]:
        """One account for each set of rights in the register and in the system, with its kind: what a page
        allows follows from these. Of those who have the same, each subject asks another one. ``level``: of
        the accounts of that level.
        """
        alike: dict[Any, list[Who]] = {}
        for who, actor in self.actors.items():
            if level not in (None, who.level):
                continue
            rights = [(actor.has(c, self.register.name), actor.has(c)) for c in Capability]
            ministry = self.may(actor, MINISTRY)
            alike.setdefault((*rights, self.works(actor), actor.kind, ministry), []).append(who)
        turn = SUBJECTS.index(self.inside.subject)
        chosen = [group[turn % len(group)] for group in alike.values()]
        return {who: self.clients[who] for who in chosen}

    def may(self, actor: Actor, asks: Any) -> bool:
        """In the register, or in the system where the capability belongs to no register."""
        if asks == ANYBODY:
            return True
        if asks == MINISTRY:
            return actor.level == Level.NATION and actor.has(Capability.SETTINGS)
        if asks in (REVIEWS, MENUS):
            return any(actor.has(one, self.register.name) for one in held_of(self.register, asks))
        asks = Capability.MANAGE_USERS if asks == MANAGES else asks
        if (
            asks == Capability.ENTER and self.register.entry
        ):  # what it holds elsewhere opens nothing here
            return actor.has(asks, self.register.name)
        return actor.has(asks, self.register.name) or actor.has(asks)

    def keeps(self, actor: Actor, call: Call) -> bool:
        """What it may in the register, also with the record inside, which nobody there entered: in an
        owned register the managers keep such ones.
        """
        changes = call.asks == Capability.ENTER and str(self.inside.record.id) in call.path
        asks = call.endpoint.startswith("HandoversView.")  # for what is another's
        others = self.register.owned and changes and not asks and actor.kind != Kind.MANAGER
        return self.may(actor, call.asks) and not others

    def works(self, actor: Actor) -> bool:
        """Does the account enter or decide records of the register? It sees them whole."""
        if self.register.owned:
            return actor.has(Capability.ENTER, self.register.name) and actor.kind == Kind.MANAGER
        works = (Capability.ENTER, Capability.REVIEW)
        return any(actor.has(each, self.register.name) for each in works)


@pytest.fixture
def world(app: Flask, request: pytest.FixtureRequest) -> World:
    """Of the look-back, unless its parameter names another subject of routes.SUBJECTS."""
    subject = getattr(request, "param", SAMPLE)
    register = get_register(SAMPLE if subject == SYSTEM else subject)
    assert register is not None

    def place(where: Any, name: str, *, full: bool = False) -> Place:
        return settle(subject, register, where, name, full=full)

    with app.app_context():
        village, town = seat(Level.VILLAGE), seat(Level.TOWN)
        outside = {
            Level.VILLAGE: place(below(town, Level.VILLAGE, 1), "邻村的人"),
            Level.TOWN: place(
                below(below(region(COUNTY), Level.TOWN, 1), Level.VILLAGE), "邻镇的人"
            ),
            Level.COUNTY: place(below(region(NEXT_COUNTY), Level.VILLAGE), "邻县的人"),
            Level.CITY: place(below(region(FAR_COUNTY), Level.VILLAGE), "远县的人"),
        }
        outside[Level.PROVINCE] = outside[Level.CITY]
        made = World(app, place(village, "本村的人", full=True), outside)
        accounts = {who: account(who) for who in EVERYBODY}
        made.actors = {who: actor_of(one) for who, one in accounts.items()}
    made.clients = {who: sign_in(app, one) for who, one in accounts.items()}
    return made


@pytest.fixture
def no_csrf(app: Flask) -> Iterator[None]:
    """POST without a token, where the token is not what is tested."""
    app.config["WTF_CSRF_ENABLED"] = False
    yield
    app.config["WTF_CSRF_ENABLED"] = True


@pytest.fixture
def counted(app: Flask) -> Iterator[None]:
    """Answers carry the number of their SQL statements."""
    app.config["BENCH"] = True
    yield
    app.config["BENCH"] = False


def statements(response: Any) -> int:
    return int(response.headers["X-Anju-Statements"])


def grown(pages: Sequence[tuple[str, Any, int]], few: list[int], many: list[int]) -> list[str]:
    """Of these pages (address, by whom, at most how many statements) those that cost more with ``many`` rows
    than with ``few``, or too many.
    """
    return [
        f"{page} by {who}: {a} with few rows, {b} with many, at most {most}"
        for (page, who, most), a, b in zip(pages, few, many, strict=True)
        if b > most or b > a
    ]


#: For each register, and for what belongs to none.
each_subject = pytest.mark.parametrize("world", SUBJECTS, indirect=True)


def ask(client: FlaskClient, call: Call, *, by_script: bool = False) -> Any:
    """``by_script``: as a page's script asks, which is refused in a line instead of a page with its menu."""
    options = dict(call.options)
    if by_script:
        options["headers"] = {**options.get("headers", {}), "HX-Request": "true"}
    if "file" in options.get("data", {}):
        options["data"] = {"file": (picture(), "a.png")}
    return read(client.open(call.path, method=call.method, **options))


def leaks(response: Any, place: Place) -> list[str]:
    body = response.get_data() + str(response.headers).encode()
    return [secret for secret in place.secrets if secret.encode() in body]
