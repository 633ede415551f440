"""Every text that a user sees is in the catalogue, and has its English.

Static tests: they read the sources, so that a text is found before anybody meets it on a screen.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from gettext import GNUTranslations
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from babel.messages.mofile import write_mo
from flask import Flask
from flask_babel import force_locale, get_domain
from jinja2 import Environment

from app import catalogue
from app.core.i18n import lazy, step_word, translate
from app.kernel.declare.register import all_registers
from app.kernel.exchange.by_kind import CELLS
from app.kernel.kinds import MANY, YES_NO
from tools import setup

APP = catalogue.ROOT / "app"

#: Ideographs, and the punctuation and full-width forms that go with them.
CHINESE = re.compile(r"[\u3000-\u303f\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]")
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd%]|\{\w*\}")

#: Chinese in code that nobody reads on a screen, or that a declaration hands to the catalogue
#: put together: file -> the strings, or None for a file that holds nothing else.
NOT_SHOWN: dict[str, set[str] | None] = {
    "kernel/settings/choices.py": {"、，,；;"},  # marks that part several choices in a cell
    "access/divisions/names.py": None,  # endings of divisions' names
    "access/divisions/match.py": {"直辖|直管|^市辖区$|^县$"},
    "access/divisions/regions.py": {"住房和城乡建设部"},  # a fact about a division, as its name is
    "access/divisions/seed.py": {"全国"},  # the name of the uppermost division
    "kernel/exchange/columns.py": None,  # heads as people write them, samples; labels are marked
    "modules/low_income/columns.py": None,  # the same
    "modules/house_map/parcels/columns.py": None,  # names of properties as census exports write them
    "modules/house_map/parcels/imports.py": {"(1[89]\\d\\d|20\\d\\d)(?:年|\\.0)?(?:[-/.年]\\d{1,2}.*)?", "以后"},
    "kernel/exchange/by_kind.py": {"[、，,；;]", "[(（].*?[)）]$"},  # marks between and behind choices in a cell
    "kernel/exchange/imports/record_import.py": {"。.", "万元"},  # marks that are cut off; a head's unit
    "kernel/exchange/official.py": {"（", "）", "未办理"},  # what stands in cells, in every language
    "modules/archives/register.py": {"地区（市、州、盟）", "村民委员会"},  # official heads
    "kernel/reports/word.py": {"方正小标宋简体", "黑体", "仿宋", "一二三四五六七八九十", "、"},  # typefaces, numerals
    "kernel/exchange/glyphs.py": {"〓"},  # stands for what no font has
    "kernel/exchange/writer.py": {"选项"},  # a hidden sheet that formulas name
    "kernel/kinds/formats.py": {
        "无|没有|暂无|不详|无电话|无联系电话|无身份证号?|[-—/\\\\.]+|0{5,}",  # typed for "none"
        "[·•・･‧∙⋅●˙·᛫⸱.．。]+", "一",
        "([0-9]{4})(年(度|底|初|末|中)?|[-./年][0-9]{1,2}月?([底初末])?|[-./年][0-9]{1,2}[-./月][0-9]{1,2}日?)?",
        "\\((户主|户主本人|本人)\\)", "[—–－―‐]", "〇",
        "([0-9]+)(?:\\.0+)?(?:人|口|口人|个|个人|名|户)?",
        "([一二两三四五六七八九]?)(十?)([一二三四五六七八九]?)(?:人|口|口人)?",
        "两", "一二三四五六七八九", "无（", "）",  # what a cell says of a number that there is not
    },
    "kernel/kinds/characters.py": None,  # characters that stand for others
    "modules/homes/written.py": None,  # the groups of hardship as people write them
    "kernel/kinds/date.py": {"年月./", "日"},  # how people type dates
    "kernel/declare/fields.py": {
        "不能小于 ", "不能大于 ", "不能", "早于", "晚于", "今天。", "至少需要 ", "最多 ", " 个。", "。",
    },
    "kernel/exchange/printed/content.py": {"\u3000"},  # room for a pen
}  # fmt: skip


@pytest.fixture(scope="module")
def english() -> list[Message]:
    return [message for message in catalogue.load() if message.id and message.string]


@pytest.fixture(scope="module")
def msgids() -> set[str]:
    return {message.text for message in catalogue.texts()}


def test_every_text_has_its_english():
    lacking = catalogue.untranslated()
    assert not lacking, "translate these in translations/en: " + ", ".join(map(repr, lacking))


def test_the_file_holds_no_text_that_is_gone(english: list[Message]):
    known = catalogue.texts()
    gone = [m.id for m in english if catalogue.Message(m.id, m.context) not in known]
    assert not gone, "run `flask translations`"


def test_the_file_can_be_compiled(tmp_path: Path):
    """A file that looks like a draft is passed over in silence, and English reads as Chinese."""
    assert not catalogue.load().fuzzy
    with (tmp_path / "messages.mo").open("wb") as file:
        write_mo(file, catalogue.load())
    with (tmp_path / "messages.mo").open("rb") as file:
        compiled = GNUTranslations(file)
    assert compiled.gettext("审核通过") == "Approved"
    assert compiled.pgettext("step", "审核通过") == "Approve"


def test_placeholders_agree(english: list[Message]):
    wrong = [
        m.id
        for m in english
        if sorted(PLACEHOLDER.findall(m.id)) != sorted(PLACEHOLDER.findall(m.string))
    ]
    assert not wrong


def test_english_is_english(english: list[Message]):
    assert not [m.string for m in english if CHINESE.search(m.string)]


def test_sentences_end_as_sentences(english: list[Message]):
    odd = [m.string for m in english if len(m.id) > 1 and m.id.endswith("。")]
    assert not [text for text in odd if not text.endswith((".", "?"))]


def test_no_two_fields_of_a_form_have_one_english_label(english: list[Message]):
    """Workbooks are read by the labels over their columns, in the reader's language too."""
    said = {m.id: m.string for m in english if not m.context}
    for register in all_registers():
        fields = register.model.__fields__ | register.fields
        labels = {made.label for made in fields.values()}
        shown = Counter(
            re.sub(r"\s|\(.*\)$", "", said.get(label, label)).lower() for label in labels
        )
        assert [label for label, n in shown.items() if n > 1] == []


