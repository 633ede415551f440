"""What no font draws is said on the paper, not drawn as a box."""

from __future__ import annotations

from pathlib import Path

import pypdfium2

from app.kernel.exchange import glyphs, printing

_PAGE = '#let data = json(bytes(sys.inputs.data))\n#set text(font: "Noto Sans SC")\n#data.name'
#: Of plane 15, for private use: nobody draws it.
NOWHERE = "\U000f1234"


def text_of(paper: bytes) -> str:
    return str(pypdfium2.PdfDocument(paper)[0].get_textpage().get_text_range())


def test_characters_that_names_have_are_drawn() -> None:
    for name in ("王𠮷", "李䶮", "古丽·买买提", "O'Neil 王", "张　三\u200b"):
        assert glyphs.replaced({"name": name}, printing._FONTS) == ({"name": name}, "")


def test_a_paper_says_what_its_fonts_lack(tmp_path: Path) -> None:
    data = {"name": f"王{NOWHERE}", "members": [{"name": f"{NOWHERE}三"}], "count": 3}
    shown, said = glyphs.replaced(data, printing._FONTS)
    assert shown == {"name": "王〓", "members": [{"name": "〓三"}], "count": 3}
    assert said == "字体中没有以下字符，文中用“〓”代替，请手写补上：U+F1234。"
    page = tmp_path / "page.typ"
    page.write_text(_PAGE, encoding="utf-8")
    text = text_of(printing.pdf(page, data))
    assert "王〓" in text
    assert "U+F1234" in text
    whole = text_of(printing.pdf(page, {"name": "王𠮷"}))
    assert "〓" not in whole
