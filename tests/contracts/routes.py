"""What every address asks of an account, and requests to each made from the URL map."""

from __future__ import annotations

import io
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from PIL import Image
from werkzeug.routing import Rule

from app.access.actor import Capability
from app.registers.lookback.register import LOOKBACK
from tests.contracts.conftest import Place

C = Capability
ANYBODY = "anybody"
MANAGES = "the manager of that account or division; see test_accounts.py"
MINISTRY = "the ministry's managers"

#: Pages about a list ask for what its menu entry asks for.
LIST_PAGES = ("ledger", "columns", "filters", "saved_filter", "search", "walk")

#: Endpoint -> the capability that it asks for in the register, or ANYBODY who is signed in.
#: An endpoint that is neither here nor in PUBLIC of app/web/requests.py fails the test.
ASKS: dict[str, Any] = {
    "DeskView.index": ANYBODY,
    "AccountView.own": ANYBODY,
    "AccountView.password": ANYBODY,
    "AccountView.end": ANYBODY,
    "LockedView.index": C.MANAGE_USERS,
    "LockedView.unlock": MANAGES,
    "AccountView.alive": ANYBODY,
    "UtilView.back": ANYBODY,
    "HelpView.show": ANYBODY,
    "RegionPickerView.search": C.SEARCH,
    "RegionPickerView.children": C.SEARCH,
    "SearchView.results": C.SEARCH,
    **{f"HouseholdView.{name}": C.SEARCH for name in LIST_PAGES},
    "HouseholdView.show": C.SEARCH,
    "HouseholdView.reveal": C.SEARCH,
    "FileView.show": C.SEARCH,
    "FileView.thumb": C.SEARCH,
    "StatisticsView.table": C.SEARCH,
    "StatisticsView.excel": C.EXPORT_STATISTICS,
    "LedgerExportView.ask": C.EXPORT,
    "HouseholdImportView.page": C.IMPORT_LIST,
    "HouseholdImportView.template": C.IMPORT_LIST,
    "HouseholdImportView.again": C.IMPORT_LIST,
    **{
        f"{view}.{name}": C.IMPORT_LIST
        for view in ("ParcelImportView", "PriorImportView")
        for name in ("page", "again")
    },
    "PriorImportView.template": C.IMPORT_LIST,
    "RecordImportView.page": C.ENTER,
    "RecordImportView.again": C.ENTER,
    "TemplateView.show": C.SEARCH,
    "JobsView.index": ANYBODY,
    "JobsView.progress": ANYBODY,
    "JobsView.cancel": ANYBODY,
    "JobsView.file": ANYBODY,
    "JobView.progress": ANYBODY,
    "AuditView.index": C.AUDIT,
    "AuditView.show": C.AUDIT,
    "AuditView.record": C.AUDIT,
    "AuditView.export": C.AUDIT,
    "AccountsView.index": C.MANAGE_USERS,
    "AccountsView.new": C.MANAGE_USERS,
    "AccountsView.suggest": C.MANAGE_USERS,
    "AccountsView.show": MANAGES,
    "AccountsView.role": MANAGES,
    "AccountsView.reset": MANAGES,
    "AccountsView.deactivate": MANAGES,
    "AccountsView.reactivate": MANAGES,
    "AccountsView.delete": MANAGES,
    "AccountsView.grant": MANAGES,
    "AccountsView.revoke": MANAGES,
    "AccountsView.export": C.MANAGE_USERS,
    "AccountBulkView.page": MANAGES,
    "RecordersView.index": C.MANAGE_USERS,
    "RecordersView.export": C.MANAGE_USERS,
    "OfficersView.index": C.MANAGE_USERS,
    "OfficersView.show": MANAGES,
    "OfficersView.reveal": MANAGES,
    "OfficersView.export": C.MANAGE_USERS,
    "TransfersView.index": C.SEARCH,
    "TransfersView.show": C.SEARCH,
    "TransfersView.agree": C.APPROVE_MOVE,
    "TransfersView.refuse": C.APPROVE_MOVE,
    "TransfersView.withdraw": C.ENTER,
    "NoticesView.index": C.MANAGE_USERS,
    "NoticesView.seen": MANAGES,
    **{
        f"DivisionsView.{name}": C.MAINTAIN_REGIONS
        for name in (
            "index",
            "new",
            "node",
            "move",
            "merge",
            "delete",
            "cancel",
            "changes",
            "cancel_all",
            "publish",
        )
    },
    **{
        f"DivisionFilesView.{name}": C.MAINTAIN_REGIONS
        for name in ("import_page", "import_again", "template", "export", "export_start")
    },
    "ChoiceView.index": MINISTRY,
    "ChoiceView.items": MINISTRY,
    "ChoiceView.new": MINISTRY,
    "ChoiceView.edit": MINISTRY,
    "TokensView.index": C.MANAGE_USERS,
    "TokensView.new": C.MANAGE_USERS,
    "TokensView.revoke": ANYBODY,  # of one's own account: see tests/access/test_tokens.py
    "ApiHelpView.show": ANYBODY,
    "SystemApi.document": ANYBODY,
    "SystemApi.me": ANYBODY,
    "SystemApi.choices": C.SEARCH,
    "SystemApi.choice": C.SEARCH,
    "DivisionsApi.search": C.SEARCH,
    "DivisionsApi.division": C.SEARCH,
    "DivisionsApi.children": C.SEARCH,
    "HouseholdRecordsApi.records": C.SEARCH,
    "SettingsView.index": C.SETTINGS,
    "SettingsView.edit": C.SETTINGS,
}
#: The same for the pages that every register with a flow has.
REGISTER_ASKS: dict[str, Any] = {
    "entry_point": C.SEARCH,
    "show": C.SEARCH,
    "reveal": C.SEARCH,
    "edit": C.ENTER,
    "draft": C.ENTER,
    "discard": C.ENTER,
    "upload": C.ENTER,
    "turn": C.ENTER,
    "assign": C.ENTER,
    "clear": C.ENTER,
    "parcel_map": C.ENTER,
    "late_parcel": C.ENTER,
    "drop_parcel": C.ENTER,
    "review": C.REVIEW,
    "decide": C.REVIEW,
    "undo": C.REVIEW,
    "batch": Capability.REVIEW,  # and each record of the batch stands for itself
}
_VIEW = "LookbackView."
#: The same for the API of every register; beside them stand what it offers without a register.
API_ASKS: dict[str, Any] = {
    "records": C.SEARCH,
    "changes": C.SEARCH,
    "record": C.SEARCH,
    "reveal": C.SEARCH,
    "statistics": C.SEARCH,
    "history": C.SEARCH,
    "check": C.SEARCH,
    "files": C.SEARCH,
    "create": C.ENTER,
    "change": C.ENTER,
    "clear": C.ENTER,
    "upload": C.ENTER,
    "remove": C.ENTER,
}
_API = "LookbackApi."
_APIS = (_API, "HouseholdApi.")


