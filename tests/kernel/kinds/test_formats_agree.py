"""Python, SQL and JavaScript must call the same identity numbers, phones and codes valid."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Engine, Integer, MetaData, String, Table, insert, select

from app.kernel.kinds import formats
from app.kernel.kinds.formats_sql import id_number_valid_sql, phone_valid_sql, uscc_valid_sql

TODAY = dt.date(2026, 11, 22)
JS = Path(__file__).parents[3] / "app/web/static/form/formats.js"
NODE = """
import { idNumberValid, phoneValid, usccValid } from %s;
let text = ""; for await (const part of process.stdin) text += part;
console.log(JSON.stringify(JSON.parse(text).map(
  (t) => [idNumberValid(t, "2026-11-22"), phoneValid(t), usccValid(t)])));
"""

days = st.one_of(
    st.dates(dt.date(1840, 1, 1), dt.date(2030, 1, 1)).map(lambda d: d.strftime("%Y%m%d")),
    st.tuples(st.integers(1845, 2027), st.integers(0, 13), st.integers(0, 32)).map(
        lambda t: f"{t[0]:04}{t[1]:02}{t[2]:02}"
    ),
    st.sampled_from(["20000229", "19000229", "20240229", "20261122", "20261123", "00000000"]),
)


def digits(count: int) -> st.SearchStrategy[str]:
    return st.integers(0, 10**count - 1).map(f"{{:0{count}}}".format)


@st.composite
def id_numbers(draw: st.DrawFn) -> str:
    body = draw(digits(6)) + draw(days) + draw(digits(3))
    return body + formats.id_check_character(body)


@st.composite
def credit_codes(draw: st.DrawFn) -> str:
    letters = st.text(formats.USCC_ALPHABET, min_size=2, max_size=2)
    rest = st.text(formats.USCC_ALPHABET, min_size=9, max_size=9)
    body = draw(letters) + draw(digits(6)) + draw(rest)
    return body + formats.uscc_check_character(body)


phones = st.from_regex(r"\A(1[0-9]{9,11}|0[0-9]{2,4}-?[0-9]{6,9}(-[0-9]{0,7})?)\Z")
right = st.one_of(id_numbers(), credit_codes(), phones)


@st.composite
def nearly_right(draw: st.DrawFn) -> str:
    text = draw(right)
    place = draw(st.integers(0, max(0, len(text) - 1)))
    new = draw(
        st.sampled_from(["", "x", "X", "0", "９", " ", "\n", "I", "-", "%", "王", "٣", "𠅤"])
    )
    return text[:place] + new + text[place + draw(st.integers(0, 1)) :]


texts = st.one_of(
    right,
    nearly_right(),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40),
)


@pytest.fixture
def sql_says(engine: Engine) -> Callable[[list[str | None]], list[tuple[bool, bool, bool]]]:
    table = Table("t", MetaData(), Column("n", Integer, primary_key=True), Column("text", String))
    table.metadata.create_all(engine)

    def ask(values: list[str | None]) -> list[tuple[bool, bool, bool]]:
        c = table.c.text
        valid = select(id_number_valid_sql(c, TODAY), phone_valid_sql(c), uscc_valid_sql(c))
        with engine.connect() as connection, connection.begin() as transaction:
            connection.execute(
                insert(table), [{"n": n, "text": text} for n, text in enumerate(values)]
            )
            rows = [tuple(row) for row in connection.execute(valid.order_by(table.c.n))]
            transaction.rollback()
        return rows

    return ask


def python_says(text: str | None) -> tuple[bool, bool, bool]:
    return (
        formats.id_number_valid(text, TODAY),
        formats.phone_valid(text),
        formats.uscc_valid(text),
    )


def javascript_says(texts: list[str]) -> list[tuple[bool, bool, bool]]:
    run = subprocess.run(
        ["node", "--input-type=module", "-e", NODE % json.dumps(JS.as_uri())],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return [tuple(row) for row in json.loads(run.stdout)]


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(batch=st.lists(texts, min_size=1, max_size=60))
def test_sql_agrees_with_python(
    sql_says: Callable[[list[str | None]], list[tuple[bool, bool, bool]]], batch: list[str]
) -> None:
    values: list[str | None] = [*batch, None]
    assert sql_says(values) == [python_says(text) for text in values]


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_javascript_agrees_with_python() -> None:
    seen: list[str] = []

    @settings(max_examples=1500, deadline=None, database=None)
    @given(texts)
    def collect(text: str) -> None:
        seen.append(text)

    collect()
    wanted = [python_says(text) for text in seen]
    assert javascript_says(seen) == wanted
    for kind in range(3):  # the sample is worth something: it has good and bad of each kind
        assert 20 < sum(row[kind] for row in wanted) < len(seen) - 20
