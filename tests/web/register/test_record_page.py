"""A record's page is an object: parts are worked out when asked for; views are made of parts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, event

from app.kernel.declare.register import Register, all_registers, get_register
from app.modules.surveys.lookback.register import LOOKBACK
from app.web.register.batch import BatchRoutes
from app.web.register.form import FormRoutes
from app.web.register.new import NewRoutes
from app.web.register.page import RecordPage
from app.web.register.record import RecordRoutes
from app.web.register.review import ReviewPage, ReviewRoutes
from app.web.register_view import PARTS, view_of
from tests import builders


@contextmanager
def asked() -> Iterator[list[str]]:
    """The statements that are sent meanwhile."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        sent.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", note)


@pytest.mark.usefixtures("session")
@pytest.mark.parametrize("part", ["household", "files", "entries", "known", "evaluation"])
def test_a_part_is_worked_out_once_and_only_when_asked_for(part: str) -> None:
    row = builders.household()[1]
    with builders.acting(builders.COUNTY_REVIEWER) as reader:
        with asked() as sent:
            page = RecordPage(LOOKBACK, row, reader)
        assert sent == []
        first = getattr(page, part)
        with asked() as sent:
            assert getattr(page, part) is first
        assert sent == []


@pytest.mark.usefixtures("session")
def test_a_record_that_was_never_submitted_has_nothing_to_compare() -> None:
    reader = builders.actor(builders.COUNTY_REVIEWER)
    page = ReviewPage(LOOKBACK, builders.household()[1], reader)
    assert page.compared == (None, None)
    assert page.changes == []
    assert page.said == []  # nothing was entered


def found(name: str) -> Register:
    register = get_register(name)
    assert register is not None
    return register


@pytest.mark.parametrize(
    ("name", "has", "lacks"),
    [
        ("lookback", {FormRoutes, ReviewRoutes, BatchRoutes}, {NewRoutes}),
        ("craftsman", {FormRoutes, NewRoutes}, {ReviewRoutes, BatchRoutes}),
        ("risk", {RecordRoutes}, {FormRoutes, NewRoutes, ReviewRoutes}),
    ],
)
def test_a_view_is_made_of_the_parts_that_its_register_has(
    name: str, has: set[type], lacks: set[type]
) -> None:
    parts = set(view_of(found(name)).parts)
    assert parts >= has
    assert not parts & lacks


def test_a_view_inherits_none_of_its_parts() -> None:
    for register in all_registers():
        assert not set(view_of(register).__mro__) & set(PARTS)


def test_new_records_of_a_register_are_made_at_one_address(app: Flask) -> None:
    rules = Counter(rule.rule for rule in app.url_map.iter_rules())
    found = {rule: n for rule, n in rules.items() if rule.endswith("/new") and "<" not in rule}
    registers = {f"/{register.name}/new" for register in all_registers()}
    made = set(found) & registers
    assert made >= {"/craftsman/new", "/low_income/new"}
    assert all(found[rule] == 1 for rule in made)
