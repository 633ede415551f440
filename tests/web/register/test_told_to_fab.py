"""What FAB's tools read of the views of registers: columns and permissions, as they are declared."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask_appbuilder.cli import fab

from app.access.actor import Capability
from app.kernel.declare.register import get_register
from app.web.frame import rights
from app.web.register.shared import Routes


def view_of(app: Flask, name: str) -> Any:
    (found,) = (v for v in app.extensions["appbuilder"].baseviews if v.endpoint == name)
    return found


def test_columns_are_the_declarations(app: Flask) -> None:
    view = view_of(app, "CraftsmanView")
    register = get_register("craftsman")
    assert register is not None
    assert view.list_columns == register.lists.ledger.split()
    assert view.search_columns == register.lists.filters.split()
    assert view.show_columns == list(register.fields)
    assert (
        view.add_columns == view.edit_columns == [n for n, f in register.fields.items() if f.typed]
    )
    looked = view_of(app, "LookbackView")
    assert "grade" in looked.edit_columns
    assert looked.add_columns == []  # of households on a list, which users do not make
    assert view_of(app, "RiskView").edit_columns == []  # nobody enters it
    assert (view.add_form, view.edit_form, view.search_form) == (None, None, None)


def test_fab_lists_what_routes_ask_for(app: Flask) -> None:
    told = app.test_cli_runner().invoke(fab, ["list-views"]).output
    lines = dict(
        line.removeprefix("View:").split(" | Route:") for line in told.splitlines() if " | " in line
    )
    assert lines["ApplicationView"] == (
        "/application | Perms:['can_check', 'can_enter', 'can_review', 'can_search', 'can_spot_check']"
    )
    assert lines["RiskView"] == "/risk | Perms:['can_search']"
    assert lines["CraftsmanApi"] == "/api/v1/craftsman | Perms:['can_enter', 'can_search']"
    assert lines["SettingsView"] == "/settings | Perms:['can_settings']"
    assert lines["HelpView"] == "/help | Perms:[]"  # whoever is signed in


def test_of_what_a_route_asks_for_fab_knows_one(app: Flask) -> None:
    view = view_of(app, "ApplicationView")
    assert view.get_method_permission("edit") == "enter"
    assert view.get_method_permission("review") == "review"
    assert view.needs["review"] == (Capability.REVIEW, Capability.CHECK)
    assert (
        view.get_method_permission("ledger") == "search"
    )  # of a list's several the one that reads
    assert view_of(app, "HouseholdView").get_method_permission("ledger") == "search"


def test_a_route_that_says_nothing_is_refused_at_start() -> None:
    class Silent(Routes):
        def show(self) -> None:
            """No capability stands beside it."""

    register = get_register("craftsman")
    assert register is not None
    with pytest.raises(AttributeError):
        rights.needs(Silent, ["show"], register)
