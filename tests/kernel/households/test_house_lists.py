"""Lists of households are declared by the modules that keep them."""

from __future__ import annotations

import pytest

from app.kernel.declare import house_lists as declared
from app.kernel.declare.checks.program import check_all
from app.kernel.declare.house_lists import (
    HouseList,
    declare_list,
    house_lists,
    issued_list,
    list_names,
)


@pytest.fixture
def lists(monkeypatch: pytest.MonkeyPatch) -> None:
    """None declared yet."""
    monkeypatch.setattr(declared, "_LISTS", {})


@pytest.mark.usefixtures("lists")
def test_lists_stand_in_their_order():
    assert issued_list() is None
    later = declare_list(HouseList("low_income", "二", order=2))
    first = declare_list(HouseList("poverty_exit", "一", order=1, issued=True))
    assert house_lists() == (first, later)
    assert list_names() == ("poverty_exit", "low_income")
    assert issued_list() is first


@pytest.mark.usefixtures("lists", "app")
@pytest.mark.one_database
def test_a_list_is_a_yes_or_no_of_the_household():
    for name in ("nothing", "head_name", "low_income"):
        declare_list(HouseList(name, "名单", order=1))
    found = [problem.message for problem in check_all() if problem.id == "R064"]
    assert found == [
        f"list {name}: no yes/no field of that name" for name in ("head_name", "nothing")
    ]


@pytest.mark.usefixtures("lists")
def test_a_list_is_declared_once():
    declare_list(HouseList("low_income", "名单", order=1))
    with pytest.raises(ValueError, match="low_income"):
        declare_list(HouseList("low_income", "名单", order=2))
