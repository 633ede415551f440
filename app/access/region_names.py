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
# Ethnic groups in the names of autonomous areas, as they stand there.
_PEOPLES = (
    *("蒙古族 回族 藏族 维吾尔 苗族 彝族 壮族 布依族 朝鲜族 满族 侗族 瑶族 白族 土家族 哈尼族 哈萨克族 傣族".split()),
    *("黎族 傈僳族 佤族 畲族 拉祜族 水族 东乡族 纳西族 景颇族 柯尔克孜族 土族 达斡尔族 仫佬族 羌族 布朗族".split()),
    *("撒拉族 毛南族 仡佬族 锡伯族 阿昌族 普米族 塔吉克族 怒族 鄂温克族 鄂伦春族 德昂族 保安族 裕固族".split()),
    *("独龙族 门巴族 珞巴族 基诺族 各族 哈萨克 柯尔克孜 塔吉克 锡伯 蒙古".split()),
)


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


def spellings(name: str, level: Level) -> tuple[str, ...]:
    """A name in three ever shorter spellings; compare those of two names one by one.

    秦谷村民委员会 -> 秦谷村民委员会, 秦谷村, 秦谷; 寻甸回族彝族自治县 -> …, 寻甸回族彝族, 寻甸.
    Nothing is dropped that would leave no name.
    """
    whole = readable(name)
    if level == Level.VILLAGE:
        village = _office_dropped(whole)
        return whole, village, _dropped(village, _KINDS[level])
    bare = _dropped(whole, _KINDS.get(level, ()))
    own = bare
    while (shorter := _dropped(own, _PEOPLES)) != own:
        own = shorter
    return whole, bare, own


def _dropped(name: str, endings: tuple[str, ...]) -> str:
    """``name`` without the first of ``endings`` that it has, unless nothing would be left."""
    for ending in endings:
        if name.endswith(ending) and len(name) > len(ending):
            return name.removesuffix(ending)
    return name


def _office_dropped(name: str) -> str:
    """The village or community of an office: 秦谷村民委员会 -> 秦谷村, 向阳社区居委会 -> 向阳社区."""
    community = _dropped(name, _COMMUNITY_OFFICES)
    if community != name:
        return community + "社区"
    rest = _dropped(name, _OFFICES)
    if rest == name or rest.endswith(_KINDS[Level.VILLAGE]):
        return rest
    return rest + "村" if name[len(rest)] == "村" else rest
