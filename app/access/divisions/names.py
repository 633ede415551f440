"""Names of divisions as people write them: pinyin initials, and one spelling for many.

A list of households says 秦谷村 or 秦谷, the tree says 秦谷村委会. Two names mean one division when
nothing but the words for its kind differs (spec 08, "village written differently").
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from pathlib import Path

from app.access.divisions.regions import Level

__all__ = ["DATA", "alike", "initials", "letters", "readable", "spellings"]

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
_PEOPLES = re.compile(
    "(?:各族|(?:蒙古|维吾尔|哈萨克|柯尔克孜|塔吉克|锡伯)族?|(?:回|藏|苗|彝|壮|布依|朝鲜|满|侗|瑶|白|土家|哈尼|傣|黎"
    "|傈僳|佤|畲|拉祜|水|东乡|纳西|景颇|土|达斡尔|仫佬|羌|布朗|撒拉|毛南|仡佬|阿昌|普米|怒|鄂温克|鄂伦春|德昂|保安"
    "|裕固|独龙|门巴|珞巴|基诺)族)+$"
)


#: Characters by which neighbours are told apart on purpose: 东寨 and 西寨, 一组 and 二组.
_TELLING = set(
    "东西南北中上下前后左右内外里大小新老旧高低甲乙丙丁零一二三四五六七八九十百0123456789"
)
_LONG_NAME = 3  # in shorter ones every character tells


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
    """A name in three ever shorter spellings; two names may be one from the first they share.

    秦谷村民委员会 -> 秦谷村民委员会, 秦谷村, 秦谷; 寻甸回族彝族自治县 -> …, 寻甸回族彝族, 寻甸.
    Nothing is dropped that would leave no name.
    """
    whole = readable(name)
    if level == Level.VILLAGE:
        village = _office_dropped(whole)
        return whole, village, _dropped(village, _KINDS[level])
    bare = _dropped(whole, _KINDS.get(level, ()))
    return whole, bare, _PEOPLES.sub("", bare) or bare


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


def alike(name: str, other: str, level: Level) -> bool:
    """May two siblings be one division, written twice (spec 01 §Divisions)? They are the same
    without the word for their kind (城关镇, 城关街道; 姜村村, 姜村村委会), or long and one character
    apart that nobody uses to tell places apart (马家砭村, 马家贬村; but not 前马家村, 后马家村).
    """
    mine, theirs = _spelled(name, level), _spelled(other, level)
    if not set(mine).isdisjoint(theirs):
        return True
    one, two = mine[-1], theirs[-1]
    if abs(len(one) - len(two)) > 1 or min(len(one), len(two)) < _LONG_NAME:
        return False
    if len(one) == len(two):
        differing = [(a, b) for a, b in zip(one, two, strict=True) if a != b]
        return len(differing) == 1 and not _TELLING & set(differing[0])
    longer, shorter = (one, two) if len(one) > len(two) else (two, one)
    dropped = [longer[at] for at in range(len(longer)) if longer[:at] + longer[at + 1 :] == shorter]
    return bool(dropped) and dropped[0] not in _TELLING


@lru_cache(maxsize=65_536)  # an import compares each name with all of its siblings
def _spelled(name: str, level: Level) -> tuple[str, ...]:
    return spellings(name, level)
