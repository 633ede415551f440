"""What stands beside a request for a move: what each side said to it, the entries in both places' log,
the notices to those who wait for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy.orm import Session

from app.access.accounts import notices
from app.access.accounts.notices import NoticeKind
from app.access.actor import Actor
from app.access.audit import log as audit
from app.access.audit.log import Act
from app.access.divisions.regions import Region
from app.kernel.declare.register import Register
from app.kernel.records.history import Contact
from app.kernel.rows.transfer import Side, Transfer, TransferState, TransferWord, Word

_LIST = "/transfers/"


def say(
    session: Session,
    transfer: Transfer,
    actor: Actor,
    word: Word,
    side: Side,
    contact: Contact,
    opinion: str = "",
) -> None:
    """What an account said for a side, with the person behind it."""
    session.add(
        TransferWord(
            transfer_id=transfer.id,
            word=word,
            side=side,
            account_id=actor.account_id,
            account_name=actor.name,
            person=contact.person.strip(),
            phone=contact.phone.strip(),
            opinion=opinion.strip() or None,
        )
    )


def enter_in_logs(
    session: Session, register: Register, row: Any, word: Word, old: Region, new: Region
) -> None:
    """Both places' managers find it in their log."""
    detail = {"transfer": word.value, "from": old.full_name, "to": new.full_name}
    for place in dict.fromkeys((old.path, new.path)):
        entry = audit.record(
            session, Act.TRANSITION, register=register.name, path=place, detail=detail
        )
        entry.record_id = row.id


def tell_counties(session: Session, transfer: Transfer, row: Any, old: Region, new: Region) -> None:
    """Two counties hear that they are asked; within one it stands among what waits."""
    if old.county_id != new.county_id:
        counties = {old.county_id, new.county_id}
        _tell(session, NoticeKind.MOVE_ASKED, counties, _page_of(transfer), row, old, new)


def tell_of_withdrawal(
    session: Session, transfer: Transfer, row: Any, old: Region, new: Region
) -> None:
    """The other county hears that it is asked no more."""
    if old.county_id != new.county_id:
        other = new if transfer.asked_side == Side.FROM else old
        _tell(session, NoticeKind.MOVE_WITHDRAWN, {other.county_id}, _LIST, row, old, new)


def tell_of_decision(
    session: Session, transfer: Transfer, row: Any, old: Region, new: Region, by: Actor
) -> None:
    """Who did not decide hears of it: whoever asked and, between counties, these; of a move also the
    villages and towns that the household left and came to.
    """
    if transfer.state == TransferState.WAITING:
        return  # the other side has it among what waits
    told = {notices.home_of(session, transfer.asked_by)}
    if old.county_id != new.county_id:
        told |= {old.county_id, new.county_id}
    kind = NoticeKind.MOVE_REFUSED
    if transfer.state == TransferState.MOVED:
        kind = NoticeKind.MOVE_DONE
        told |= {key for region in (old, new) for key in (region.id, region.parent_id)}
    told -= {by.region_id}
    # of what another one refused, the place that it was to come to sees no page any more
    unseen = transfer.asked_side == Side.FROM and transfer.ended_by != Side.TO
    apart = (
        {new.county_id} - {old.county_id} if kind == NoticeKind.MOVE_REFUSED and unseen else set()
    )
    _tell(session, kind, told - apart, _page_of(transfer), row, old, new)
    _tell(session, kind, told & apart, _LIST, row, old, new)


def _page_of(transfer: Transfer) -> str:
    return f"{_LIST}{transfer.id}"


def _tell(
    session: Session,
    kind: NoticeKind,
    region_ids: Iterable[int | None],
    url: str,
    row: Any,
    old: Region,
    new: Region,
) -> None:
    values = {"name": row.head_name, "from": old.full_name, "to": new.full_name}
    notices.tell_each(session, region_ids, kind, url, **values)
