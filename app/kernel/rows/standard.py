"""What a register about households with a review declares in the usual words: lists, figures, progress.

A register takes these as they are, adds its own beside them, or writes others.
"""

from __future__ import annotations

from typing import TypedDict

from app.access.actor import Capability
from app.core.i18n import mark
from app.kernel.declare.figures import Figure
from app.kernel.declare.flow import SENT_BACK, State, county_review
from app.kernel.declare.groups import Lists, Menu, Review
from app.kernel.declare.tables import Identity, Table, columns
from app.kernel.rows.record import Submitted

_state = Submitted.state

#: Entry, review and search.
MENUS = (
    Menu("entry", "档案录入", Capability.ENTER, action="档案填报"),
    Menu("review", "档案审核", Capability.REVIEW, states=(State.SUBMITTED,), action="档案审核"),
    Menu("query", "档案查询", Capability.SEARCH, action="查看"),
)

#: How many records there are in each state (spec 02 "进度统计").
FIGURES = {
    "total": Figure(mark("总户数"), _state.in_(*State)),
    "missing": Figure("未录入", _state.is_(State.MISSING), tone="neutral"),
    "draft": Figure("已录入", _state.is_(State.DRAFT), tone="info"),
    "submitted": Figure("待审核", _state.is_(State.SUBMITTED), tone="warn"),
    "approved": Figure("审核通过", _state.is_(State.APPROVED), tone="good"),
    "returned": Figure("退回补正", _state.in_(*SENT_BACK), tone="bad"),
}

#: … as a table by division, whose weekly increase is shown too (spec 02 "进度统计").
PROGRESS = Table(
    "progress",
    "进度统计",
    columns("total missing draft submitted approved returned"),
    identities=(Identity("total = missing + draft + submitted + approved + returned"),),
    chart=("approved", "submitted", "draft", "returned", "missing"),
    progress=("approved", "total"),
)


class Survey(TypedDict):
    """What every survey of a list of households says alike."""

    review: Review  # by the county
    follows: str  # its list of households
    lists: Lists  # found by head and state
    menus: tuple[Menu, ...]  # entry, review, search


def survey(ledger: str, *, follows: str) -> Survey:
    """A survey of every household of a list, entered below the county and reviewed by it, whose lists
    show the fields of ``ledger``; taken whole: ``register(…, **survey("…", follows="…"))``.
    """
    found_by = "head_name head_id state"
    return Survey(
        review=Review(county_review),
        follows=follows,
        lists=Lists(ledger, filters=found_by, indexed=found_by),
        menus=MENUS,
    )
