"""Every address x everybody x own row, foreign row, unknown row: the status that they must see, and
nothing of what lies outside their area or is masked (spec 01, spec 09 "Nothing leaked").

Addresses come from the URL map and records from the declarations, so that a register is covered the
moment that it is declared. Each part runs for each register, on one of the databases.
"""

from __future__ import annotations

import re
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, select

from app.access import policy
from app.access.account import Account
from app.access.actor import Actor, Capability
from app.access.audit.log import Act, AuditEntry, Refusals
from app.access.divisions.regions import Level
from app.access.entry import ENTRIES
from app.access.grant import Grant
from app.access.scope import unscoped
from app.core.clock import today
from app.kernel import kinds
from app.kernel.declare.register import all_registers
from app.web.frame.requests import PUBLIC
from tests.builders import CITY, COUNTY_MANAGER, VILLAGE_CLERK, account, sign_in
from tests.contracts.conftest import World, ask, each_subject, leaks
from tests.contracts.place import Place
from tests.contracts.routes import (
    ANYBODY,
    LIST_PAGES,
    MANAGES,
    MINISTRY,
    SUBJECTS,
    SYSTEM,
    TELLS_HEAD,
    Call,
    asked,
    calls,
    held_of,
)

ALLOWED = {200, 201, 302, 303, 400, 409, 422}
#: Where those who enter or review see a record whole.
WHOLE = {"show", "edit", "review", "decide", "record", "history"}

each_register = pytest.mark.parametrize("world", SUBJECTS[1:], indirect=True)


def shown(response: Any, place: Place) -> list[str]:
    """The masked values that the answer shows whole."""
    if not response.mimetype.startswith(("text/", "application/json")):
        return []
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "", response.text)
    return sorted(number for number in place.numbers if number in text)


def test_every_address_has_its_contract(app: Flask) -> None:
    endpoints = {rule.endpoint for rule in app.url_map.iter_rules()}
    assert {e for e in endpoints - PUBLIC if asked(e) is None} == set()
    assert PUBLIC - endpoints == set()


