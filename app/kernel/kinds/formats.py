"""What identity numbers, phones, codes and names look like, and how clerks' spellings are mended.

Two kinds of function: ``mend_…`` turns a spelling that can mean only one thing into the official
one; ``…_problem`` says in the reader's words what is wrong with an official one. The predicates
``id_number_valid``, ``phone_valid`` and ``uscc_valid`` have two more readers, SQL
(:mod:`app.kernel.kinds.formats_sql`) and ``app/web/static/form/formats.js``; a property test holds the
three together. No list of counties is consulted: new counties appear every year.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from dataclasses import dataclass, field
from operator import mul
from typing import Literal

from app.core.i18n import mark, translate
from app.kernel.kinds.characters import standard

OLDEST_YEAR = 1850
"""Nobody on a list was born before it; GB 11643 itself sets no bound."""

ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
ID_CHECKS = "10X98765432"
USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
USCC_WEIGHTS = tuple(3**i % 31 for i in range(17))
PHONE_PATTERN = "(1[3-9][0-9]{9}|0[0-9]{2,3}-?[0-9]{7,8}(-[0-9]{1,6})?)"

_ID = re.compile("[0-9]{17}[0-9X]")
_LIKE_X = re.compile("[0-9]{17}[ХΧ×✕✖╳Ⅹ]")
_OLD_ID = re.compile("[0-9]{15}")
_DISABILITY_CARD = re.compile("([0-9]{17}[0-9X])[0-9]{2}")
ACCOUNT_PATTERN = "[0-9]{8,30}"
_ACCOUNT = re.compile(ACCOUNT_PATTERN)
_PHONE = re.compile(PHONE_PATTERN)
_USCC = re.compile(f"[{USCC_ALPHABET}]{{2}}[0-9]{{6}}[{USCC_ALPHABET}]{{10}}")
_NOTHING = re.compile("无|没有|暂无|不详|无电话|无联系电话|无身份证号?|[-—/\\\\.]+|0{5,}")

_MADE_UP = re.compile("1{8,}|9{8,}")

Sex = Literal["男", "女"]


@dataclass(frozen=True)
class Problem:
    """One thing wrong with one value. ``code`` is stable; ``text`` is the Chinese message."""

    code: str
    text: str
    values: dict[str, object] = field(default_factory=dict, hash=False)

    @property
    def message(self) -> str:
        """The message in the language of the request."""
        return translate(self.text, **self.values)


def means_none(text: str) -> bool:
    """Does a cell say that there is no number: in words, or by one that nobody has (the old system of
    archives had such numbers filled in; 2012 slides, 数据录入)?
    """
    plain = text.strip()
    return bool(plain) and bool(_NOTHING.fullmatch(plain) or _MADE_UP.fullmatch(plain))


_REASON = re.compile(r"([^(]+)\((.+)\)")


def none_said(text: str) -> str | None:
    """Why there is no number, as a cell says it: 无（未办理）; empty where it says no more. None where it
    says a number, or nothing.
    """
    plain = half_width(text).strip()
    if means_none(plain):
        return ""
    found = _REASON.fullmatch(plain)
    return found[2].strip() if found and _NOTHING.fullmatch(found[1].strip()) else None


def none_text(why: str | None) -> str:
    """What a cell says of a number that there is not."""
    return f"无（{why}）" if why else "无"


# --- mending -------------------------------------------------------------------------------

_HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: " ", 0xA0: " "}
_INVISIBLE = dict.fromkeys([0x200B, 0x200C, 0x200D, 0x200E, 0x200F, 0x2060, 0xFEFF, 0xAD])
_DOTS = re.compile("[·•・･‧∙⋅●˙·᛫⸱.．。]+")
_BESIDE_DOT = re.compile(rf"\s*{_DOTS.pattern}\s*")
_MORE = "一"  # some Chinese character
_HEAD_MARK = re.compile(r"\((户主|户主本人|本人)\)")
_BLANKS = re.compile(r"\s+")
# What needs no mending, told at a glance: nearly every cell of nearly every list.
_PLAIN = re.compile(r"[0-9A-Za-z\u4e00-\u9fff]*")
_PLAIN_NAME = re.compile(r"[\u4e00-\u9fff]*")
_MOBILE = re.compile("1[3-9][0-9]{9}")


def half_width(text: str) -> str:
    """Full-width Latin letters, digits, signs and blanks as ASCII; invisible marks dropped."""
    return text.translate(_HALF_WIDTH).translate(_INVISIBLE)


def mend_text(text: str) -> str:
    """Any one-line text: NFC, invisible marks dropped, runs of blanks made one, ends trimmed."""
    if _PLAIN.fullmatch(text):
        return text
    clean = unicodedata.normalize("NFC", text.translate(_INVISIBLE))
    return _BLANKS.sub(" ", clean).strip()


def mend_name(text: str) -> str:
    """A person's name: ``' 田　翠素 '`` → ``田翠素``, ``张三（户主）`` → ``张三``, ``•`` → ``·``, ``马⽅`` →
    ``马方``.

    Blanks beside a Chinese character on both sides are typing; ``O'Neil 王`` keeps its own.
    """
    if _PLAIN_NAME.fullmatch(text):
        return text
    name = _HEAD_MARK.sub("", mend_text(half_width(standard(text))))
    name = _between_chinese(_BESIDE_DOT, "·", name)
    return _between_chinese(_BLANKS, "", name).strip()


def mend_name_start(text: str) -> str:
    """How a name begins, as it would be kept: a dot or a blank at its end stands within the name."""
    return mend_name(f"{text}{_MORE}").removesuffix(_MORE)


def mend_id_number(text: str) -> str:
    """Half-width digits, no blanks, no leading apostrophe, ``X`` for ``x`` and for what looks like it
    (Х of Cyrillic, ×, Ⅹ) behind 17 digits; "无" becomes empty.
    """
    if _ID.fullmatch(text):
        return text
    number = _BLANKS.sub("", half_width(text)).lstrip("'‘’`").upper()
    if _LIKE_X.fullmatch(number):
        number = f"{number[:17]}X"
    return "" if _NOTHING.fullmatch(number) else number


def mend_phone(text: str) -> str:
    """Half-width digits without blanks, ``+86`` and a mobile's dashes; "无", 000… become empty."""
    if _MOBILE.fullmatch(text):
        return text
    phone = _BLANKS.sub("", half_width(text)).lstrip("'‘’`")
    phone = re.sub("[—–－―‐]", "-", phone)
    phone = re.sub(r"^(\+|00)86-?", "", phone)
    phone = re.sub(r"^\((0[0-9]{2,3})\)-?", r"\1-", phone)
    without_dashes = phone.replace("-", "")
    if re.fullmatch("1[0-9]{10}", without_dashes):
        phone = without_dashes
    return "" if _NOTHING.fullmatch(phone) else phone


