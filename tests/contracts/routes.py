"""What every address asks of an account, and requests to each made from the URL map."""

from __future__ import annotations

import io
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from PIL import Image
from werkzeug.routing import Rule

import app.models  # noqa: F401  (declares the registers)
from app.access.actor import Capability
from app.kernel.declare.register import Register, all_registers
from app.kernel.declare.tables import TREND, WEEK
from app.kernel.kinds.values import to_json
from app.kernel.reports import why
from app.kernel.rows.household import Household
from tests.contracts.place import Place

C = Capability
ANYBODY = "anybody"
MANAGES = "the manager of that account or division; see test_accounts.py"
MINISTRY = "the ministry's managers"
REVIEWS = "whoever does one of the reviews of the register's flow"
MENUS = "whoever has one of the register's menus"

#: Pages about a list ask for what its menu entry asks for.
LIST_PAGES = (
    "ledger", "columns", "filters", "saved_filter", "search", "walk", "beyond", "compose",
)  # fmt: skip

#: Endpoint -> the capability that it asks for in the register, or ANYBODY who is signed in.
#: An endpoint that is neither here nor in PUBLIC of app/web/frame/requests.py fails the test.
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
    **{f"HouseholdView.{name}": C.SEARCH for name in LIST_PAGES if name != "beyond"},
    "HouseholdView.show": C.SEARCH,
    "HouseholdView.reveal": C.SEARCH,
    "HouseholdView.paper": C.SEARCH,
    "HouseholdView.print": C.EXPORT,
    "FileView.show": C.SEARCH,
    "FileView.thumb": C.SEARCH,
    "StatisticsView.table": C.SEARCH,
    **{f"QuotasView.{name}": C.QUOTAS for name in ("grid", "excel", "import_page", "import_again")},
    "WorkReportView.page": C.SEARCH,
    "WorkReportView.file": C.EXPORT_STATISTICS,
    "StatisticsView.excel": C.EXPORT_STATISTICS,
    "WhyView.show": C.SEARCH,
    "WhyView.excel": C.EXPORT_STATISTICS,
    "WhyView.notify": C.QUOTAS,
    "LedgerExportView.ask": C.EXPORT,
    "HouseholdImportView.page": C.IMPORT_LIST,
    "HouseholdImportView.template": C.IMPORT_LIST,
    "HouseholdImportView.again": C.IMPORT_LIST,
    **{f"ObjectImportView.{name}": C.IMPORT_LIST for name in ("page", "template", "again")},
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
    "ImportsView.index": ANYBODY,
    "ImportsView.page": ANYBODY,  # of an import that the account might have made
    "AuditView.index": C.AUDIT,
    "AuditView.show": C.AUDIT,
    "AuditView.record": C.AUDIT,
    "AuditView.export": C.AUDIT,
    "MatrixView.index": C.AUDIT,
    "MatrixView.export": C.AUDIT,
    **{f"RolesView.{name}": MINISTRY for name in ("list", "show", "edit", "action")},
    "RightsView.list": MINISTRY,
    "UsersView.list": C.MANAGE_USERS,
    "UsersView.show": C.MANAGE_USERS,
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
    "OfficersView.list": C.MANAGE_USERS,
    "OfficersView.show": MANAGES,
    "OfficersView.of_division": C.MANAGE_USERS,
    "OfficersView.edit": MANAGES,
    "OfficersView.reveal": MANAGES,
    "OfficersView.export": C.EXPORT,
    "TransfersView.index": C.SEARCH,
    "TransfersView.show": C.SEARCH,
    "TransfersView.agree": C.APPROVE_MOVE,
    "TransfersView.refuse": C.APPROVE_MOVE,
    "TransfersView.withdraw": C.ENTER,
    "HandoversView.index": C.SEARCH,
    "HandoversView.show": C.SEARCH,
    "HandoversView.ask": C.ENTER,
    "HandoversView.agree": C.ENTER,
    "HandoversView.refuse": C.ENTER,
    "HandoversView.withdraw": C.ENTER,
    "NoticesView.index": C.SEARCH,
    "NoticesView.seen": C.SEARCH,
    "NoticesView.all_seen": C.SEARCH,
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
    "TokensView.revoke": ANYBODY,  # of one's own account: see tests/admin/accounts/test_tokens.py
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
    "entry_point": MENUS,
    "show": C.SEARCH,
    "reveal": C.SEARCH,
    "new": C.ENTER,
    "new_draft": C.ENTER,
    "new_discard": C.ENTER,
    "edit": C.ENTER,
    "draft": C.ENTER,
    "discard": C.ENTER,
    "upload": C.ENTER,
    "turn": C.ENTER,
    "reuse": C.ENTER,
    "assign": C.ENTER,
    "clear": C.ENTER,
    "hide": C.ENTER,
    "bring_back": C.RESTORE,
    "paper": C.SEARCH,
    "print_one": C.EXPORT,
    "print_several": C.EXPORT,
    "blank_paper": C.SEARCH,
    "renew": C.ENTER,
    "parcel_map": C.ENTER,
    "late_parcel": C.ENTER,
    "drop_parcel": C.ENTER,
    **dict.fromkeys(("add", "add_check", "leave", "restore", "delete"), C.ENTER),
    **dict.fromkeys(("member_back", "member_head", "member_mark"), C.ENTER),
    **dict.fromkeys(("correct", "corrections", "correction", "undo_correction"), C.ENTER),
    **dict.fromkeys(("standing", "standing_off"), C.ENTER),
    "review": REVIEWS,
    "decide": REVIEWS,
    "undo": REVIEWS,
}
#: These tell an ID number that is typed whose head's name stands with it (spec 01, exception a).
TELLS_HEAD = ("add", "add_check")
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
    "renew": C.ENTER,
    "bring_back": C.RESTORE,
    "upload": C.ENTER,
    "remove": C.ENTER,
}

