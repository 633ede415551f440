"""For every generated view, each of its methods, each set of rights and rows near and far: the answer is what
the matrix of roles says; and what each costs in statements.
"""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from app.access import policy, roles
from app.access.actor import Capability
from app.core.db import db
from app.core.transactions import transaction
from tests import builders
from tests.builders import Who
from tests.running.servers import Server
from tests.web.crud.conftest import APIS, VIEWS, Person, Rows, SignIn, as_key, key_of, signed_in

C = Capability
FAR = 9001
#: One account of each set of rights that there is in views.
WHO = (
    builders.MINISTRY, builders.COUNTY_MANAGER, builders.COUNTY_READER, builders.COUNTY_COLLECTOR,
    builders.TOWN_MANAGER, builders.VILLAGE_CLERK,
)  # fmt: skip
#: Method and address -> what it needs, and what one is answered who has it, near and far (with POST a form
#: without what it must say, so that nothing is changed).
_ROUTES = {
    ("GET", "/list/"): (C.SEARCH, 200, 200),
    ("GET", "/export"): (C.EXPORT, 200, 200),
    ("GET", "/add"): (C.ENTER, 200, 200),
    ("POST", "/add"): (C.ENTER, 422, 422),
    ("GET", "/show/{key}"): (C.SEARCH, 200, 404),
    ("GET", "/edit/{key}"): (C.ENTER, 200, 404),
    ("POST", "/edit/{key}"): (C.ENTER, 422, 404),
    ("POST", "/delete/{key}"): (C.ENTER, 302, 404),
    ("POST", "/action_post"): (C.ENTER, 302, 302),
}
_OF_API = {
    ("GET", "/_info"): (C.SEARCH, 200, 200),
    ("GET", "/"): (C.SEARCH, 200, 200),
    ("POST", "/"): (C.ENTER, 422, 422),
    ("GET", "/{key}"): (C.SEARCH, 200, 404),
    ("PUT", "/{key}"): (C.ENTER, 422, 404),
    ("DELETE", "/{key}"): (C.ENTER, 409, 404),
}
#: Routes that a view does not have.
_WITHOUT = {
    "shifts": ("/export", "/delete/{key}", "/action_post"),
    "contracts": ("/action_post",),
    "tools": ("/action_post",),
    "sites": ("/action_post",),
}
_SUBJECTS = {"contractors": "contractor", "contracts": "contractor", "contract": "contractor"}


@pytest.fixture
def keys(rows: Rows) -> dict[str, tuple[Any, Any]]:
    """View or API -> the key of a row that others need, and of one that lies far."""
    firm = as_key(rows("SELECT contractor_id FROM contract WHERE title = '合同01'")[0][0])
    firms = firm, key_of(rows, "contractor", "远方公司")
    contracts = key_of(rows, "contract", "合同01"), key_of(rows, "contract", "远方合同")
    crews, one = (1, FAR), (1, FAR)
    return {
        "contractors": firms, "contractor": firms, "contracts": contracts, "contract": contracts,
        "crews": crews, "crew": crews, "tools": one, "shifts": one, "shift": one,
        "skills": (1, 999999), "skill": (1, 999999), "sites": one, "site": one,
    }  # fmt: skip


@pytest.mark.parametrize("who", WHO, ids=str)
def test_each_method_answers_as_the_matrix_says(
    who: Who, person: SignIn, keys: dict[str, tuple[Any, Any]], program: Server
) -> None:
    there = person(who)
    with program.app.app_context():
        rights = builders.actor(who).capabilities
    wrong = []
    for view, (route, expected) in itertools.product(VIEWS, _ROUTES.items()):
        if route[1] in _WITHOUT.get(view, ()):
            continue
        for far in (False, True) if "{key}" in route[1] else (False,):
            if route[1] == "/delete/{key}" and not far and view in ("contracts", "tools", "sites"):
                continue  # nobody needs these rows: it would be done
            url = f"/{view}{route[1].format(key=keys[view][far])}"
            status = there.get(url) if route[0] == "GET" else there.post(url, {"name": ""})
            wrong += _differs(url, route, expected, far, who, rights, view, status.status_code)
    for api, (route, expected) in itertools.product(APIS, _OF_API.items()):
        for far in (False, True) if "{key}" in route[1] else (False,):
            if route[0] == "DELETE" and not far and api in ("contract", "shift", "site"):
                continue
            url = f"/{api}{route[1].format(key=keys[api][far])}"
            answer = there.api(
                route[0], url, {"nothing": 1} if route[0] in ("POST", "PUT") else None
            )
            wrong += _differs(url, route, expected, far, who, rights, api, answer.status_code)
    assert wrong == []