def mend_uscc(text: str) -> str:
    """Half-width, upper case, no blanks or dashes."""
    return re.sub(r"[\s-]", "", half_width(text)).upper()


def mend_account(text: str) -> str:
    """A bank account number in half-width digits, without the blanks and dashes between them."""
    return re.sub(r"[\s-]", "", half_width(text))


_COUNT = re.compile(r"([0-9]+)(?:\.0+)?(?:人|口|口人|个|个人|名|户)?")
_CHINESE_COUNT = re.compile("([一二两三四五六七八九]?)(十?)([一二三四五六七八九]?)(?:人|口|口人)?")


def mend_count(text: str) -> int | None:
    """``5``, ``５``, ``5人``, ``5口人``, ``五人`` → 5; None when it is no count."""
    if text.isascii() and text.isdigit() and len(text) <= 9:
        return int(text)
    compact = _BLANKS.sub("", half_width(text))
    if plain := _COUNT.fullmatch(compact):
        return int(plain[1]) if len(plain[1]) <= 9 else None
    spoken = _CHINESE_COUNT.fullmatch(compact)
    if not spoken or not any(spoken.groups()) or (spoken[1] and spoken[3] and not spoken[2]):
        return None
    digits = {"": 0, "两": 2} | {mark: n for n, mark in enumerate("一二三四五六七八九", 1)}
    tens = (digits[spoken[1]] or 1) * 10 if spoken[2] else digits[spoken[1]]
    return tens + digits[spoken[3]]


_TIME = re.compile(r"[T ]+[0-9]{1,2}:[0-9]{2}(:[0-9]{2}(\.[0-9]*)?)?$")
_SERIAL = re.compile(r"([2-6][0-9]{4})(\.[0-9]+)?")
_FIRST_SERIAL = dt.date(1899, 12, 30)
_YEAR = re.compile(
    r"([0-9]{4})(年(度|底|初|末|中)?|[-./年][0-9]{1,2}月?([底初末])?|[-./年][0-9]{1,2}[-./月][0-9]{1,2}日?)?"
)
_COMPACT_DAY = re.compile(r"((?:19|20)[0-9]{2})(0[1-9]|1[0-2])([0-3][0-9])?")


