"""What would read or write past the scope, the rules or the policy is refused when the program starts."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from flask import Flask
from flask_appbuilder import ModelRestApi as FabApi
from flask_appbuilder import ModelView as FabView
from flask_appbuilder.charts.views import DirectByChartView
from flask_appbuilder.models.sqla.interface import SQLAInterface as FabInterface
from flask_appbuilder.views import MasterDetailView, MultipleView

from app.access.account import Account
from app.access.accounts.tokens import Token
from app.kernel.rows.household import SearchKey
from app.modules.surveys.lookback.model import Lookback
from app.web.crud import ModelRestApi, ModelView, RegisterInterface, SQLAInterface
from app.web.crud.interface import Unplaced

pytestmark = pytest.mark.one_database


def add(app: Flask, view: Any) -> None:
    with app.app_context():
        app.extensions["appbuilder"].add_view_no_menu(view)


def test_a_model_says_where_its_rows_lie(app: Flask) -> None:
    with pytest.raises(Unplaced, match="Token has no place"):
        SQLAInterface(Token)
    SQLAInterface(Token, everybody=True)
    SQLAInterface(Token, within=lambda _actor: Token.id.is_(None))


def test_a_register_is_written_by_its_own_actions(app: Flask) -> None:
    with pytest.raises(Unplaced, match="RegisterInterface"):
        SQLAInterface(Lookback)
    with pytest.raises(Unplaced, match="RegisterInterface"):
        SQLAInterface(Lookback, everybody=True)
    with pytest.raises(TypeError, match="no register's"):
        RegisterInterface(Token)


def test_fabs_own_views_and_data_models_are_refused(app: Flask) -> None:
    class Plain(FabView):
        datamodel = FabInterface(Token)

    class PlainApi(FabApi):
        datamodel = FabInterface(Token)

    class Half(FabView):
        datamodel = SQLAInterface(Token, everybody=True)

    class HalfApi(FabApi):
        datamodel = SQLAInterface(Token, everybody=True)

    for view in (Plain, PlainApi, Half, HalfApi):
        with pytest.raises(Unplaced, match=f"{view.__name__}.*app.web.crud"):
            add(app, view)


def test_ours_take_no_data_model_of_fab(app: Flask) -> None:
    class Wrong(ModelView):
        datamodel = FabInterface(Token)

    class WrongApi(ModelRestApi):
        datamodel = FabInterface(Token)

    for view in (Wrong, WrongApi):
        with pytest.raises(Unplaced, match="SQLAInterface"):
            add(app, view)


def test_views_that_have_no_page_here_are_refused(app: Flask) -> None:
    class Chart(DirectByChartView):
        datamodel = SQLAInterface(Token, everybody=True)

    class Both(MasterDetailView):
        datamodel = SQLAInterface(Token, everybody=True)

    class Several(MultipleView):
        views: ClassVar[list[Any]] = []

    for view in (Chart, Both, Several):
        with pytest.raises(Unplaced, match=view.__name__):
            add(app, view)


def test_a_relation_does_not_offer_what_lies_nowhere(app: Flask) -> None:
    """Who may see tokens may not see every account of the nation."""

    class Tokens(ModelView):
        datamodel = SQLAInterface(Token, everybody=True)
        add_columns: ClassVar[list[str]] = ["name", "account"]

    class TokensApi(ModelRestApi):
        datamodel = SQLAInterface(Token, everybody=True)
        list_columns: ClassVar[list[str]] = ["name"]
        show_columns = list_columns
        search_columns = list_columns
        add_columns: ClassVar[list[str]] = ["name", "account"]
        edit_columns = list_columns

    for view in (Tokens, TokensApi):
        with pytest.raises(Unplaced, match=Account.__name__):
            add(app, view)


def test_a_key_is_one_column(app: Flask) -> None:
    """Neither FAB's API nor a relation's field would know which row is meant."""
    with pytest.raises(TypeError, match=r"SearchKey has a key of several columns.*unique together"):
        SQLAInterface(SearchKey)


@pytest.mark.parametrize("shown", ["list_columns", "show_columns", "export_columns"])
def test_what_is_shown_of_another_row_is_of_a_relation(app: Flask, shown: str) -> None:
    """Of whatever else its masks would be unknown: lists, pages and files would tell it whole."""

    class Tokens(ModelView):
        datamodel = SQLAInterface(Token, everybody=True)
        open_models = ("Account",)
        search_columns: ClassVar[list[str]] = ["name"]
        add_columns = edit_columns = list_columns = search_columns

    view = type("Tokens", (Tokens,), {shown: ["owner.name"]})
    with pytest.raises(Unplaced, match="owner is no relation"):
        add(app, view)


def test_what_is_shown_is_one_relation_away(app: Flask) -> None:
    """What is further would cost a statement a row."""

    class Accounts(ModelView):
        datamodel = SQLAInterface(Account, everybody=True)
        open_models = ("Role",)
        search_columns: ClassVar[list[str]] = ["username"]
        add_columns = edit_columns = search_columns
        list_columns: ClassVar[list[str]] = ["username", "roles.permissions.id"]

    with pytest.raises(Unplaced, match="two relations away"):
        add(app, Accounts)


def test_a_masked_column_is_no_order_of_a_view(app: Flask) -> None:
    class Tokens(ModelView):
        datamodel = SQLAInterface(Token, everybody=True)
        masked_columns: ClassVar[dict[str, Any]] = {"name": str.upper}
        base_order = ("name", "asc")

    with pytest.raises(TypeError, match="base_order would tell name"):
        add(app, Tokens)
