"""The REST that FAB generates, for a page's scripts and for tokens: its addresses and answers are FAB's, what
it shows, takes and refuses is what the pages do.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from app.access.account import Account
from tests import builders
from tests.running.servers import Server
from tests.web.crud.conftest import Noted, Person, Rows, SignIn, as_key, key_of

FAR = 9001
Firm = Callable[..., dict[str, Any]]


@pytest.fixture
def said(firm: Firm) -> Callable[..., dict[str, Any]]:
    """A firm as the API takes it."""
    return lambda **values: firm(active=True, **values)


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The RFC 9457 answer."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    told: dict[str, Any] = answer.json()
    assert told["status"] == status
    assert not any(word in answer.text for word in ("SELECT", "sqlite", "psycopg", "Traceback"))
    return told


def pointers(answer: httpx.Response) -> dict[str, str]:
    """What is wrong where."""
    return {one["pointer"]: one["message"] for one in problem(answer, 422)["problems"]}


def test_a_row_is_made_read_changed_and_deleted(
    manager: Person, said: Firm, rows: Rows, noted: Noted, village: int
) -> None:
    made = manager.api("POST", "/contractor/", said(name="接口公司"))
    assert made.status_code == 201
    key = made.json()["id"]
    assert made.json()["result"]["phone"] == "139****4567"
    read = manager.api("GET", f"/contractor/{key}").json()["result"]
    assert (read["name"], read["grade"], read["region_id"]) == ("接口公司", "first", village)
    assert read["phone"] == "139****4567"
    back = {name: read[name] for name in ("name", "phone")} | {"grade": "second"}
    assert manager.api("PUT", f"/contractor/{key}", back).status_code == 200
    assert rows("SELECT phone, grade FROM contractor WHERE name = '接口公司'") == [
        ("13991234567", "second")
    ]
    assert noted("contractor", "update")[0]["changes"] == {"grade": ["first", "second"]}
    assert manager.api("DELETE", f"/contractor/{key}").status_code == 200
    assert problem(manager.api("GET", f"/contractor/{key}"), 404)
    assert noted("contractor", "delete")[0]["changes"]["name"] == ["接口公司", None]


def test_a_list_is_asked_as_fab_documents_it(manager: Person) -> None:
    query = "(columns:!(name,code),filters:!((col:code,opr:sw,value:TEST),(col:grade,opr:eq,value:second)),order_column:code,order_direction:desc,page:1,page_size:10)"
    answer = manager.api("GET", f"/contractor/?q={query}").json()
    assert answer["count"] == 107
    assert len(answer["result"]) == 10
    assert answer["result"][0] == {"name": "备选194", "code": "TEST00000000000194"}
    assert len(answer["ids"]) == 10
    assert manager.api("GET", "/contractor/?q=(page_size:100000)").json()["result"][99]
    assert len(manager.api("GET", "/contractor/?q=(page_size:100000)").json()["result"]) == 100
    crews = manager.api("GET", "/crew/?q=(filters:!((col:firm,opr:rel_o_m,value:'x')))")
    assert "firm" in problem(crews, 400)["detail"].lower()
    probes = "(filters:!((col:size,opr:in,value:!(3,7)),(col:skills,opr:rel_m_m,value:2)))"
    found = manager.api("GET", f"/crew/?q={probes}").json()["result"]
    assert [one["name"] for one in found] == ["甲%乙", "甲_乙"]
    assert found[0]["firm"] == {"name": "备选051"}
    assert found[0]["checked_at"].startswith("2026-01-01T08:00:00")


@pytest.mark.parametrize(
    "query",
    [
        "q=(page:'x')", "q=((", "q=(", "q=!", "q=(a:", "q=!(", "q={", "q=" + "(" * 2000, "q=(order_column:path,order_direction:asc)", "q=(columns:!(path))",
        "q=(order_column:nothing,order_direction:asc)", "q=(filters:!((col:path,opr:sw,value:'0')))",
        "q=(filters:!((col:name,opr:like,value:'0')))", "q=(filters:!((col:name)))", "q=(filters:!(1))",
        "q=(filters:!((col:active,opr:eq,value:perhaps)))", "q=(filters:!((col:region_id,opr:under,value:here)))",
        "q=(filters:!((col:name,opr:sw,value:!n)))", "q=(page:-1)", "q=(page_size:-1)", "q=(page:99999999999999999999)", "x=1",
        "q=(filters:!((col:!(a),opr:eq,value:1)))", "q=(keys:!(nothing))", "q=!(1)", "q=(unknown:1)",
    ],
)  # fmt: skip
def test_what_a_query_may_not_say_is_told(manager: Person, query: str) -> None:
    told = problem(manager.api("GET", f"/contractor/?{query}"), 400)
    assert told["detail"]


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"name": None}, "/name"), ({"name": ""}, "/name"), ({"name": 5}, "/name"), ({"name": "x" * 65}, "/name"),
        ({"code": "TEST00000000009001"}, "/code"), ({"code": "TEST00000000000001"}, "/code"),
        ({"grade": "third"}, "/grade"), ({"grade": None}, "/grade"), ({"active": "perhaps"}, "/active"),
        ({"region_id": "here"}, "/region_id"), ({"region_id": 999999999}, "/region_id"),
        ({"region_id": 2**70}, "/region_id"), ({"region_id": None}, "/region_id"),
        ({"path": "0."}, "/path"), ({"id": "x"}, "/id"), ({"nothing": 1}, "/nothing"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_where_it_stands(
    manager: Person, said: Firm, changed: dict[str, Any], pointer: str, rows: Rows
) -> None:
    body = said() | changed
    assert list(pointers(manager.api("POST", "/contractor/", body))) == [pointer]
    assert not rows("SELECT 1 FROM contractor WHERE code = :code", code=said()["code"])


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"size": "5"}, "/size"), ({"size": 5.5}, "/size"), ({"size": 2**40}, "/size"), ({"size": True}, "/size"),
        ({"wage": "nan"}, "/wage"), ({"wage": 1e400}, None), ({"founded": "2026-02-30"}, "/founded"),
        ({"founded": "9999-12-31"}, None), ({"checked_at": "gestern"}, "/checked_at"),
        ({"checked_at": "2026-01-01T08:00:00"}, None),
        ({"skills": [1, 999999]}, "/skills"), ({"skills": 1}, "/skills"), ({"skills": [[1]]}, "/skills"),
        ({"skills": []}, None), ({"firm": "x"}, "/firm"), ({"firm": {}}, "/firm"), ({"firm": None}, None),
        ({"insured": None}, None), ({"notes": "a\x00b🏗️"}, None), ({"name": "x" * 21}, "/name"),
    ],
)  # fmt: skip
def test_plain_types_are_taken_or_refused(
    manager: Person, village: int, changed: dict[str, Any], pointer: str | None, rows: Rows
) -> None:
    body = {"name": "接口班组", "region_id": village} | changed
    if changed.get("wage") == 1e400:
        answer = manager.client.post(
            "/api/v1/crew/", content=b'{"name": "x", "region_id": 1, "wage": 1e400}',
            headers={"X-CSRFToken": manager.token, "Content-Type": "application/json"},
        )  # fmt: skip
        assert answer.status_code in (400, 422)
        return
    answer = manager.api("POST", "/crew/", body)
    if pointer is None:
        assert answer.status_code == 201, answer.text
        assert manager.api("DELETE", f"/crew/{answer.json()['id']}").status_code == 200
    else:
        assert list(pointers(answer)) == [pointer]
        assert not rows("SELECT 1 FROM crew WHERE name = :name", name=body["name"])


def test_a_body_that_is_none_is_told(manager: Person) -> None:
    head = {"X-CSRFToken": manager.token}
    for content, kind, status in (
        (b"", "application/json", 400), (b"[1]", "application/json", 422), (b"{", "application/json", 400),
        (b"a=1", "application/x-www-form-urlencoded", 415), (b"\xff", "application/json", 400),
    ):  # fmt: skip
        answer = manager.client.post(
            "/api/v1/contractor/", content=content, headers=head | {"Content-Type": kind}
        )
        assert answer.status_code in (status, 400, 422), (content, answer.text)
        problem(answer, answer.status_code)


def test_of_two_one_deletes_a_row_and_one_changes_it(
    manager: Person, said: Firm, rows: Rows
) -> None:
    """At the same moment, and one after the other: the row is gone, and what was done to it before is told."""
    acts = "SELECT act, record_id FROM audit_entry WHERE register = 'contractor' AND record_id IS NOT NULL ORDER BY act"
    for _again in range(3):
        key = manager.api("POST", "/contractor/", said()).json()["id"]
        url = f"/contractor/{key}"
        with ThreadPoolExecutor(2) as pool:
            changing = pool.submit(manager.api, "PUT", url, {"name": "改名"})
            deleting = pool.submit(manager.api, "DELETE", url)
            changed, deleted = changing.result(60), deleting.result(60)
        assert deleted.status_code == 200, deleted.text
        assert changed.status_code in (200, 404, 409), changed.text
        told = [act for act, record in rows(acts) if as_key(record) == key]
        assert told == ["create", "delete", *["update"] * (changed.status_code == 200)]
        problem(manager.api("PUT", url, {"name": "再改"}), 404)
        problem(manager.api("DELETE", url), 404)


def test_what_lies_outside_is_as_if_it_were_not(
    manager: Person, rows: Rows, far: int, said: Firm, village: int
) -> None:
    firm = key_of(rows, "contractor", "远方公司")
    contract = key_of(rows, "contract", "远方合同")
    for url in (f"/contractor/{firm}", f"/contract/{contract}", f"/crew/{FAR}", f"/shift/{FAR}"):
        for one in (url, url.rpartition("/")[0] + "/777777", url.rpartition("/")[0] + "/x"):
            told = [
                problem(manager.api("GET", one), 404)["detail"],
                problem(manager.api("PUT", one, {"name": "x"}), 404)["detail"],
                problem(manager.api("DELETE", one), 404)["detail"],
            ]
            assert len(set(told)) == 1
    assert list(pointers(manager.api("POST", "/contractor/", said(region_id=far)))) == [
        "/region_id"
    ]
    body = {"title": "x", "signed_on": "2026-01-01", "contractor": firm, "region_id": village}
    assert list(pointers(manager.api("POST", "/contract/", body))) == ["/contractor"]
    assert list(
        pointers(manager.api("POST", "/shift/", {"crew": FAR, "works_on": "2026-01-01"}))
    ) == ["/crew"]
    assert list(pointers(manager.api("PUT", "/shift/1", {"crew": FAR}))) == ["/crew"]


def test_what_others_need_is_not_deleted(manager: Person) -> None:
    problem(manager.api("DELETE", "/crew/1"), 409)


def test_a_request_that_comes_twice_is_done_once(manager: Person, said: Firm, rows: Rows) -> None:
    body = said(name="两次")
    answers = [
        manager.api("POST", "/contractor/", body, Idempotency_Key="once-1") for _n in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["Idempotency-Replayed"] == "true"
    assert len(rows("SELECT 1 FROM contractor WHERE name = '两次'")) == 1
    problem(
        manager.api("POST", "/contractor/", body | {"name": "别的"}, Idempotency_Key="once-1"), 400
    )
    key = answers[0].json()["id"]
    deleted = [
        manager.api("DELETE", f"/contractor/{key}", Idempotency_Key="once-2") for _n in range(2)
    ]
    assert [answer.status_code for answer in deleted] == [200, 200]


def test_a_page_needs_its_token_and_a_stranger_a_session(manager: Person, said: Firm) -> None:
    answer = manager.client.post("/api/v1/contractor/", json=said())
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("application/problem+json")
    bare = httpx.get(f"{manager.client.base_url}/api/v1/contractor/")
    assert problem(bare, 401)["code"] == "signed_out"


def test_info_tells_what_is_asked_for(manager: Person) -> None:
    told = manager.api("GET", "/contract/_info").json()
    columns = {one["name"]: one for one in told["add_columns"]}
    assert columns["contractor"]["label"] == "施工单位"
    assert columns["contractor"]["required"] is True
    assert columns["contractor"]["values"][0]["value"]
    assert columns["amount"]["description"] == ""
    assert {one["operator"] for one in told["filters"]["title"]} >= {"ct", "eq", "sw"}
    english = manager.api("GET", "/contract/_info?lang=en").json()["filters"]["title"]
    assert {"name": "contains", "operator": "ct"} in english
    assert manager.api("GET", "/crew/_info").json()["permissions"]


def test_the_page_of_the_api_tells_those_who_may_use_them(person: SignIn) -> None:
    page = person(builders.COUNTY_MANAGER).get("/help/api")
    assert int(page.headers["X-Anju-Statements"]) <= 6
    firms = re.search(r'<section[^>]*"generated-contractor">.*?</section>', page.text, re.DOTALL)
    assert firms
    for method, path in (("GET", "/"), ("GET", "/_info"), ("POST", "/"), ("DELETE", "/{id}")):
        said = f'<b class="api-method">{method}</b> <code>/api/v1/contractor{path}</code>'
        assert said in firms[0]
    [phone] = re.findall(r'<tr><th scope="row"><code>phone</code>.*?</tr>', firms[0])
    assert re.findall(r"<td>(.*?)</td>", phone) == [
        "联系电话", "String ≤ 32", "列表 · 查看 · 新增 · 修改 · 掩码", "eq 等于",
    ]  # fmt: skip
    reads = person(builders.COUNTY_READER).get("/help/api").text
    assert "/api/v1/contractor/{id}" in reads
    assert '<b class="api-method">DELETE</b> <code>/api/v1/contractor' not in reads


# ---- tokens ---------------------------------------------------------------------------------


@pytest.fixture
def token(program: Server) -> Callable[..., Callable[..., httpx.Response]]:
    """``token(contractor="enter")`` asks as another system does."""

    def make(who: Any = builders.COUNTY_MANAGER, **registers: str) -> Callable[..., httpx.Response]:
        with program.app.app_context():
            owner: Account = builders.account(who)
            _made, secret = builders.api_token(owner, **registers)
        head = {"Authorization": f"Bearer {secret}"}

        def ask(method: str, url: str, body: Any = None, **more: str) -> httpx.Response:
            return httpx.request(
                method, f"{program.url}/api/v1{url}", json=body, headers=head | more, timeout=30
            )

        return ask

    return make


def test_a_token_does_what_it_is_for(
    token: Callable[..., Any], said: Firm, noted: Noted, rows: Rows
) -> None:
    writes = token(contractor="enter")
    made = writes("POST", "/contractor/", said(name="令牌公司"))
    assert made.status_code == 201, made.text
    assert writes("GET", f"/contractor/{made.json()['id']}").json()["result"]["name"] == "令牌公司"
    assert writes("PUT", f"/contractor/{made.json()['id']}", {"name": "改了"}).status_code == 200
    assert writes("DELETE", f"/contractor/{made.json()['id']}").status_code == 200
    assert "民政数据交换" in str(noted("contractor", "delete")[0]) or rows(
        "SELECT 1 FROM audit_entry WHERE register = 'contractor' AND account_name IS NOT NULL"
    )
    reads = token(contractor="read")
    assert reads("GET", "/contractor/?q=(page_size:1)").status_code == 200
    told = problem(reads("POST", "/contractor/", said()), 403)
    assert told["code"] == "forbidden"
    assert problem(writes("GET", "/crew/"), 403)
    assert problem(token(lookback="enter")("GET", "/contractor/"), 403)
    assert problem(
        token(builders.COUNTY_READER, contractor="enter")("POST", "/contractor/", said()), 403
    )
    assert problem(writes("GET", "/contractor/", Authorization="Bearer anju_wrong"), 401)


def test_a_token_is_made_for_a_generated_view(manager: Person, program: Server) -> None:
    form = manager.get("/tokens/new").text
    assert 'name="access-contractor"' in form
    assert "施工单位" in form
    login = form.partition('name="login"')[2].partition('value="')[2].partition('"')[0]
    region = form.partition('name="region"')[2].partition('value="')[2].partition('"')[0]
    day = form.partition('name="expires_on"')[2].partition('value="')[2].partition('"')[0]
    said = {"name": "对接", "login": login, "region": region, "expires_on": day,
            "access-contractor": "enter", "access-crew": "read"}  # fmt: skip
    answer = manager.post("/tokens/new", said)
    assert answer.status_code == 200, answer.text
    assert "施工单位：" in answer.text
    secret = answer.text.partition("anju_")[2].partition("<")[0].partition('"')[0].strip()
    head = {"Authorization": f"Bearer anju_{secret}"}
    assert httpx.get(f"{program.url}/api/v1/crew/", headers=head).status_code == 200
    assert manager.post("/tokens/new", said | {"access-contractor": "own"}).status_code == 422


def test_no_route_of_a_page_takes_a_token(token: Callable[..., Any], program: Server) -> None:
    secret = token(contractor="enter")
    assert secret("GET", "/contractor/").status_code == 200
    answer = httpx.get(
        f"{program.url}/contractors/list/", headers={"Authorization": "Bearer anju_x"}
    )
    assert answer.status_code in (302, 401)


def test_levels_and_kinds_do_by_the_api_what_they_do_by_pages(person: SignIn, said: Firm) -> None:
    for who, status in (
        (builders.COUNTY_READER, 403),
        (builders.MINISTRY, 403),
        (builders.TOWN_CLERK, 201),
    ):
        body = said()
        answer = person(who).api("POST", "/contractor/", body)
        assert answer.status_code == status