@dataclass
class Call:
    """One request. ``asks`` is the capability without which it answers 403."""

    endpoint: str
    method: str
    path: str
    asks: Any
    about_row: bool
    options: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def asked(endpoint: str) -> Any:
    """What the endpoint asks for; None when nobody has said so."""
    steps = (f"{_VIEW}step", f"{_API}step")
    if endpoint in steps or endpoint.removeprefix(_VIEW) in LIST_PAGES:
        return "by name"
    if endpoint.startswith(_APIS):
        return API_ASKS.get(endpoint.partition(".")[2])
    if endpoint.startswith(_VIEW):
        return REGISTER_ASKS.get(endpoint.removeprefix(_VIEW))
    return ASKS.get(endpoint)


def calls(app: Flask, place: Place, public: frozenset[str]) -> Iterator[Call]:
    """A request to each address and method that is not public, about the rows of ``place``."""
    for rule in app.url_map.iter_rules():
        if rule.endpoint in public:
            continue
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield from _calls(rule, method, place)


def _calls(rule: Rule, method: str, place: Place) -> Iterator[Call]:
    asks = asked(rule.endpoint)
    about_row = bool(
        {
            "record_id",
            "household_id",
            "file_id",
            "job_id",
            "filter_id",
            "entry_id",
            "account_id",
            "notice_id",
            "token_id",
            "transfer_id",
            "region_id",
        }
        & rule.arguments
    )
    for values, own_asks in _arguments(rule, asks):
        known = {
            "record_id": str(place.survey.id),
            "household_id": str(place.survey.household_id),
            "file_id": str(place.file.id),
            "job_id": str(place.job),
            "filter_id": str(place.job),  # and filters that others keep do not exist either
            "entry_id": str(place.entry),
            "account_id": str(place.account),
            "notice_id": str(place.notice),
            "transfer_id": str(place.transfer),
            "grant_id": str(uuid.uuid4()),
            "token_id": str(place.token),
            "region_id": str(
                place.region.id
                if rule.endpoint.startswith(("DivisionsView.", "DivisionsApi."))
                else place.region.county_id
            ),
            "number": "0",
            "register": "lookback",
            "name": "lookback",
        } | values
        path = rule.rule
        for name in rule.arguments:
            converter = rule._converters[name]
            path = path.replace(f"<{_KINDS[type(converter).__name__]}:{name}>", known[name])
        if rule.endpoint.startswith("HouseholdApi."):
            path = path.replace(str(place.survey.id), str(place.survey.household_id))
        options = _body(rule.endpoint, place) if method != "GET" else {}
        if rule.endpoint in (
            f"{_VIEW}clear",
            f"{_VIEW}drop_parcel",
            f"{_VIEW}reveal",
            "HouseholdView.reveal",
        ):
            path += "?version=9999&field=phone"
        yield Call(rule.endpoint, method, path, own_asks, about_row, options)


