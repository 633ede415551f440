"""Every module that maps a table, imported once: for Alembic, and before the first query."""

from app import modules
from app.access import account as accounts
from app.access import grant, limits, repeats, roles, scope, settings
from app.access import session as sessions
from app.access.accounts import notices, officers, tokens
from app.access.audit import log as audit
from app.access.divisions import former as region_changes
from app.access.divisions import regions
from app.core.jobs import table as jobs
from app.kernel.declare import choice_lists
from app.kernel.exchange import ledger_export
from app.kernel.exchange.imports import notes as import_notes
from app.kernel.exchange.printed import many as printed_papers
from app.kernel.exchange.taking_back import images as import_images
from app.kernel.figures import counters, tally
from app.kernel.figures import state as figures
from app.kernel.lists import results
from app.kernel.lists import saved_rows as saved_filters
from app.kernel.quotas import rows as quotas
from app.kernel.rows import correction as corrections
from app.kernel.rows import file as attachments
from app.kernel.rows import handover as handovers
from app.kernel.rows import household as households
from app.kernel.rows import member as members
from app.kernel.rows import record as records
from app.kernel.rows import transfer as transfers

__all__ = [
    "accounts",
    "attachments",
    "audit",
    "choice_lists",
    "corrections",
    "counters",
    "figures",
    "grant",
    "handovers",
    "households",
    "import_images",
    "import_notes",
    "jobs",
    "ledger_export",
    "limits",
    "members",
    "modules",
    "notices",
    "officers",
    "printed_papers",
    "quotas",
    "records",
    "region_changes",
    "regions",
    "repeats",
    "results",
    "roles",
    "saved_filters",
    "scope",
    "sessions",
    "settings",
    "tally",
    "tokens",
    "transfers",
]
