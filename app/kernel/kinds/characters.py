"""Characters that stand in names for another one: what old fonts, scanners and PDFs left of it.

A name is found only if it is written in one way. Chinese characters that have two code points get the
one of the ideograph; those that GBK kept in private use get the code point that Unicode gave them since
(GB 18030-2022, annex D).
"""

from __future__ import annotations

import unicodedata

_KANGXI = range(0x2F00, 0x2FD6)
"""Each of them has its ideograph as compatibility decomposition."""

_RADICALS = (
    "⺁厂⺄乙⺅亻⺇几⺈刀⺉刂⺋㔾⺌小⺍小⺎兀⺏尣⺐尢⺒巳⺓幺⺔彑⺖忄⺗㣺⺘扌⺙攵⺛旡⺜日⺝月⺞歺⺟母⺠民⺡氵⺢氺⺣灬⺤爫⺥爫⺦丬⺧牛"
    "⺨犭⺩王⺪疋⺫目⺬示⺭礻⺯糹⺰纟⺱罓⺲罒⺶羊⺹耂⺺肀⺼肉⺾艹⺿艹⻀艹⻁虎⻂衤⻃覀⻄西⻅见⻆角⻈讠⻉贝⻋车⻌辶⻍辶⻎辶⻏阝"
    "⻐钅⻑長⻒镸⻓长⻔门⻖阝⻗雨⻘青⻙韦⻚页⻛风⻜飞⻝食⻟飠⻠饣⻢马⻣骨⻤鬼⻥鱼⻦鸟⻧卤⻨麦⻩黄⻪黾⻫斉⻬齐⻭歯⻮齿⻯竜⻰龙⻱龜⻲亀⻳龟"
)
"""CJK radicals and their ideographs (Unicode's EquivalentUnifiedIdeograph), in turn."""

_PRIVATE = 0xE815
"""GBK has characters from FE50 to FEA0 that the first Unicode lacked; they stood in private use from here
on, one after the other.
"""

_LATER = {
    0xE816: "\U00020087", 0xE817: "\U00020089", 0xE818: "\U000200cc", 0xE81E: "\u9fb4",
    0xE826: "\u9fb5", 0xE82B: "\u9fb6", 0xE82C: "\u9fb7", 0xE831: "\U000215d7",
    0xE832: "\u9fb8", 0xE83B: "\U0002298f", 0xE843: "\u9fb9", 0xE854: "\u9fba",
    0xE855: "\U000241fe", 0xE864: "\u9fbb",
}  # fmt: skip
"""Those of them that Python's codec, of 2005, still has in private use."""

_INVISIBLE = (
    *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xFEFF, 0xAD, 0x34F,
    *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0),
)  # fmt: skip
"""Zero width: blanks, joiners, marks of direction, selectors of a variant."""


def _private() -> dict[int, str]:
    trails = (byte for byte in range(0x50, 0xA1) if byte != 0x7F)
    codes = {_PRIVATE + n: bytes([0xFE, trail]) for n, trail in enumerate(trails)}
    return {code: _LATER.get(code) or gbk.decode("gb18030") for code, gbk in codes.items()}


def _table() -> dict[int, str | None]:
    radicals = dict(zip(map(ord, _RADICALS[::2]), _RADICALS[1::2], strict=True))
    radicals |= {code: unicodedata.normalize("NFKC", chr(code)) for code in _KANGXI}
    made: dict[int, str | None] = {
        code: radicals.get(ord(text), text) for code, text in _private().items()
    }
    return made | radicals | dict.fromkeys(_INVISIBLE)


_STANDARD = _table()


def standard(text: str) -> str:
    """Each character in the code point that it has today; those that nobody sees dropped."""
    return unicodedata.normalize("NFC", text.translate(_STANDARD))