#: Registers with pages of their own, by the names of their views; and those with an API.
REGISTERS = [r for r in all_registers() if r.menus and r.model is not Household]
VIEWS = {f"{r.model.__name__}View": r for r in REGISTERS}
APIS = {f"{r.model.__name__}Api": r for r in all_registers() if r.menus}
#: What of the routes belongs to no register is asked about a record of one that has all a form can.
SYSTEM = "system"
SUBJECTS = (SYSTEM, *(r.name for r in REGISTERS))


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


def held_of(register: Register, asks: Any) -> set[Capability]:
    """The capabilities of which ``asks`` wants one."""
    if asks == MENUS:
        return {Capability(menu.capability) for menu in register.menus}
    if asks == REVIEWS:
        return {review.capability for review in register.flow.reviews} if register.flow else set()
    return {{MANAGES: C.MANAGE_USERS, MINISTRY: C.SETTINGS}.get(asks, asks)}


def asked(endpoint: str) -> Any:
    """What the endpoint asks for; None when nobody has said so."""
    view, _dot, name = endpoint.partition(".")
    if view in VIEWS:
        return "by name" if name in ("step", "batch", *LIST_PAGES) else REGISTER_ASKS.get(name)
    if view in APIS:
        return "by name" if name == "step" else API_ASKS.get(name)
    return ASKS.get(endpoint)


def calls(app: Flask, place: Place, public: frozenset[str]) -> Iterator[Call]:
    """A request to each address and method that is not public, about the rows of ``place``: those of
    its subject, a register or all that belongs to none.
    """
    for rule in app.url_map.iter_rules():
        if rule.endpoint not in public and _is_of(rule, place):
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield from _calls(rule, method, place)


def _is_of(rule: Rule, place: Place) -> bool:
    view = rule.endpoint.partition(".")[0]
    owner = VIEWS.get(view) or APIS.get(view)
    if owner is place.register and rule.endpoint.endswith(".reveal") and not _masked(owner):
        return False  # whatever field is asked for, there is none
    if place.subject == SYSTEM:
        return "register" not in rule.arguments and (owner is None or owner.model is Household)
    if view == "HandoversView" and "register" in rule.arguments:
        return place.register.owned  # other records are handed over with their household
    if view == "WhyView":
        return place.subject != SYSTEM and bool(why.explained(place.register))
    if view == "QuotasView":
        return place.subject != SYSTEM and place.register.quotas
    if "register" in rule.arguments:
        return bool(place.register.tables) or not rule.endpoint.startswith("StatisticsView.")
    return owner is place.register


_KEYS = {
    "record_id", "household_id", "file_id", "job_id", "filter_id", "entry_id", "account_id",
    "notice_id", "token_id", "transfer_id", "region_id", "correction_id", "rule_id", "pk",
}  # fmt: skip
#: These POSTs read the address.
_VERSIONED = ("clear", "delete", "drop_parcel")


def _calls(rule: Rule, method: str, place: Place) -> Iterator[Call]:
    view, _dot, name = rule.endpoint.partition(".")
    for values, own_asks in _arguments(rule, place.register):
        known = {
            "record_id": str(place.record.id),
            "household_id": str(place.household_id),
            "file_id": str(place.file.id),
            "job_id": str(place.job),
            "filter_id": str(place.job),  # and filters that others keep do not exist either
            "correction_id": str(place.job),  # nor do corrections and rules of elsewhere
            "rule_id": str(place.job),
            "entry_id": str(place.entry),
            "account_id": str(place.account),
            "notice_id": str(place.notice),
            "transfer_id": str(place.transfer),
            "grant_id": str(uuid.uuid4()),
            "member_id": str(place.member),
            "handover_id": str(place.handover),
            "token_id": str(place.token),
            "region_id": str(
                place.region.id
                if view in ("DivisionsView", "DivisionsApi")
                else place.region.county_id
            ),
            "pk": _pk(view, place),
            "number": "0",
            "form": "docx",
            "figure": "",
            "paper": next((paper.name for paper in place.register.papers), ""),
            "register": place.register.name,
            "name": "put_back" if view == "RolesView" else place.register.name,
        } | values
        path = rule.rule
        for argument in rule.arguments:
            kind = _KINDS[type(rule._converters[argument]).__name__]
            path = re.sub(rf"<({kind}(\([^)]*\))?:)?{argument}>", known[argument], path)
        if view == "HouseholdApi":
            path = path.replace(str(place.record.id), str(place.household_id))
        options = _body(rule.endpoint, place) if method != "GET" else {}
        if view in VIEWS and name in _VERSIONED:
            path += "?version=9999"
        if view in {*VIEWS, "HouseholdView"} and name == "reveal":
            path += f"?field={_masked(place.register)}"
        # what a second entry is told of, and the masked ledger of a province (spec 01, exceptions)
        excepted = rule.endpoint == "HandoversView.ask" or name == "beyond" or view == "RolesView"
        about_row = bool(_KEYS & rule.arguments) and not excepted
        yield Call(rule.endpoint, method, path, own_asks, about_row, options)


