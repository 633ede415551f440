"""Lists of households are declared by the modules that keep them."""

from __future__ import annotations

import pytest

from app.registry import households
from app.registry.households import HouseList, declare_list, house_lists, issued_list, list_names


@pytest.fixture
def lists(monkeypatch: pytest.MonkeyPatch) -> None:
    """None declared yet."""
    monkeypatch.setattr(households, "_LISTS", {})


@pytest.mark.usefixtures("lists")
def test_lists_stand_in_their_order():
    assert issued_list() is None
    later = declare_list(HouseList("low_income", "二", order=2))
    first = declare_list(HouseList("poverty_exit", "一", order=1, issued=True))
    assert house_lists() == (first, later)
    assert list_names() == ("poverty_exit", "low_income")
    assert issued_list() is first


@pytest.mark.usefixtures("lists")
@pytest.mark.parametrize("name", ["nothing", "head_name"])
def test_a_list_is_a_yes_or_no_of_the_household(name: str):
    with pytest.raises(ValueError, match=name):
        declare_list(HouseList(name, "名单", order=1))


@pytest.mark.usefixtures("lists")
def test_a_list_is_declared_once():
    declare_list(HouseList("low_income", "名单", order=1))
    with pytest.raises(ValueError, match="low_income"):
        declare_list(HouseList("low_income", "名单", order=2))