def mend_day(text: str) -> str:
    """A day without a time behind it; the number under which Excel keeps a day (from 1954 on) as that
    day.
    """
    day = _TIME.sub("", half_width(text).strip())
    if serial := _SERIAL.fullmatch(day):
        return (_FIRST_SERIAL + dt.timedelta(int(serial[1]))).isoformat()
    return day


def mend_year(text: str) -> int | None:
    """The year of a year, a month or a day: ``2018``, ``2018年底``, ``2018.12``, ``2018-12-31``; None when
    it is none of them.
    """
    day = _BLANKS.sub("", mend_day(text))
    found = _YEAR.fullmatch(day) or _COMPACT_DAY.fullmatch(day)
    return int(found[1]) if found else None


# --- identity numbers (GB 11643) -------------------------------------------------------------


def id_check_character(number: str) -> str:
    """The 18th character that the first 17 digits of ``number`` call for."""
    return ID_CHECKS[sum(map(mul, map(int, number[:17]), ID_WEIGHTS)) % 11]


def birth_date(number: str) -> dt.date | None:
    """The birth date inside an 18-character number, None where there is none."""
    digits = number[6:14]
    if len(number) != 18 or not (digits.isascii() and digits.isdigit()):
        return None
    try:
        return dt.date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None


def sex_of(number: str) -> Sex | None:
    """男 or 女 by the 17th digit of an 18-character number."""
    if not _ID.fullmatch(number):
        return None
    return "男" if int(number[16]) % 2 else "女"


def id_number_problem(text: str, today: dt.date) -> Problem | None:
    """What is wrong with an identity number, as one sentence that says what to do.

    ``text`` is mended already (:func:`mend_id_number`): the check itself forgives nothing.
    """
    if not text:
        return Problem("id.missing", mark("身份证号为空，请补填18位身份证号。"))
    if _DISABILITY_CARD.fullmatch(text):
        return Problem("id.disability_card", _DISABILITY_TEXT, {"number": text[:18]})
    if _OLD_ID.fullmatch(text):
        return Problem("id.old", mark("这是15位的旧身份证号，请按现用身份证填写18位号码。"))
    if len(text) != 18:
        return Problem(
            "id.length", mark("身份证号应为18位，现为%(count)s位，请核对。"), {"count": len(text)}
        )
    if not _ID.fullmatch(text):
        return Problem(
            "id.characters", mark("身份证号前17位应为数字，第18位应为数字或大写字母X，请核对。")
        )
    born = birth_date(text)
    day = f"{text[6:10]}-{text[10:12]}-{text[12:14]}"
    if born is None:
        return Problem(
            "id.birth_date",
            mark("身份证号中的出生日期%(day)s不存在（第7至14位），请核对。"),
            {"day": day},
        )
    if born > today:
        return Problem(
            "id.future",
            mark("身份证号中的出生日期%(day)s晚于今天（第7至14位），请核对。"),
            {"day": day},
        )
    if born.year < OLDEST_YEAR:
        return Problem(
            "id.too_old",
            mark("身份证号中的出生日期%(day)s过早（第7至14位），请核对。"),
            {"day": day},
        )
    if (wanted := id_check_character(text)) != text[17]:
        if text.endswith("000"):
            return Problem("id.rounded", _ROUNDED_TEXT)
        return Problem(
            "id.check",
            mark("身份证号第18位校验码不正确，应为 %(wanted)s，请核对。"),
            {"wanted": wanted},
        )
    return None


_ROUNDED_TEXT = mark(
    "身份证号末尾是000，很可能是 Excel 把号码当作数字、丢失了最后几位；请对照身份证，按文本重新填写。"
)
_DISABILITY_TEXT = mark(
    "这是20位的残疾人证号，请改填18位身份证号（一般为其前18位 %(number)s，请核对）。"
)


def id_number_valid(text: str | None, today: dt.date) -> bool:
    """Whether ``text`` is a complete, correct 18-character number of someone born by ``today``."""
    return text is not None and id_number_problem(text, today) is None


# --- phones, credit codes ---------------------------------------------------------------------


