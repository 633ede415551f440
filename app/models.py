"""Every module that maps a table, imported once: for Alembic, and before the first query."""

from app import registers
from app.access import (
    accounts,
    audit,
    grants,
    limits,
    notices,
    officers,
    region_changes,
    regions,
    repeats,
    scope,
    sessions,
    settings,
    tokens,
)
from app.core import jobs
from app.exchange import import_notes, ledger_export
from app.registry import (
    attachments,
    counters,
    handovers,
    households,
    lists,
    members,
    records,
    results,
    saved_filters,
    transfers,
)

__all__ = [
    "accounts",
    "attachments",
    "audit",
    "counters",
    "grants",
    "handovers",
    "households",
    "import_notes",
    "jobs",
    "ledger_export",
    "limits",
    "lists",
    "members",
    "notices",
    "officers",
    "records",
    "region_changes",
    "regions",
    "registers",
    "repeats",
    "results",
    "saved_filters",
    "scope",
    "sessions",
    "settings",
    "tokens",
    "transfers",
]
