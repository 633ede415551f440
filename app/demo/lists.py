"""What people who work with lists keep: filters under names, shared ones among them, and deadlines,
one of which has passed.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from app.access.account import Account
from app.access.settings import SettingValue
from app.kernel.lists.saved_rows import SavedFilter
from app.kernel.reports.deadlines import setting_of
from app.modules.surveys.lookback.register import LOOKBACK

#: Days from now: the province's, and those that its counties have set themselves.
_PROVINCE, _COUNTIES = 45, (21, -4)
_SHARED = (
    ("D级未保障住房安全", "query", [["grade", "D"], ["secured", "no"]]),
    ("C级未保障住房安全", "query", [["grade", "C"], ["secured", "no"]]),
)
_OWN = (("退回补正的", "entry", [["state", "returned"]]),)


def keep(session: Any, today: dt.date, province: Account, counties: list[Account]) -> None:
    """``province`` and ``counties`` are the managers who set and share."""
    for account, days in zip((province, *counties), (_PROVINCE, *_COUNTIES), strict=False):
        session.add(
            SettingValue(
                region_id=account.region_id,
                name=setting_of(LOOKBACK),
                value=(today + dt.timedelta(days=days)).isoformat(),
                set_by=account.uuid,
                set_by_name=f"{account.username} {account.first_name}",
            )
        )
    session.add_all(_filter(province, *line, shared=True) for line in _SHARED)
    session.add_all(_filter(one, *line) for one in counties for line in _OWN)


def _filter(
    account: Account, name: str, menu: str, asked: list[list[str]], *, shared: bool = False
) -> SavedFilter:
    return SavedFilter(
        account_id=account.uuid,
        account_name=f"{account.username} {account.first_name}",
        register=LOOKBACK.name,
        menu=menu,
        name=name,
        asked=asked,
        path=account.path if shared else None,
    )