def relative(path: Path) -> str:
    return path.relative_to(APP).as_posix()


@pytest.mark.parametrize("path", sorted(APP.rglob("templates/**/*.html")), ids=relative)
def test_templates_say_everything_through_the_catalogue(path: Path):
    tokens = [
        (line, kind, text)
        for line, kind, text in Environment(autoescape=True).lex(path.read_text(encoding="utf-8"))
        if kind not in ("whitespace", "comment", "comment_begin", "comment_end")
    ]
    found = []
    for number, (line, kind, text) in enumerate(tokens):
        if not CHINESE.search(text):
            continue
        before = [value for _line, _kind, value in tokens[max(0, number - 4) : number]]
        if kind != "string" or not (
            before[-2:] == ["_", "("] or (before[:2] == ["pgettext", "("] and before[-1] == ",")
        ):
            found.append(f"line {line}: {text.strip()[:60]}")
    assert not found


SCRIPTS = sorted(p for p in APP.rglob("static/*/*.js") if p.parent.name != "vendor")


@pytest.mark.parametrize("path", SCRIPTS, ids=relative)
def test_scripts_take_their_words_from_the_catalogue(path: Path):
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
    assert not [f"line {number}: {text}" for number, text in lines if CHINESE.search(text)]


SOURCES = sorted(p for p in APP.rglob("*.py") if APP / "demo" not in p.parents)  # data made up


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_code_says_nothing_that_the_catalogue_lacks(path: Path, msgids: set[str]):
    allowed = NOT_SHOWN.get(relative(path), set())
    found = [
        f"line {line}: {text}"
        for line, text, glued in constants(path)
        if (glued or text not in msgids) and (allowed is not None and text not in allowed)
    ]
    assert not found, "not in the catalogue: mark it with _, lazy or mark of app.core.i18n"


def constants(path: Path) -> Iterator[tuple[int, str, bool]]:
    """The string constants that hold Chinese, docstrings aside: line, text, and whether code puts
    it between others (parts of f-strings, what joins texts), which no translation changes.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = list(ast.walk(tree))
    documentation = {id(n.value) for n in nodes if isinstance(n, ast.Expr)}
    glue = {id(part) for n in nodes if isinstance(n, ast.JoinedStr) for part in n.values}
    glue |= {id(n.value) for n in nodes if isinstance(n, ast.Attribute) and n.attr == "join"}
    for node in nodes:
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in documentation
            and CHINESE.search(node.value)
        ):
            yield node.lineno, node.value, id(node) in glue


def test_what_is_excepted_is_still_there():
    for name, strings in NOT_SHOWN.items():
        there = {text for _line, text, _glued in constants(APP / name)}
        assert there, f"{name} holds no Chinese any more"
        assert not (strings or set()) - there


def test_a_job_speaks_the_language_of_who_started_it(app: Flask):
    """Requests are walked by tests/web/frame/test_english_pages.py; jobs run without one."""
    setup.translations()
    with app.app_context():
        get_domain().cache.clear()  # English may have been asked for before it was compiled
        assert translate("户主") == "户主"
        with force_locale("en"):
            assert translate("户主") == "Head of household"
            assert translate("已处理%(n)s户。", n=3) == "Households processed: 3."
            assert step_word("审核通过") == "Approve"
            assert str(lazy("户主")) == "Head of household"
        with force_locale("zh"):
            assert translate("户主") == "户主"
        assert translate("户主") == "户主"


def test_workbooks_in_english_are_read_back(app: Flask):
    """What a drop-down or an exported cell says in the user's language is read as its choice."""
    setup.translations()
    with app.app_context():
        get_domain().cache.clear()
        fields = [f for r in all_registers() for f in r.fields.values()]
        with force_locale("en"):
            for made in fields:
                codes = ["yes", "no"] if made.kind == YES_NO else list(made.options())
                read = CELLS[made.kind].read
                values = [made.parse([code] if made.kind == MANY else code) for code in codes]
                assert values == [made.parse(read(made, made.text(v))) for v in values]
                if made.kind == MANY:
                    every = made.parse(codes)
                    assert made.parse(read(made, made.text(every))) == every
