"""GeoJSON in: a FeatureCollection read feature by feature, in memory that does not grow with the file.

Positions must be longitude and latitude of WGS84 or CGCS2000, which differ by centimetres; a file of
another system is refused with the system's name (the member ``crs`` of the 2008 format counts, though
RFC 7946 has none).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from app.core.errors import BadInput
from app.core.i18n import translate
from app.kernel.exchange.limits import MAX_ROWS, require_size
from app.modules.house_map.parcels import outlines

_BLOCK = 256 * 1024
_LONGEST = 4 * 1024 * 1024  # characters of one feature, or of any other member
_GAP = re.compile(r"\s*")
_EPSG = re.compile(r"EPSG:(?:[\d.]*:)?(\d{3,6})$", re.IGNORECASE)
_GOOD_CODES = {"4326", "4490", "4979", "4480"}
_WEB = {"3857", "900913", "102100", "102113", "3785"}
_BEIJING, _XIAN = {"4214", "2401"}, {"4610", "2327"}
_PROJECTED = range(4491, 4555)
Event = tuple[str, Any]


def features(path: Path) -> Iterator[tuple[int, Any]]:
    """The features with their numbers from 1; whatever else stands in their list, too.

    :raises BadInput: the file is no GeoJSON, or broken from there on.
    """
    number = 0
    for key, value in _events(path):
        if key == "feature":
            number += 1
            yield number, value


def survey(path: Path) -> int:
    """Read it once to its end; gives the number of features.

    :raises BadInput: no FeatureCollection, none in it or too many, or in another coordinate system.
    """
    number, kind, looked = 0, None, False
    for key, value in _events(path):
        if key == "feature":
            number += 1
            if number > MAX_ROWS:
                raise BadInput(translate("图斑超过%(n)s个，请拆分后分别导入。", n=f"{MAX_ROWS:,}"))
            looked = looked or _look_at(value)
        elif key == "type":
            kind = value
        elif key == "crs":
            require_degrees(value)
    if kind != "FeatureCollection":
        raise BadInput(translate("文件不是 GeoJSON 要素集合（FeatureCollection）。"))
    if not number:
        raise BadInput(translate("文件中没有图斑（features 为空）。"))
    return number


def _look_at(feature: Any) -> bool:
    """Is there a position? Metres in the first feature mean that the whole file is in metres."""
    geometry = feature.get("geometry") if isinstance(feature, dict) else None
    found = geometry.get("coordinates") if isinstance(geometry, dict) else None
    while isinstance(found, list) and found and isinstance(found[0], list):
        found = found[0]
    match found:
        case [int() | float() as x, int() | float() as y, *_height]:
            if outlines.in_metres(x, y):
                raise BadInput(outlines.metres_text(x, y))
            return True
    return False


def require_degrees(crs: Any) -> None:
    """:raises BadInput: the member ``crs`` names another system than WGS84 or CGCS2000 in degrees."""
    if crs is None:
        return
    named = crs.get("properties") if isinstance(crs, dict) else None
    named = named if isinstance(named, dict) else {}
    name = str(named.get("name") or named.get("href") or "").strip()
    if isinstance(crs, dict) and crs.get("type") == "EPSG":
        name = f"EPSG:{named.get('code')}"
    code = found[1] if (found := _EPSG.search(name)) else ""
    if name.endswith("CRS84") or code in _GOOD_CODES:
        return
    known = _known_system(code)
    shown = translate("%(name)s（%(known)s）", name=f"EPSG:{code}", known=known) if known else name
    shown = shown or translate("未知")
    raise BadInput(
        translate(
            "文件的坐标系是 %(name)s。请先转换为 WGS84（EPSG:4326）或 CGCS2000（EPSG:4490）经纬度再导入。",
            name=shown[:80],
        )
    )


def _known_system(code: str) -> str:
    if code in _WEB:
        return translate("Web 墨卡托")
    if code in _BEIJING:
        return translate("北京54")
    if code in _XIAN:
        return translate("西安80")
    return translate("CGCS2000 投影坐标") if code and int(code) in _PROJECTED else ""


# ---- reading --------------------------------------------------------------------------------------


class _Text:
    """The file as text of which only a part is held."""

    def __init__(self, file: IO[str]) -> None:
        self.file, self.text, self.at = file, "", 0
        self.decoder = json.JSONDecoder(parse_constant=lambda _name: None)  # NaN is no number

    def more(self) -> bool:
        block = self.file.read(_BLOCK)
        if block:
            self.text, self.at = self.text[self.at :] + block, 0
        return bool(block)

    def next(self) -> str:
        """The next character that is no blank, not taken; empty at the end."""
        while True:
            found = _GAP.match(self.text, self.at)
            self.at = found.end() if found else self.at
            if self.at < len(self.text) or not self.more():
                return self.text[self.at : self.at + 1]

    def take(self, wanted: str) -> str:
        """The next character, which must be one of ``wanted``."""
        found = self.next()
        if not found or found not in wanted:
            raise _damaged()
        self.at += 1
        return found

    def value(self) -> Any:
        """The next JSON value."""
        self.next()
        while True:
            try:
                value, end = self.decoder.raw_decode(self.text, self.at)
            except json.JSONDecodeError:
                if len(self.text) - self.at > _LONGEST or not self.more():
                    raise _damaged() from None
                continue
            except (RecursionError, ValueError):  # brackets in brackets, a number of 5,000 digits
                raise _damaged() from None
            if end < len(self.text) or not self.more():  # a number may go on in the next block
                self.at = end
                return value


def _damaged() -> BadInput:
    return BadInput(translate("文件不是完整的 GeoJSON，请重新导出后再导入。"))


def _events(path: Path) -> Iterator[Event]:
    """("feature", value) for each of the list, (name, value) for the other members."""
    require_size(path.stat().st_size)
    try:
        with path.open(encoding="utf-8-sig") as file:
            yield from _members(_Text(file))
    except UnicodeDecodeError:
        raise BadInput(translate("文件须为 UTF-8 编码的 GeoJSON。")) from None


def _members(text: _Text) -> Iterator[Event]:
    text.take("{")
    if text.next() == "}":
        return
    while True:
        if text.next() != '"':
            raise _damaged()
        key = text.value()
        text.take(":")
        if key == "features" and text.next() == "[":
            yield from _list(text)
        else:
            yield str(key), text.value()
        if text.take(",}") == "}":
            return


def _list(text: _Text) -> Iterator[Event]:
    text.take("[")
    if text.next() == "]":
        text.take("]")
        return
    while True:
        yield "feature", text.value()
        if text.take(",]") == "]":
            return