def _differs(
    url: str, route: tuple[str, str], expected: tuple[Capability, int, int], far: bool, who: Who,
    rights: Any, view: str, status: int,
) -> list[str]:  # fmt: skip
    needs, near, outside = expected
    seen_far = who is builders.MINISTRY and view not in ("skills", "skill")
    right = near if not far or seen_far else outside
    if (needs, _SUBJECTS.get(view, view.rstrip("s"))) not in rights:
        right = 403
    return [] if status == right else [f"{route[0]} {url}: {status}, not {right}"]


def test_a_right_that_is_taken_ends_what_its_holder_is_about(
    program: Server, rows: Rows, village: int
) -> None:
    """The form was opened with the right, and is sent without it: nothing is done, all that was typed stays."""
    holder = signed_in(program, builders.TOWN_CLERK)
    opened = holder.get("/skills/add")
    assert opened.status_code == 200
    name = policy.role_name(builders.TOWN_CLERK.level, builders.TOWN_CLERK.kind)
    right = roles.right(C.ENTER, "skill")
    with program.app.app_context():
        with transaction():
            roles.take(db.session(), roles.lock(db.session())[name], [right])
        db.session.remove()
    try:
        answer = holder.post("/skills/add", {"name": "没有权限的技能"})
        assert answer.status_code == 403
        assert "权限" in answer.text
        assert holder.get("/skills/list/").status_code == 200
        assert "/skills/add" not in holder.get("/skills/list/").text
    finally:
        with program.app.app_context():
            with transaction():
                roles.give(db.session(), roles.lock(db.session())[name], [right])
            db.session.remove()
    assert not rows("SELECT 1 FROM skill WHERE name = '没有权限的技能'")
    assert holder.post("/skills/add", {"name": "又有权限"}).status_code == 302
    holder.client.close()


def statements(answer: Any) -> int:
    """How many statements it took: BEGIN on SQLite, account and rights, and what waits in the menu among
    them.
    """
    assert answer.status_code in (200, 201, 302), answer.text
    return int(answer.headers["X-Anju-Statements"])


@pytest.mark.both_databases
def test_what_pages_cost_in_statements(
    manager: Person, village: int, rows: Rows, keys: dict[str, tuple[Any, Any]], firm: Any
) -> None:
    for url in (f"/{view}/list/" for view in VIEWS):
        manager.get(url)  # what a process asks once
        assert statements(manager.get(url)) <= 6, url
    chosen = f"/contracts/list/?_flt_2_title=合同&_flt_0_contractor={keys['contractor'][0]}"
    assert statements(manager.get(chosen)) <= 6  # what is chosen is called by its name
    adds = (f"/{view}/add" for view in VIEWS)
    edits = ("/crews/edit/11", "/tools/edit/1", "/shifts/edit/1", "/skills/edit/1",
             f"/contractors/edit/{keys['contractor'][0]}")  # fmt: skip
    for url in (*adds, *edits):
        assert statements(manager.get(url)) <= 6, url
    said = {"region_id": village, "name": "数着的", "skills": ["1", "2"]}
    assert statements(manager.change("/crews/add", said)) <= 12
    [(key,)] = rows("SELECT id FROM crew WHERE name = '数着的'")
    assert statements(manager.change(f"/crews/edit/{key}", said | {"skills": ["3"]})) <= 12
    url = f"/contractors/edit/{keys['contractor'][0]}"
    assert (
        statements(
            manager.change(
                url, firm(name="可选001", code="TEST00000000000001", phone="138****8000")
            )
        )
        <= 12
    )
    assert statements(manager.post(f"/crews/delete/{key}")) <= 12
    assert statements(manager.change("/contractors/add", firm())) <= 12
    for api in APIS:
        assert statements(manager.api("GET", f"/{api}/")) <= 5, api
    made = manager.api("POST", "/contractor/", firm(active=True))
    assert statements(made) <= 12
    changed = manager.api("PUT", f"/contractor/{made.json()['id']}", {"name": "改"})
    assert statements(changed) <= 12


def test_statements_do_not_grow_with_rows(manager: Person) -> None:
    few = statements(manager.get("/contracts/list/?psize_ContractView=20"))
    assert statements(manager.get("/contracts/list/?psize_ContractView=100")) == few
    few = statements(manager.api("GET", "/crew/?q=(page_size:1)"))
    assert statements(manager.api("GET", "/crew/?q=(page_size:100)")) == few
