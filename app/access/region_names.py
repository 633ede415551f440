"""Names of divisions as people write them: pinyin initials, and one spelling for many.

A list of households says 秦谷村 or 秦谷, the tree says 秦谷村委会. Two names mean one division when
nothing but the words for its kind differs (spec 08, "village written differently").
"""

from __future__ import annotations

import unicodedata
from functools import cache
from pathlib import Path

from app.access.regions import Level

__all__ = ["DATA", "initials", "letters", "readable", "spellings"]

DATA = Path(__file__).parent / "data"

# Words for a village's office, longest first. What stays is the village's or community's name.
_COMMUNITY_OFFICES = (
    "社区居民委员会",
    "社区村民委员会",
    "社区居民委会",
    "社区居委会",
    "社区村委会",
    "社区委员会",
)
_OFFICES = ("居民委员会", "村民委员会", "牧民委员会", "家属委员会", "居民委会", "村民委会", "居委会",
            "村委会", "牧委会", "家委会", "委员会", "委会")  # fmt: skip
_KINDS = {
    Level.PROVINCE: ("维吾尔自治区", "壮族自治区", "回族自治区", "自治区", "省", "市"),
    Level.CITY: ("自治州", "地区", "州", "盟", "市"),
    Level.COUNTY: ("自治县", "自治旗", "林区", "特区", "新区", "县", "区", "旗", "市"),
    Level.TOWN: ("街道办事处", "街道办", "民族乡", "苏木", "街道", "镇", "乡"),
    Level.VILLAGE: ("社区", "嘎查", "村", "居"),
}


def readable(name: str) -> str:
    """The letters, digits and characters of a name: half-width, lower case, no marks or blanks."""
    return "".join(c for c in unicodedata.normalize("NFKC", name).lower() if c.isalnum())


@cache
def letters() -> dict[int, str]:
    """Character -> first letter of its pinyin, each by itself, for ``str.translate``."""
    lines = (DATA / "initials.txt").read_text(encoding="utf-8").splitlines()
    return {ord(character): line[0] for line in lines for character in line[1:]}


def initials(name: str) -> str:
    """Pinyin initials of a name, lower case: 周至县 -> zzx. Digits and Latin letters stay.

    Each character is read by itself; the packed divisions carry the readings that differ.
    """
    read = name.translate(letters())
    if not (read.isascii() and read.isalnum()):
        read = readable(read).translate(letters())
        read = "".join(c for c in read if c.isascii())
    return read.lower()


def spellings(name: str, level: Level) -> list[str]:
    """A name in ever shorter spellings; two names are alike from the first one they share.

    秦谷村委会 -> 秦谷村委会, 秦谷村, 秦谷. Nothing is dropped that would leave no name.
    """
    found = [readable(name)]
    if level == Level.VILLAGE:
        found.append(_office_dropped(found[0]))
    for kind in _KINDS.get(level, ()):
        if found[-1].endswith(kind) and len(found[-1]) > len(kind):
            found.append(found[-1].removesuffix(kind))
            break
    return found


def _office_dropped(name: str) -> str:
    for office in _COMMUNITY_OFFICES:
        if name.endswith(office) and len(name) > len(office):
            return name.removesuffix(office) + "社区"
    for office in _OFFICES:
        if name.endswith(office) and len(name) > len(office):
            rest = name.removesuffix(office)
            kind = "村" if office.startswith("村") else ""
            return rest if rest.endswith(("村", "社区", "嘎查")) else rest + kind
    return name