def phone_problem(text: str) -> Problem | None:
    """What is wrong with a phone: 11 digits 13…–19…, or area code and number."""
    if not text or _NOTHING.fullmatch(text):
        return Problem(
            "phone.missing", mark("没有有效的联系电话；确无电话的请留空并选“无联系电话”。")
        )
    if not _PHONE.fullmatch(text):
        return Problem(
            "phone.format",
            mark("联系电话不正确：手机号为11位，以13至19开头；座机为区号加号码，如029-86964499。"),
        )
    return None


def phone_valid(text: str | None) -> bool:
    """Whether ``text`` is a mobile or landline number in official spelling."""
    return text is not None and _PHONE.fullmatch(text) is not None


def account_valid(text: str | None) -> bool:
    """Whether ``text`` can be the number of a bank account."""
    return text is not None and _ACCOUNT.fullmatch(text) is not None


def uscc_check_character(code: str) -> str:
    """The 18th character of a unified social credit code (GB 32100) by its first 17."""
    total = sum(USCC_ALPHABET.index(c) * w for c, w in zip(code, USCC_WEIGHTS, strict=False))
    return USCC_ALPHABET[-total % 31]


def uscc_problem(text: str) -> Problem | None:
    """What is wrong with a unified social credit code. Letters in the first two places are real:
    ``N2`` are rural collective economic organisations.
    """
    if len(text) != 18:
        return Problem(
            "uscc.length",
            mark("统一社会信用代码应为18位，现为%(count)s位，请核对。"),
            {"count": len(text)},
        )
    if not _USCC.fullmatch(text):
        return Problem(
            "uscc.characters",
            mark(
                "统一社会信用代码由数字和大写字母组成（不含I、O、S、V、Z），第3至8位为数字，请核对。"
            ),
        )
    if (wanted := uscc_check_character(text)) != text[17]:
        return Problem(
            "uscc.check",
            mark("统一社会信用代码第18位校验码不正确，应为 %(wanted)s，请核对。"),
            {"wanted": wanted},
        )
    return None


def uscc_valid(text: str | None) -> bool:
    """Whether ``text`` is a correct unified social credit code."""
    return text is not None and uscc_problem(text) is None


# --- names, masks ----------------------------------------------------------------------------


def name_problem(text: str) -> Problem | None:
    """What is wrong with a mended person's name; single characters and Latin names are real."""
    if not text:
        return Problem("name.missing", mark("姓名为空，请填写。"))
    if len(text) > 50:
        return Problem("name.long", mark("姓名超过50个字，请核对。"))
    odd = "".join(dict.fromkeys(c for c in text if not (_is_letter(c) or c in "·' -’་")))
    if odd:
        return Problem("name.characters", mark("姓名中有“%(odd)s”，请核对。"), {"odd": odd})
    return None


def _is_letter(char: str) -> bool:
    """Of any script, with the marks that belong to letters."""
    return unicodedata.category(char)[0] in "LM"


def mask_id(number: str | None) -> str:
    """``6101*****2026``: first and last four. Short ones show their first character only."""
    return _mask(number, head=4, tail=4, stars=5)


def mask_phone(phone: str | None) -> str:
    """``157****3338``: first three and last four."""
    return _mask(phone, head=3, tail=4, stars=4)


def mask_name(name: str | None) -> str:
    """``王*霞``, ``李*``: first character, stars, and the last of three or more."""
    if not name:
        return ""
    return name[0] + "*" * max(1, len(name) - 2) + (name[-1] if len(name) > 2 else "")


def _mask(text: str | None, *, head: int, tail: int, stars: int) -> str:
    if not text:
        return ""
    if len(text) < head + tail + 3:
        return text[:1] + "*" * stars
    return text[:head] + "*" * stars + text[-tail:]


def _between_chinese(pattern: re.Pattern[str], new: str, text: str) -> str:
    """Replace what ``pattern`` finds where a Chinese character stands on both sides."""

    def swap(found: re.Match[str]) -> str:
        before, after = text[: found.start()], text[found.end() :]
        both = before and after and _is_chinese(before[-1]) and _is_chinese(after[0])
        return new if both else found[0]

    return pattern.sub(swap, text)


def _is_chinese(char: str) -> bool:
    """CJK ideographs of every extension and the zero of names (〇)."""
    return char == "〇" or unicodedata.name(char, "").startswith("CJK ")