# ---- inside ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_csrf")
@pytest.mark.one_database(turn=0)
@each_subject
def test_inside(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """403 exactly for those who lack the right, never 404, never 500; masked values whole only where
    one works on the record. One of those with the same rights asks for all of them.
    """
    wrong, inside, asking = [], world.inside, world.distinct()
    refused_as_page: set[str] = set()  # one page of a refusal tells what the others would
    for call in calls(world.app, inside, PUBLIC):
        if call.endpoint == "FileView.thumb":
            continue  # needs the bytes: see the tests of the pages
        name = call.endpoint.partition(".")[2]
        for who, client in asking.items():
            actor = world.actors[who]
            allowed = world.keeps(actor, call)
            response = ask(client, call, by_script=not allowed and call.endpoint in refused_as_page)
            refused_as_page |= set() if allowed else {call.endpoint}
            expected = _expected(call, inside) if allowed else {403}
            if call.endpoint.endswith(".remove") and world.register.flow is None:
                expected = expected | {404}  # nothing is decided on: whoever was first removed it
            if response.status_code not in expected:
                wrong.append(f"{who}: {call} -> {response.status_code}, allowed: {allowed}")
            works = world.works(actor) and (name in WHOLE or call.method != "GET")
            if not works and name != "reveal" and (found := shown(response, inside)):
                wrong.append(f"{who}: {call} shows {found}")
    for url in _searches(world):
        for who, client in asking.items():
            if found := shown(client.get(url), inside):
                wrong.append(f"{who}: {url} shows {found}")
    wrong += _by_right(world, monkeypatch)
    assert not wrong, "\n".join(wrong)


def _by_right(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Who has every right but the one that a route asks for is refused; who has that one alone is not, on
    a register's own routes; and FAB is told of that one (spec 01; ``flask fab list-views``).
    """
    place, held = world.inside, Held(monkeypatch)
    views = {view.endpoint: view for view in world.app.extensions["appbuilder"].baseviews}
    client, told, seen = world.clients[COUNTY_MANAGER], defaultdict(set), set()
    for call in calls(world.app, place, PUBLIC):
        view, wanted = views[call.endpoint.partition(".")[0]], held_of(world.register, call.asks)
        told[call.endpoint] |= wanted - {ANYBODY}
        alike = call.endpoint, call.method, frozenset(wanted)  # lists of several menus
        if wanted == {ANYBODY} or alike in seen:
            continue
        seen.add(alike)
        held.all_but(wanted)
        if (status := ask(client, call, by_script=True).status_code) != 403:
            yield f"without {sorted(wanted)}: {call} -> {status}"
        for one in wanted if hasattr(view, "needs") else ():
            held.only(one, view.class_permission_name)
            if (status := ask(client, call).status_code) == 403:
                yield f"with {one} alone: {call} -> {status}"
    for endpoint, asks in told.items():
        name, _dot, method = endpoint.partition(".")
        if (said := told_to_fab(views[name], method)) != asks:
            yield f"{endpoint} asks for {sorted(asks)}, FAB is told {sorted(said)}"


class Held:
    """The rights with which the next request is made, whatever the account's roles give."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pairs: frozenset[tuple[str, str]] = frozenset()
        real = policy.actor_of

        def actor_of(session: Any, account: Account) -> Actor:
            return replace(real(session, account), capabilities=self.pairs, limits={})

        monkeypatch.setattr(policy, "actor_of", actor_of)

    def all_but(self, lacking: Collection[str]) -> None:
        subjects = [SYSTEM, *(register.name for register in all_registers())]
        held = [c.value for c in Capability if c not in lacking]
        self.pairs = frozenset((name, subject) for name in held for subject in subjects)

    def only(self, capability: str, subject: str) -> None:
        """There, and in the system."""
        self.pairs = frozenset({(str(capability), subject), (str(capability), SYSTEM)})


def told_to_fab(view: Any, method: str) -> set[str]:
    """What FAB knows that the method asks for; each is one of the view's permissions."""
    if hasattr(view, "needs"):
        said = set(view.needs[method])
    else:
        marked = method in view.method_permission_name or hasattr(
            getattr(view, method), "_permission_name"
        )
        said = {view.get_method_permission(method)} if marked else set()
    return {name for name in said if f"can_{name}" in view.base_permissions}


def _expected(call: Call, place: Place) -> set[int]:
    if str(place.job) in call.path:
        return {404}  # an import or export is its account's alone
    if call.endpoint in ("FileView.show", "TokensView.revoke"):
        return ALLOWED | {404}  # its bytes are not there; one's own, or of whom one manages
    if call.endpoint == "NoticesView.seen":
        return ALLOWED | {404}  # only whose division was told
    if call.endpoint == "HandoversView.withdraw":
        return ALLOWED | {403}  # only who asked
    if call.endpoint.startswith("WhyView."):
        return ALLOWED | {404}  # the nation and villages have no place; one's own is told nothing
    if call.asks == MANAGES:
        return ALLOWED | {403, 404}  # only one of them: see test_accounts.py
    return ALLOWED


def _searches(world: World) -> Iterator[str]:
    """Lists and searches that find the record inside."""
    if world.inside.subject == SYSTEM:
        yield from ("/search/?q=本村", f"/audit/of/household/{world.inside.household_id}")
        yield "/audit/?act=update"
        return
    yield f"/audit/of/{world.register.name}/{world.inside.record.id}"
    for menu in world.register.menus:
        figure = next(iter(world.register.figures), "")
        yield from (f"{world.base}/{menu.name}?{f}" for f in (f"figure={figure}", "list=1"))
        if "head_name" in world.register.lists.filters.split():
            yield f"{world.base}/{menu.name}?head_name=本村"


@each_register
@pytest.mark.one_database(turn=0)
def test_whole_numbers_are_for_those_who_work_on_the_record(world: World) -> None:
    """Who saw them is noted once a day: by the page, the form or the review, however often."""
    record, entries = world.inside.record, set()
    pages = [f"{world.base}/{record.id}", f"{world.base}/{record.id}/edit"]
    pages += [f"{world.base}/{record.id}/review"] if world.register.flow else []
    for who, client in world.clients.items():
        actor = world.actors[who]
        for page in [*pages, pages[0]]:
            with client.get(page) as answer:  # the note is written when it is closed
                assert answer.status_code in {200, 302, 403, 404, 405}, (str(who), page)
            if page == pages[0] and world.inside.numbers:
                assert bool(shown(answer, world.inside)) is world.works(actor), str(who)
        entries |= {actor.account_id} if world.works(actor) else set()
    with world.app.app_context(), unscoped("tests look") as session:
        seen = list(session.scalars(select(AuditEntry).where(AuditEntry.act == Act.VIEW)))
    assert sorted(e.account_id.hex for e in seen if e.account_id) == sorted(e.hex for e in entries)
    assert {(e.record_id, e.path, e.register) for e in seen} == {
        (record.id, record.path, world.register.name)
    }


@pytest.mark.usefixtures("no_csrf")
@pytest.mark.one_database(turn=0)
@each_subject
def test_a_grant_opens_its_counties_and_nothing_beside_them(world: World) -> None:
    """A city that may enter for one county: there it may, in the next one it only looks. A register that says
    itself who enters is opened by a grant of that name alone.
    """
    name = world.register.name if world.register.name in ENTRIES else None
    client = sign_in(world.app, _granted_city(world, name))
    wrong = []
    asked_of = [(client, world.inside, ALLOWED), (client, world.outside[Level.COUNTY], {404})]
    if name:
        asked_of.append((sign_in(world.app, _granted_city(world, None)), world.inside, {403}))
    for client, place, expected in asked_of:
        for call in calls(world.app, place, PUBLIC):
            asks = call.endpoint.startswith("HandoversView.")  # whose it is may be asked everywhere
            if call.asks == Capability.ENTER and str(place.record.id) in call.path and not asks:
                status = ask(client, call).status_code
                if status not in expected:
                    wrong.append(f"{call} -> {status}")
    assert not wrong, "\n".join(wrong)


def _granted_city(world: World, register: str | None) -> Account:
    with world.app.app_context():
        city = account(CITY)
        with unscoped("tests grant") as session:
            session.add(
                Grant(account_id=city.id, capability=Capability.ENTER, register=register,
                      ends_on=today(), region_id=world.inside.region.county_id, reason="没有录入条件")
            )  # fmt: skip
            session.commit()
    return city


# ---- outside ---------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_csrf")
@pytest.mark.one_database(turn=1)
@each_subject
def test_outside(world: World) -> None:
    """As if they did not exist (or 403, where the account may not do it anywhere)."""
    wrong = []
    for level, place in world.outside.items():
        asking = world.distinct(level).items()
        refused_as_page: set[str] = set()
        for call in calls(world.app, place, PUBLIC):
            for who, client in asking:
                by_script = call.about_row and call.endpoint in refused_as_page
                response = ask(client, call, by_script=by_script)
                refused_as_page.add(call.endpoint)
                if call.about_row and response.status_code not in {403, 404}:
                    wrong.append(f"{who}: {call} -> {response.status_code}")
                asks = Capability.SEARCH if call.asks == ANYBODY else call.asks
                tells = call.about_row or asks not in (MANAGES, MINISTRY)
                if response.status_code == 403 and tells and world.may(world.actors[who], asks):
                    wrong.append(f"{who}: {call} -> 403 tells that it exists")
                found = leaks(response, place)
                if call.endpoint.partition(".")[2] in TELLS_HEAD:
                    found = [secret for secret in found if secret != place.name]
                if found:
                    wrong.append(f"{who}: {call} shows {found}")
        for who, client in asking:
            wrong += [f"{who}: {problem}" for problem in _found_outside(world, client, place)]
    assert not wrong, "\n".join(wrong)
    model = world.register.model
    with world.app.app_context(), unscoped("tests look") as session:
        versions = {row.id: row.version for row in session.scalars(select(model))}
    places = (world.inside, *world.outside.values())
    assert versions == {p.record.id: p.record.version for p in places}, "nothing was changed"


def _found_outside(world: World, client: FlaskClient, place: Place) -> Iterator[str]:
    """What searches, lists and statistics find of a place outside."""
    system = place.subject == SYSTEM  # the register's own lists are asked with the register
    wanted = (place.name, *sorted(place.numbers)[:3]) if system else ()
    urls = [f"/search/?q={quote(one)}" for one in wanted if one]
    menus, tables = ((), ()) if system else (world.register.menus, world.register.tables)
    for menu in menus:
        figure = next(iter(world.register.figures), "")
        urls.append(f"{world.base}/{menu.name}?figure={figure}")
        urls += [
            f"{world.base}/{menu.name}?{name}={quote(str(getattr(place.record, name) or ''))}"
            for name in ("head_name", "head_id") if name in world.register.lists.filters.split()
        ]  # fmt: skip
    for url in urls:
        body = client.get(url).text
        if url.startswith("/search"):
            hidden = [str(place.household_id), str(place.record.id)]
        else:
            hidden = [f"{world.base}/{place.record.id}", place.file.key]
        if any(one in body for one in hidden):
            yield f"{url} shows it"
    there = [f"{world.base}/{menu.name}" for menu in menus if menu.wide is None]
    for table in tables:
        there += [f"{world.base}/statistics/{table.name}{end}" for end in ("", "/excel")]
    if world.register.progress_table and not system:
        there.append(f"{world.base}/statistics/week")
    for page in there:
        response = client.get(f"{page}?region={place.region.id}")
        if response.status_code not in {403, 404} or place.region.name in response.text:
            yield f"{page}?region= -> {response.status_code}"
    if not system:
        return
    if client.get(f"/regions/children?id={place.region.id}").status_code != 404:
        yield "/regions/children"
    found = client.get(f"/regions/search?q={place.region.code}").get_json()["items"]
    if any(item["code"] == place.region.code for item in found):
        yield "/regions/search"


@pytest.mark.usefixtures("no_csrf")
@pytest.mark.one_database(turn=0)
@each_subject
def test_unknown_rows_answer_like_foreign_ones(world: World) -> None:
    foreign = world.outside[Level.COUNTY]
    of_household = hasattr(foreign.record, "household_id")
    nowhere = Place(
        foreign.subject,
        foreign.register,
        foreign.register.model(
            id=uuid.uuid4(), **({"household_id": uuid.uuid4()} if of_household else {})
        ),
        type(foreign.file)(id=uuid.uuid4(), key=""),
        foreign.region,
    )
    client = world.clients[COUNTY_MANAGER]
    different = []
    for there, here in zip(
        calls(world.app, foreign, PUBLIC), calls(world.app, nowhere, PUBLIC), strict=True
    ):
        if there.about_row:
            one, two = ask(client, there), ask(client, here)
            texts = [_without_ids(r.get_data(as_text=True)) for r in (one, two)]
            if (one.status_code, texts[0]) != (two.status_code, texts[1]):
                different.append(f"{there} -> {one.status_code}, {here} -> {two.status_code}")
    assert not different, "\n".join(different)


def _without_ids(text: str) -> str:
    return re.sub(
        r"[0-9a-f]{8}-[0-9a-f-]{27}|nonce=\S+|csrf\S+|value=\"\S+\"|content=\"\S+\"", "", text
    )


# ---- parameters ------------------------------------------------------------------------------

BAD = ["abc", "-1", "99999999999999999999", "x" * 3000, "\x00", "'%; --", "𠅤"]
PARAMETERS = {
    "/regions/search": ["q", "level", "until"],
    "/regions/children": ["id", "until", "whole", "recent"],
    "/search/": ["q"],
}
OF_LISTS = ("region", "figure", "after", "before", "page", "size", "unplaced")
#: What no parameter of any list can be.
REFUSED = {
    "region": ["abc", "-1", "1.5"],
    "figure": ["nothing"],
    "size": ["7", "abc", "-20"],
    "page": ["0", "-1", "abc"],
    "after": ["abc"],
    "before": ["abc"],
}


@pytest.mark.one_database(turn=0)
@each_subject
def test_no_parameter_breaks_a_page(world: World) -> None:
    client, register = world.clients[COUNTY_MANAGER], world.register
    pages = PARAMETERS if world.inside.subject == SYSTEM else dict(_parameters(world))
    broken = []
    for page, names in pages.items():
        for name in names:
            for value in BAD:
                url = f"{page}{'&' if '?' in page else '?'}{name}={quote(value)}"
                if (status := client.get(url).status_code) not in {200, 302, 400, 404}:
                    broken.append(f"{url[:120]} -> {status}")
    if world.inside.subject != SYSTEM:
        refused = REFUSED | {
            name: ["nothing"] for name in register.lists.filters.split()
            if register.model.__fields__[name].kind in (kinds.CHOICE, kinds.YEAR, kinds.YES_NO)
        }  # fmt: skip
        fixed = register.menus[-1].fixed[0]
        broken += [
            f"{name}={value} -> {status}"
            for name, values in refused.items() if name != fixed
            for value in values
            if (status := client.get(
                f"{world.base}/{register.menus[-1].name}?{name}={value}").status_code) != 400
        ]  # fmt: skip
    assert not broken, "\n".join(broken)


def _parameters(world: World) -> Iterator[tuple[str, list[str]]]:
    """Every list with all its filters, the others with what all lists have; its other pages."""
    filters, seen = world.register.lists.filters.split(), False
    manager = world.actors[COUNTY_MANAGER]
    own = [m for m in world.register.menus if manager.has(m.capability, world.register.name)]
    for menu in reversed(own):
        asked_twice = f"{world.base}/{menu.name}?list=1"
        yield asked_twice, ["region", "after"] if seen else [*OF_LISTS, *filters]
        seen = True
    for table in world.register.tables:
        yield f"{world.base}/statistics/{table.name}", ["region"]
    yield f"/exchange/export{world.base}", ["region", *filters[:2]]


# ---- what is noted ---------------------------------------------------------------------------


def test_a_refused_look_is_noted_once(world: World) -> None:
    clerk, place = world.clients[VILLAGE_CLERK], world.outside[Level.VILLAGE]
    for url in (
        f"/lookback/{place.record.id}",
        f"/household/{place.household_id}",
        f"/files/{place.file.id}",
        f"/lookback/query?region={place.region.id}",
        "/lookback/review",
    ):
        with world.app.app_context(), unscoped("tests arrange") as session:
            before = set(session.scalars(select(AuditEntry.id)))
            session.execute(delete(Refusals))  # as if a minute went by
            session.commit()
        assert clerk.get(url).status_code in {403, 404}
        with world.app.app_context(), unscoped("tests look") as session:
            (entry,) = (e for e in session.scalars(select(AuditEntry)) if e.id not in before)
        assert entry.act == Act.REFUSED
        assert entry.account_id == world.actors[VILLAGE_CLERK].account_id
        assert entry.path == world.actors[VILLAGE_CLERK].path


def test_list_pages_ask_for_what_their_menu_asks_for(world: World) -> None:
    """Of several menus that ask for the same, one stands for all: none of its pages asks otherwise."""
    clerk, wrong = world.clients[VILLAGE_CLERK], []
    for menu in world.register.menus:
        may = world.actors[VILLAGE_CLERK].has(menu.capability, world.register.name)
        for page in LIST_PAGES[1:3]:
            status = clerk.get(f"{world.base}/{menu.name}/{page}").status_code
            if (status == 403) is may:
                wrong.append(f"{menu.name}/{page} -> {status}")
    assert not wrong, "\n".join(wrong)