_KINDS = {
    "UUIDConverter": "uuid",
    "UnicodeConverter": "string",
    "PathConverter": "path",
    "IntegerConverter": "int",
}


def _arguments(rule: Rule, asks: Any) -> Iterator[tuple[dict[str, str], Any]]:
    """The names that an address may carry, with what is asked for each."""
    if rule.endpoint.removeprefix(_VIEW) in LIST_PAGES:
        for menu in LOOKBACK.menus:
            yield {"name": menu.name}, Capability(menu.capability)
    elif rule.endpoint.removeprefix("HouseholdView.") in LIST_PAGES:
        yield {"name": "list"}, asks
    elif rule.endpoint in (f"{_VIEW}step", f"{_API}step"):
        for step in LOOKBACK.flow.transitions:
            yield {"name": step.name}, step.capability
    elif rule.endpoint == f"{_VIEW}batch":
        yield {"name": "approve"}, asks
    elif rule.endpoint.startswith("StatisticsView.") or rule.endpoint == f"{_API}statistics":
        for table in (*(t.name for t in LOOKBACK.tables), "week", "trend"):
            yield {"name": table}, asks
    elif rule.endpoint.startswith("ChoiceView.") or rule.endpoint == "SystemApi.choice":
        yield {"name": "structure", "code": "01"}, asks
    elif rule.endpoint == "SettingsView.edit":
        yield {"name": "lookback.deadline"}, asks
    elif rule.endpoint in (f"{_VIEW}upload", f"{_API}upload"):
        yield {"field": "front_photos"}, asks
    else:
        yield {}, asks


def _body(endpoint: str, place: Place) -> dict[str, Any]:
    """A body that is understood; its version is old, so that it changes nothing."""
    if endpoint.startswith(_APIS) and endpoint != f"{_API}upload":
        return _api_body(endpoint.partition(".")[2], place)
    name = endpoint.removeprefix(_VIEW).removeprefix(_API)
    if name == "draft":
        return {"json": {"version": 9999, "values": {"storeys": "2"}}}
    if name == "upload":
        return {"data": {"file": (picture(), "a.png")}}
    if name == "turn":
        return {"data": {"photo": str(place.file.id), "turned": "90"}}
    if name == "batch":
        return {"data": {"id": str(place.survey.id)}}
    return {
        "data": {
            "version": "9999", "died": "yes", "action": "approve",
            "opinion": "不符", "contact_name": "甲", "contact_phone": "", "person": "甲",
            "region": "1",
        }
    }  # fmt: skip


def _api_body(name: str, place: Place) -> dict[str, Any]:
    bodies: dict[str, Any] = {
        "create": {"household_id": str(place.survey.household_id), "values": {"died": True}},
        "change": {"version": 9999, "values": {"died": True}},
        "reveal": {"field": "phone"},
    }
    if name in ("clear", "remove"):
        return {"headers": {"If-Match": '"9999"'}}
    return {"json": bodies.get(name, {"version": 9999, "opinion": "不符"})}


def picture() -> io.BytesIO:
    made = io.BytesIO()
    Image.new("RGB", (64, 64), "white").save(made, "PNG")
    made.seek(0)
    return made
