"""What the page of one household shows: its lists, records, house, photos, and all that happened."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from app.access import policy
from app.access.actor import Actor, Capability
from app.core.clock import local, today
from app.core.errors import BadInput
from app.core.i18n import _, translate
from app.kernel.declare.register import Register
from app.kernel.households import story as chronicles
from app.kernel.households import words as household_words
from app.kernel.households.story import OWN, Chronicle, Event, Kept
from app.kernel.records import save as records
from app.kernel.rows.household import Household
from app.web.households import relations
from app.web.register import review_parts
from app.web.register import show as record_pages
from app.web.register.file_view import file_tile

_EVENTS, _PAGES, _PHOTOS = 40, 25, 48
_MOST_EARLIER = 12


def context(chronicle: Chronicle, args: Mapping[str, str]) -> dict[str, Any]:
    """The context of ``households/household.html``.

    :raises BadInput: the address asks for what cannot be read.
    """
    household = chronicle.household
    panels = relations.panels(chronicle)
    return {
        "title": household.head_name,
        "former": household_words.former_head(household),
        "region_name": chronicle.place,
        "facts": _facts(household),
        "notices": _notices(household),
        "actions": _prints(chronicle),
        "memberships": _memberships(chronicle),
        "records": [_card(kept, chronicle.actor) for kept in chronicle.kept],
        "house": _house(chronicle),
        "photos": _photos(chronicle),
        "timeline": _timeline(chronicle, args),
        "day": _day(chronicle, args.get("on", "")),
        "members": [household_words.member(m, whole=False) for m in chronicle.members],
        "relations": panels,
    }


def _prints(chronicle: Chronicle) -> list[dict[str, Any]]:
    """The paper with masked numbers, and the way to the one with whole ones."""
    here = f"/household/{chronicle.household.id}"
    found = [{"label": _("打印一户一档"), "url": f"{here}/paper", "icon": "printer"}]
    if policy.may(Capability.EXPORT, OWN, chronicle.household, actor=chronicle.actor):
        found.append({"label": _("打印完整号码"), "url": f"{here}/print", "icon": "key"})
    return found


def _facts(household: Household) -> list[dict[str, Any]]:
    """Masked for everybody: whole numbers stand on the page of a record that one works on."""
    more = (record_pages.household_fact(household, f) for f in household_words.listed(household))
    return [*record_pages.household_facts(household, whole=False), *more]


def _notices(household: Household) -> list[dict[str, str]]:
    made = Household.__fields__["findings"]
    text = made.text(household.findings)
    if not text:
        return []
    return [{"tone": "warn", "text": _("名单存疑：%(what)s，请核实。", what=text)}]


def _memberships(chronicle: Chronicle) -> list[dict[str, Any]]:
    return [
        {
            "label": stand.title,
            "text": stand.text,
            "sub": _("，").join(chronicles.days(stand)),
            "left": stand.left is not None,
        }
        for stand in chronicle.lists
    ]


# ---- records -------------------------------------------------------------------------------


def _card(kept: Kept, actor: Actor) -> dict[str, Any]:
    register, row = kept.register, kept.latest
    base = f"/{register.name}/{row.id}"
    return {
        "title": register.label,
        "state": record_pages.state_of(register, row),
        "text": kept.summary,
        "time": _("%(day)s更新", day=f"{local(row.said_at):%Y-%m-%d}"),
        "url": base,
        "action": _action(register, row, actor, base),
        "earlier": [
            {
                "text": f"{local(one.said_at):%Y-%m-%d}",
                "url": f"/{register.name}/{one.id}",
                "tag": record_pages.state_of(register, one),
            }
            for one in kept.rows[1 : _MOST_EARLIER + 1]
        ],
        "earlier_count": len(kept.rows) - 1,
    }


def _action(register: Register, row: Any, actor: Actor, base: str) -> dict[str, str] | None:
    """What this account has to do with the record now."""
    if register.flow is None:
        return None
    if records.may_edit(register, row, actor):
        word = next((m.action for m in register.menus if m.capability == Capability.ENTER), "")
        return {"label": translate(word), "url": f"{base}/edit"}
    if review_parts.open_review(register, row, actor):
        return {"label": _("审核"), "url": f"{base}/review"}
    return None


def _house(chronicle: Chronicle) -> dict[str, Any] | None:
    facts = chronicle.house_facts()
    if chronicle.house is None or not facts:
        return None
    register, row = chronicle.house
    return {
        "facts": [{"label": label, "text": text} for label, text in facts],
        "source": register.label,
        "state": record_pages.state_tag(register, row.state),
        "url": f"/{register.name}/{row.id}",
    }


def _photos(chronicle: Chronicle) -> dict[str, Any]:
    found, more = chronicle.photos(_PHOTOS)
    tiles = [
        file_tile(photo.file, photo.made, None)
        | {
            "name": translate(photo.made.label),
            "note": f"{photo.on} · {photo.register.label}",
        }
        for photo in found
    ]
    return {"tiles": tiles, "more": more, "most": _PHOTOS}


def _day(chronicle: Chronicle, asked: str) -> dict[str, Any]:
    """What held on the day that was asked for.

    :raises BadInput: no day, or one that has not come.
    """
    context: dict[str, Any] = {"on": asked, "today": today().isoformat(), "held": []}
    if not asked:
        return context
    try:
        day = dt.date.fromisoformat(asked)
    except ValueError:
        raise BadInput(_("日期不正确，请按年-月-日填写。")) from None
    if not dt.date(2000, 1, 1) <= day <= today():
        raise BadInput(_("请选择今天或以前的日期。"))
    context["held"] = [
        {
            "register": register.label,
            "url": f"/{register.name}/{held.record.id}",
            "approved": f"{local(held.approved_at):%Y-%m-%d}",
            "text": text,
        }
        for register, held, text in chronicle.on_day(day)
    ]
    return context


# ---- what happened -------------------------------------------------------------------------


def _timeline(chronicle: Chronicle, args: Mapping[str, str]) -> dict[str, Any]:
    known = {kept.register.name: kept.register.label for kept in chronicle.kept}
    names = {"": _("全部"), OWN: _("农户信息"), **known}
    only, page = args.get("register", ""), args.get("page", "1")
    if only not in names:
        raise BadInput(_("这户没有该模块的记录，请从页面上选择。"))
    if not (page.isascii() and page.isdigit() and len(page) < 7 and 0 < int(page) <= _PAGES):
        raise BadInput(_("页码不正确。"))
    story = chronicle.story(only, _EVENTS * int(page))
    here = f"/household/{chronicle.household.id}"
    later = {"register": only, "page": str(int(page) + 1)}
    return {
        "line": story.line,
        "items": list(_lines(story.events)),
        "choices": [
            {
                "label": label,
                "url": f"{here}?{urlencode({'register': name})}" if name else here,
                "active": name == only,
            }
            for name, label in names.items()
        ],
        "more_url": f"{here}?{urlencode(later)}" if story.more and int(page) < _PAGES else None,
    }


def _lines(events: Sequence[Event]) -> Iterator[dict[str, Any]]:
    for event in events:
        at = local(event.at)
        register = event.register
        yield {
            "time": f"{at:%Y-%m-%d}" if event.day else f"{at:%Y-%m-%d %H:%M}",
            "title": event.title,
            "source": register.label if register else _("农户信息"),
            "url": f"/{register.name}/{event.record}" if register else None,
            "who": event.who,
            "phone": event.phone,
            "tone": event.tone,
            "opinion": event.opinion,
            "note": event.note,
            "changes": event.changes,
        }
