"""农户住房安全一户一档: all that is known of one household as a paper, A4, with a code that leads back
to its page. The code holds an address with a key that says nothing of anybody.

Numbers are masked. Whole ones take the right to export and a reason, which the audit log keeps.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from app.access import policy
from app.access.actor import Capability
from app.access.audit import log as audit
from app.access.audit.log import Act
from app.core.clock import local, now, to_minute
from app.core.db import db
from app.core.i18n import _, translate
from app.kernel.exchange import printing
from app.kernel.exchange.printed import pictures
from app.kernel.exchange.reasons import required_reason
from app.kernel.households import story as chronicles
from app.kernel.households import words as household_words
from app.kernel.households.story import Chronicle, Event, Kept, Photo, Stand
from app.kernel.rows.household import Household

PAPER = Path(__file__).parent / "papers/household.typ"
_EVENTS, _PHOTOS = 80, 24
_CODE = "code.svg"


def masked(chronicle: Chronicle, home_url: str) -> bytes:
    """The paper for everybody who may open the page; ``home_url`` is the page's whole address."""
    return _paper(chronicle, home_url, whole=False)


def with_numbers(chronicle: Chronicle, home_url: str, reason: str) -> bytes:
    """The paper with whole numbers; it goes out once that is kept.

    :raises Forbidden: without the right to export. :raises BadInput: no reason.
    """
    policy.require(Capability.EXPORT, chronicles.OWN, chronicle.household)
    required_reason(reason)
    return _paper(chronicle, home_url, whole=True)


def keep(household: Household, reason: str) -> None:
    """Note that the paper with whole numbers goes out."""
    detail = {"name": _("一户一档"), "reason": required_reason(reason)}
    audit.record(db.session, Act.EXPORT, register=chronicles.OWN, row=household, detail=detail)


def _paper(chronicle: Chronicle, home_url: str, *, whole: bool) -> bytes:
    household = chronicle.household
    facts = [
        *household_words.facts(household, chronicle.region, whole),
        *household_words.listed(household),
    ]
    photos, more_photos = chronicle.photos(_PHOTOS)
    story = chronicle.story("", _EVENTS)
    shown = {_CODE: pictures.code(home_url)}
    data = {
        "title": _("农户住房安全一户一档"),
        "place": chronicle.place,
        "code": _CODE,
        "facts": [
            _fact(f.label, _("%(text)s（%(sub)s）", text=f.text, sub=f.sub) if f.sub else f.text)
            for f in facts
        ],
        "lists": [_fact(stand.title, _stand(stand)) for stand in chronicle.lists],
        "members": [household_words.member(one, whole) for one in chronicle.members],
        "records": list(_records(chronicle.kept)),
        "line": [
            {"label": step.label, "text": step.text, "state": step.state} for step in story.line
        ],
        "house": [_fact(label, text) for label, text in chronicle.house_facts()],
        "photos": list(_photos(photos, shown)),
        "events": [_event(event) for event in story.events],
        "cut": [
            *([_("只印最近的 %(n)s 张照片。", n=_PHOTOS)] if more_photos else []),
            *([_("只印最近的 %(n)s 条记录。", n=_EVENTS)] if story.more else []),
        ],
        "made": _(
            "%(who)s 于 %(when)s 打印",
            who=chronicle.actor.name,
            when=to_minute(now()),
        ),
        "care": _("含完整的身份证号和联系电话，用后请妥善保管或销毁。")
        if whole
        else _("身份证号和联系电话已部分隐藏。"),
        "labels": {
            "scan": _("扫码查看最新情况"),
            "facts": _("农户基本情况"),
            "lists": _("所在名单"),
            "members": _("家庭成员"),
            "name": _("姓名"),
            "id_number": _("身份证号"),
            "relation": _("与户主关系"),
            "phone": _("联系电话"),
            "records": _("各模块记录"),
            "line": _("危房改造抗震改造办理进度"),
            "house": _("房屋与安全"),
            "photos": _("照片和材料"),
            "events": _("全部记录"),
            "register": _("模块"),
            "state": _("填报状态"),
            "what": _("内容"),
            "time": _("时间"),
            "who": _("办理人"),
            "missing": _("照片无法读取"),
            "nothing": _("还没有任何记录"),
        },
    }
    return printing.pdf(PAPER, data, shown)


def _fact(label: str, text: str) -> dict[str, str]:
    return {"label": label, "text": text or "—"}


def _stand(stand: Stand) -> str:
    return _("，").join(part for part in (stand.text, *chronicles.days(stand)) if part)


def _records(kept: Iterable[Kept]) -> Iterator[dict[str, str]]:
    for one in kept:
        register, row = one.register, one.latest
        yield {
            "register": register.label,
            "state": register.state_text(row.state) if register.flow else "",
            "what": one.summary,
            "time": f"{local(row.said_at):%Y-%m-%d}",
        }


def _event(event: Event) -> dict[str, str]:
    at = local(event.at)
    said = (text for text in (event.note, event.opinion) if text)
    return {
        "time": f"{at:%Y-%m-%d}" if event.day else f"{at:%Y-%m-%d %H:%M}",
        "register": event.register.label if event.register else _("农户信息"),
        "title": event.title,
        "who": event.who,
        "said": _("；").join(said),
    }


# ---- pictures ------------------------------------------------------------------------------


def _photos(photos: Iterable[Photo], shown: dict[str, bytes]) -> Iterator[dict[str, Any]]:
    """What the template says of each, and into ``shown`` those that can be read."""
    for number, photo in enumerate(photos):
        content = pictures.small(photo.file)
        if content is not None:
            shown[f"{number}.jpg"] = content
        yield {
            "file": f"{number}.jpg" if content is not None else None,
            "label": translate(photo.made.label),
            "note": f"{photo.on} {photo.register.label}",
        }
