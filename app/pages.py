"""Which pages there are: every view is registered with FAB here, those of modules as they answer."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Flask, Response, jsonify
from flask_appbuilder import AppBuilder, BaseView
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app import registers
from app.core.db import db
from app.core.jobs import queue_state
from app.registry import hooks
from app.registry.households import Household
from app.registry.offered import offered
from app.registry.register import all_registers
from app.web import ledger_table
from app.web.account_bulk_views import AccountBulkView
from app.web.account_views import AccountsView, RecordersView
from app.web.api.common import DivisionsApi, HouseholdRecordsApi, SystemApi
from app.web.api.help import ApiHelpView
from app.web.api.registers import api_of
from app.web.attachments import FileView
from app.web.audit_views import AuditView
from app.web.choice_views import ChoiceView
from app.web.division_files import DivisionFilesView
from app.web.division_views import DivisionsView
from app.web.export_views import LedgerExportView
from app.web.handover_views import HandoversView
from app.web.help_views import HelpView
from app.web.household_views import HouseholdView
from app.web.import_views import (
    HouseholdImportView,
    RecordImportView,
    TemplateView,
)
from app.web.job_views import JobsView, JobView
from app.web.locked_views import LockedView
from app.web.officer_views import NoticesView, OfficersView
from app.web.offline_views import OfflineView
from app.web.picker import RegionPickerView
from app.web.register_views import view_of
from app.web.report_views import StatisticsView
from app.web.search_views import SearchView
from app.web.settings_views import SettingsView
from app.web.shell import LanguageView
from app.web.token_views import TokensView
from app.web.transfer_views import TransfersView
from app.web.work_views import WorkReportView


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
        WorkReportView,
        TransfersView,
        HandoversView,
    )


def register(app: Flask, builder: AppBuilder) -> None:
    """Register all views."""
    registers.load("views")
    app.jinja_env.globals["ledger_body"] = ledger_table.body
    for view in _views():
        builder.add_view_no_menu(view)
    for declared in all_registers():
        if declared.menus and declared.model is not Household:  # that one's page is HouseholdView
            builder.add_view_no_menu(view_of(declared))
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
