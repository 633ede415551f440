"""Which pages there are: every view is registered with FAB here, those of modules as they answer."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Flask, Response, jsonify
from flask_appbuilder import AppBuilder, BaseView
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app import modules
from app.access.actor import SYSTEM
from app.admin.accounts.pages import roles
from app.admin.accounts.pages.bulk import AccountBulkView
from app.admin.accounts.pages.locked import LockedView
from app.admin.accounts.pages.matrix import MatrixView
from app.admin.accounts.pages.notices import NoticesView
from app.admin.accounts.pages.officers import OfficersView
from app.admin.accounts.pages.tokens import TokensView
from app.admin.accounts.pages.views import AccountsView, RecordersView
from app.admin.audit.views import AuditView
from app.admin.divisions.pages.files import DivisionFilesView
from app.admin.divisions.pages.views import DivisionsView
from app.core.db import db
from app.core.i18n import lazy
from app.core.jobs.table import queue_state
from app.kernel import hooks
from app.kernel.declare.offered import offered
from app.kernel.declare.register import all_registers
from app.kernel.rows.household import Household
from app.web.api.common import DivisionsApi, HouseholdRecordsApi, SystemApi
from app.web.api.help import ApiHelpView
from app.web.api.registers import api_of
from app.web.exchange.exports import LedgerExportView
from app.web.exchange.imports import HouseholdImportView, RecordImportView, TemplateView
from app.web.exchange.jobs import JobsView, JobView
from app.web.exchange.taken_back import ImportsView
from app.web.frame.help import HelpView
from app.web.frame.offline import OfflineView
from app.web.frame.picker import RegionPickerView
from app.web.frame.search import SearchView
from app.web.frame.shell import LanguageView
from app.web.households.transfers import TransfersView
from app.web.households.views import HouseholdView
from app.web.lists import table as ledger_table
from app.web.lists.handovers import HandoversView
from app.web.quotas.views import QuotasView
from app.web.register import inputs
from app.web.register.file_view import FileView
from app.web.register_view import view_of
from app.web.reports.tables import StatisticsView
from app.web.reports.why import WhyView
from app.web.reports.work import WorkReportView
from app.web.settings.choices import ChoiceView
from app.web.settings.values import SettingsView


def _views() -> Iterator[type[BaseView]]:
    """Those that are no register's, in their order."""
    yield from (
        RegionPickerView,
        LockedView,
        LedgerExportView,
        HouseholdImportView,
    )
    yield from hooks.views()
    yield from (
        RecordImportView,
        TemplateView,
        JobsView,
        JobView,
        ImportsView,
        SettingsView,
        ChoiceView,
        AuditView,
        DivisionsView,
        DivisionFilesView,
        AccountsView,
        AccountBulkView,
        RecordersView,
        OfficersView,
        NoticesView,
        TokensView,
        LanguageView,
        FileView,
        OfflineView,
        HouseholdView,
        SearchView,
        HelpView,
        ApiHelpView,
        StatisticsView,
        WhyView,
        QuotasView,
        WorkReportView,
        TransfersView,
        HandoversView,
    )


def register(app: Flask, builder: AppBuilder) -> None:
    """Register all views."""
    modules.load("views")
    app.jinja_env.globals |= {"ledger_body": ledger_table.body, "widget": inputs.WIDGETS}
    for view in _views():
        builder.add_view_no_menu(view)
    roles.register(builder)
    builder.add_view(MatrixView, "matrix", label=lazy("角色权限表"), category=SYSTEM)
    for declared in all_registers():
        if declared.menus and declared.model is not Household:  # that one's page is HouseholdView
            builder.add_view_no_menu(view_of(declared))
    hooks.appbuilder(builder)
    for api in (*map(api_of, offered()), SystemApi, DivisionsApi, HouseholdRecordsApi):
        builder.add_api(api)

    @app.get("/health")
    def health() -> tuple[Response, int]:
        """State of database and jobs, for monitors; no data."""
        try:
            db.session.execute(text("SELECT 1"))
            database = "ok"
        except SQLAlchemyError:  # a monitor wants an answer, whatever is wrong
            database = "failed"
        jobs = queue_state() if database == "ok" else "unknown"
        body = {"database": database, "jobs": jobs}
        return jsonify(body), 200 if database == "ok" else 503