def _pk(view: str, place: Place) -> str:
    """The key of a row of a generated view: a role, an account, the officers of a division."""
    if view == "RolesView":
        return "1"  # roles lie nowhere
    return str(place.account_key if view == "UsersView" else place.region.county_id)


def _masked(register: Register) -> str:
    """A field that is shown whole on a click; empty: there is none."""
    return next((n for n, made in register.fields.items() if made.masked), "")


_KINDS = {
    "UUIDConverter": "uuid",
    "UnicodeConverter": "string",
    "PathConverter": "path",
    "Whole": "int",
    "AnyConverter": "any",
}


def _arguments(rule: Rule, register: Register) -> Iterator[tuple[dict[str, str], Any]]:
    """The names that an address may carry, with what is asked for each."""
    view, _dot, name = rule.endpoint.partition(".")
    asks = asked(rule.endpoint)
    if view in VIEWS and name in LIST_PAGES:
        seen: set[Any] = set()  # pages about a list ask for no more than its menu entry does
        for menu in register.menus:
            if menu.wide is None if name == "beyond" else menu.wide and name == "compose":
                continue
            if name == "ledger" or menu.capability not in seen:
                yield {"name": menu.name}, Capability(menu.capability)
            seen.add(menu.capability)
    elif view in VIEWS and name == "correct":
        yield {"name": register.menus[0].name}, asks
    elif view == "HouseholdView" and name in LIST_PAGES:
        yield {"name": "list"}, asks
    elif view in {*VIEWS, *APIS} and name == "step":
        for step in register.flow.transitions if register.flow else ():
            yield {"name": step.name}, step.capability
    elif view in VIEWS and name == "batch":
        for review in register.flow.reviews if register.flow else ():
            yield {"name": review.approve}, review.capability
    elif view == "StatisticsView" or (view in APIS and name == "statistics"):
        for table in register.tables:
            yield {"name": table.name}, asks
        if register.progress_table:
            yield from (({"name": each}, asks) for each in (WEEK, TREND))
    elif view == "WhyView":
        yield from (({"figure": figure}, asks) for figure in why.explained(register))
    elif view == "ChoiceView" or rule.endpoint == "SystemApi.choice":
        yield {"name": "structure", "code": "01"}, asks
    elif rule.endpoint == "SettingsView.edit":
        yield {"name": f"{register.name}.deadline"}, asks
    elif view in {*VIEWS, *APIS} and name in ("upload", "reuse"):
        yield {"field": register.file_fields[0]}, asks
    else:
        yield {}, asks


def _body(endpoint: str, place: Place) -> dict[str, Any]:
    """A body that is understood; its version is old, so that it changes nothing."""
    view, _dot, name = endpoint.partition(".")
    if view in APIS and name != "upload":
        return _api_body(name, place)
    values = _one_value(place)
    if name in ("draft", "new_draft"):
        return {"json": {"version": 9999, "values": values}}
    if name == "upload":
        return {"data": {"file": (picture(), "a.png")}}
    if name == "turn":
        return {"data": {"photo": str(place.file.id), "turned": "90"}}
    if name == "batch":
        return {"data": {"id": str(place.record.id)}}
    return {
        "data": {
            "version": "9999", **values, "action": "approve",
            "opinion": "不符", "contact_name": "甲", "contact_phone": "", "person": "甲",
            "region": "1",
        }
    }  # fmt: skip


def _one_value(place: Place) -> dict[str, Any]:
    """A field of the form with what it holds."""
    held = ((n, to_json(getattr(place.record, n, None))) for n in place.register.fields)
    return dict(
        [next(((n, value) for n, value in held if isinstance(value, str)), ("nothing", ""))]
    )


def _api_body(name: str, place: Place) -> dict[str, Any]:
    values = {n: v == "yes" if v in ("yes", "no") else v for n, v in _one_value(place).items()}
    bodies: dict[str, Any] = {
        "create": {"household_id": str(place.household_id), "values": values},
        "change": {"version": 9999, "values": values},
        "reveal": {"field": _masked(place.register)},
    }
    if name in ("clear", "remove"):
        return {"headers": {"If-Match": '"9999"'}}
    return {"json": bodies.get(name, {"version": 9999, "opinion": "不符"})}


def picture() -> io.BytesIO:
    made = io.BytesIO()
    Image.new("RGB", (64, 64), "white").save(made, "PNG")
    made.seek(0)
    return made
