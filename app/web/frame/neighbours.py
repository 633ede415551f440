"""From one record of a list to the next, without going back to it.

The address of a record that was opened from a list says which list with which conditions, at which
position, of how many: ``?walk=query%3Fstate%3Ddraft&of=120&at=3``. Which record comes next is asked
when somebody goes there, so a page costs nothing for it.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from flask import flash, request
from werkzeug.datastructures import MultiDict

from app.access import policy
from app.access.actor import Actor, Capability
from app.core.db import db
from app.core.i18n import _, translate
from app.kernel.declare import stages
from app.kernel.declare.groups import Menu
from app.kernel.declare.register import Register, get_register
from app.kernel.lists.ledger import CAP, Count, Ledger, TooWide
from app.kernel.lists.query import parse
from app.kernel.records import owners
from app.kernel.records import save as records

_LONGEST = 1000  # characters of a list's conditions
_FROM, _AT, _OF, _BACK = "walk_from", "walk_at", "walk_of", "walk_back"
_WALK = re.compile(r"([a-z_]{1,32})(?:\?(.*))?", re.DOTALL)
_NUMBER, _TOTAL = re.compile("[1-9][0-9]{0,8}"), re.compile(r"[0-9]{1,9}\+?")


@dataclass(frozen=True)
class Walk:
    """Where the shown record stands in its list; the addresses of its neighbours, None at an end."""

    text: str
    previous: str  # what the links say
    next: str
    list_url: str
    previous_url: str | None
    next_url: str | None


def way(menu: Menu, conditions: str, count: Count) -> str:
    """What the address of each row of a list ends with; the row's position follows."""
    if len(conditions) > _LONGEST:
        return "?at="  # without its list: an address has its limits
    asked = quote(f"{menu.name}?{conditions}" if conditions else menu.name, safe="")
    return f"?walk={asked}&of={_written(count)}&at="


def here() -> Walk | None:
    """The walk that this page's address tells of, for templates; None without one."""
    args = request.args
    found = _WALK.fullmatch(args.get("walk", ""))
    at, total = args.get("at", ""), args.get("of", "")
    shown = request.view_args or {}
    record = shown.get("record_id") or shown.get("household_id")
    if not found or record is None or not _NUMBER.fullmatch(at) or not _TOTAL.fullmatch(total):
        return None
    path = f"/{request.path.split('/')[1]}/{found[1]}"
    conditions = found[2] or ""
    asked = f"{conditions}&" if conditions else ""
    place = urlencode({_FROM: record, _AT: at, _OF: total})
    capped = total.endswith("+")
    last = not capped and int(at) >= int(total)
    register = get_register(path.split("/")[1])
    homes = register is None or register.of_households
    unit = translate(register.unit) if register else _("户")
    said = {"at": f"{int(at):,}", "of": _said(total)}
    return Walk(
        text=_("第 %(at)s / %(of)s %(unit)s", unit=unit, **said),
        previous=_("上一户") if homes else _("上一条"),
        next=_("下一户") if homes else _("下一条"),
        list_url=f"{path}?{conditions}" if conditions else path,
        previous_url=f"{path}/walk?{asked}{place}&{_BACK}=1" if int(at) > 1 else None,
        next_url=None if last else f"{path}/walk?{asked}{place}",
    )


def kept() -> str:
    """What the address of this page says of the walk, for the addresses that it goes on to."""
    if here() is None:
        return ""
    return "?" + urlencode({name: request.args[name] for name in ("walk", "of", "at")})


def step(
    register: Register, menu: Menu, args: MultiDict[str, str], wanted: MultiDict[str, str]
) -> str:
    """The address of the neighbour that is asked for, else of the list. ``wanted`` is what the list
    shows, ``args`` what its address says.

    A record that has left the list meanwhile, because it was entered or decided, does not count any
    more: the one after it takes its position.
    """
    actor = policy.require(Capability(menu.capability), register.name)
    conditions = urlencode([(k, v) for k, v in args.items(multi=True) if not k.startswith("walk_")])
    back_to = f"/{register.name}/{menu.name}" + (f"?{conditions}" if conditions else "")
    at, key, backward = args.get(_AT, ""), _key(args.get(_FROM, "")), _BACK in args
    if key is None or not _NUMBER.fullmatch(at):
        return back_to
    query = parse(register, wanted, db.session, actor)
    ledger = Ledger(register, query, db.session, actor)
    try:
        ledger.require_narrow()
    except TooWide:
        return back_to
    row = ledger.beside(key, backward=backward)
    if row is None:
        flash(_("前面没有了。") if backward else _("已经是最后一户。"), "info")
        return back_to
    position = int(at) - 1 if backward else int(at) + (1 if ledger.holds(key) else 0)
    url = f"/{register.name}/{row.id}" + ("/edit" if _may_enter(register, menu, row, actor) else "")
    return f"{url}{way(menu, conditions, ledger.count())}{max(1, position)}"


def _may_enter(register: Register, menu: Menu, row: object, actor: Actor) -> bool:
    path = getattr(row, "path", "")
    areas = actor.areas(Capability.ENTER, register.name)
    return (
        menu.enters(actor, register.name)
        and stages.is_open(register, row)
        and not records.asks_to_move(register, row)
        and path.startswith(areas)
        and (not register.owned or owners.keeps(register, row, actor))
    )


def _key(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _written(count: Count) -> str:
    return str(count.n) if count.exact else f"{CAP}%2B"


def _said(total: str) -> str:
    return f"{int(total.rstrip('+')):,}" + ("+" if total.endswith("+") else "")
