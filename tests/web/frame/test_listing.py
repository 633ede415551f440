"""The objects that a list's page is made of: addresses, chips, paging, columns, the table."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from flask_babel import Babel
from werkzeug.datastructures import MultiDict

from app.core.errors import BadInput
from app.web.frame.listing import (
    Action,
    Cell,
    Chip,
    Column,
    Filter,
    Listing,
    Option,
    Paging,
    Row,
    cells,
    chips,
    size_of,
    span,
    url_with,
)
from app.web.lists import table as ledger_table

ARGS = MultiDict(
    [("state", "draft"), ("state", "returned"), ("q", "a&b"), ("after", "x"), ("no", "")]
)


@pytest.fixture(autouse=True)
def at_a_list() -> Iterator[None]:
    app = Flask(__name__)
    Babel(app, default_locale="zh")
    with app.test_request_context("/things/"):
        yield


def test_an_address_keeps_all_that_is_asked_and_changes_one_part() -> None:
    assert url_with(ARGS) == "/things/?state=draft&state=returned&q=a%26b&after=x"
    assert url_with(ARGS, ("after", "q"), size=50) == "/things/?state=draft&state=returned&size=50"
    assert url_with(ARGS, ("state", "after"), q=None) == "/things/"
    assert url_with(MultiDict(), path="/other", page=2) == "/other?page=2"


def test_a_chip_takes_its_condition_away_and_goes_to_the_first_page() -> None:
    assert chips([("q", "名称", "a&b")], ARGS) == [
        Chip("名称：a&b", "/things/?state=draft&state=returned")
    ]


@pytest.mark.parametrize(("text", "size"), [(None, 20), ("20", 20), ("100", 100)])
def test_sizes_of_a_page(text: str | None, size: int) -> None:
    assert size_of(MultiDict({"size": text} if text else {})) == size


@pytest.mark.parametrize("text", ["", "21", "-20", "２０", "20.0", "x"])
def test_no_size_of_a_page(text: str) -> None:
    with pytest.raises(BadInput, match="每页条数有误"):
        size_of(MultiDict({"size": text}))


def test_the_usual_size_is_the_pages_own() -> None:
    assert size_of(MultiDict(), 50) == 50


def test_pages_by_cursor() -> None:
    made = Paging.by_cursor(
        MultiDict({"q": "a", "after": "x"}),
        before="b",
        after=None,
        size=50,
        position_text="第 1 页",
    )
    assert made.prev_url == "/things/?q=a&before=b"
    assert made.next_url is None
    assert made.position_text == "第 1 页"
    assert [(s.size, s.url, s.active) for s in made.sizes] == [
        (20, "/things/?q=a&size=20", False),
        (50, "/things/?q=a&size=50", True),
        (100, "/things/?q=a&size=100", False),
    ]


@pytest.mark.parametrize(
    ("number", "more", "prev_url", "next_url"),
    [
        (1, True, None, "/changes?region=7&page=2"),
        (2, True, "/changes?region=7&page=1", "/changes?region=7&page=3"),
        (2, False, "/changes?region=7&page=1", None),
        (1, False, None, None),
    ],
)
def test_pages_by_number(
    number: int, more: bool, prev_url: str | None, next_url: str | None
) -> None:
    args = MultiDict({"region": "7"})
    made = Paging.by_number(args, "/changes", number, more=more, position_text="")
    assert (made.prev_url, made.next_url, made.sizes) == (prev_url, next_url, ())


def test_the_numbers_of_a_page_of_many() -> None:
    assert span(1_001, 20, "10,000+") == {"first": "1,001", "last": "1,020", "count": "10,000+"}


def test_filters_by_choice_and_by_division() -> None:
    made = Filter.choice("state", "状态", "draft", {"draft": "草稿"}, advanced=True)
    assert (made.kind, made.value, made.advanced) == ("choice", "draft", True)
    assert made.options == [Option("draft", "草稿")]
    nowhere = Filter.region("region", "行政区划", None)
    assert (nowhere.kind, nowhere.value, nowhere.text) == ("region", None, "")


COLUMNS: list[Column[int]] = [
    Column("name", "名称", lambda n: f"<{n}>"),
    Column("half", "一半", lambda n: str(n // 2) if n else None, "number"),
    Column(
        "even", "偶数", lambda n: Cell("是", tone="good") if n % 2 == 0 else "", "tag", off=True
    ),
    Column("day", "日期", lambda n: Cell(f"2024-01-0{n}", "date", sub="&")),
]


def table(n: int, **more: object) -> str:
    action = Action("改", f"/{n}/edit", primary=True)
    row = Row(str(n), f"/{n}", cells(COLUMNS, n), [action], selectable=bool(n))
    listing = Listing(name="things", title="东西", columns=COLUMNS, rows=[row])
    for name, value in more.items():
        setattr(listing, name, value)
    return str(ledger_table.body(listing))


def test_a_cell_looks_as_its_column_unless_it_says_otherwise() -> None:
    html = table(4)
    assert re.search(
        r'<th [^>]*data-label="名称"[^>]*><a href="/4" class="row-link">&lt;4&gt;</a>', html
    )
    assert (
        '<td data-col="1" data-label="一半" class="col-number"><span class="cell-number">2</span>'
        in html
    )
    assert 'class="col-tag" hidden><span class="tag tag-good">是</span>' in html
    assert '<span class="cell-date">2024-01-04</span><small class="sub">&amp;</small>' in html
    assert '<a class="row-action is-first" href="/4/edit">改' in html
    assert 'type="checkbox"' not in html


def test_what_says_nothing_is_told_so_also_as_a_tag() -> None:
    nothing = '<span class="nothing" aria-label="未填写">—</span>'
    assert f'class="is-empty col-number">{nothing}' in table(0)
    assert f'class="is-empty col-tag" hidden>{nothing}' in table(3)


def test_only_rows_that_may_be_chosen_have_a_tick() -> None:
    assert 'name="id" value="4"' in table(4, bulk={"actions": []})
    assert 'name="id"' not in table(0, bulk={"actions": []})


def test_another_column_may_name_the_row() -> None:
    assert '<td data-col="0"' in table(4, key=1)
    assert re.search(r'data-label="一半"[^>]*><a href="/4" class="row-link">2</a>', table(4, key=1))
