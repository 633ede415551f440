"""The map of parcels: parcels and borders as a browser draws them, and the ministry's tiles beneath.

The map needs no internet. Where the ministry sets an address of tiles, the pages with a map, and no
others, may load pictures from exactly that host.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from flask import g

from app.access import settings
from app.access.settings import TEXT, Setting
from app.core.errors import BadInput
from app.core.i18n import _, mark, translate
from app.kernel import hooks
from app.kernel.kinds import formats
from app.modules.house_map.parcels import table as parcels
from app.modules.house_map.parcels.outlines import Box, in_china
from app.modules.house_map.parcels.table import Near, Parcel, User

_MARKS = ("{x}", "{y}", "{z}")
_FORBIDDEN = set(" '\";,<>\\")


def address_problem(text: str) -> str | None:
    """What is wrong with an address of tiles."""
    try:
        parts = urlsplit(text)
        named = parts.scheme == "https" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        named = False
    if not named or not text.isascii() or not text.isprintable() or _FORBIDDEN & set(text):
        return _("应为 https:// 开头的网址。")
    if any(one not in parts.path + parts.query for one in _MARKS) or "{" in parts.netloc:
        return _("网址应含 {x}、{y}、{z}，且主机名固定。")
    return None


TILES = settings.declare(
    Setting(
        "map.tiles",
        mark("地图底图地址"),
        TEXT,
        "",
        highest=300,
        help=mark(
            "选择图斑时的底图，如 https://主机/图层/{z}/{x}/{y}.png，坐标系为 Web 墨卡托。不设置时只显示图斑和县界，不需要互联网。"
        ),
        check=address_problem,
    )
)


def tiles() -> str:
    """The address of tiles, or nothing; this page may load pictures from its host."""
    address = str(settings.value(TILES.name))
    if address:
        parts = urlsplit(address)
        g.tile_host = f"{parts.scheme}://{parts.netloc}"
    return address


@hooks.content_policy.listen()
def allow_tiles() -> Iterator[tuple[str, str]]:
    """The host of tiles, on pages that asked for their address."""
    if host := g.get("tile_host"):
        yield "img-src", host


# ---- what the browser draws ------------------------------------------------------------------------


def box_argument(text: str) -> Box:
    """``west,south,east,north`` of an address, in degrees.

    :raises BadInput: it is no such thing.
    """
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        raise BadInput(_("地图范围有误。")) from None
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise BadInput(_("地图范围有误。"))
    return Box(west, south, east, north)


def near_json(near: Near, users: dict[str, list[User]]) -> dict[str, Any]:
    """Parcels of a part of the map."""
    return {"more": near.more, "parcels": [parcel_json(p, users) for p in near.parcels]}


def parcel_json(parcel: Parcel, users: dict[str, list[User]]) -> dict[str, Any]:
    """One parcel: where it is, what it says of the house, who uses it (masked)."""
    return {
        "number": parcel.number,
        "at": [parcel.lon, parcel.lat],
        "outline": parcel.shape,
        "facts": [_fact_json(*fact) for fact in parcels.facts_of(parcel)],
        "use": parcel.use,
        "users": [user_text(user) for user in users.get(parcel.number, ())],
    }


def _fact_json(name: str, value: Any, text: str) -> dict[str, Any]:
    made = Parcel.__fields__[name]
    whole = text + translate(made.unit)
    return {"name": name, "label": translate(made.label), "value": value, "text": whole}


def user_text(user: User) -> str:
    """王**（已录入）."""
    name = formats.mask_name(user.head_name)
    return _("%(name)s（%(state)s）", name=name, state=user.register.state_text(user.state))


def box_json(box: Box | None) -> list[float] | None:
    """West, south, east, north; None where nothing is known."""
    if box is None or not in_china(box.west, box.south):
        return None
    return [box.west, box.south, box.east, box.north]
