"""The report of work as a Word file: what typst sets as PDF, for those who write on in it. In the form of
official papers (GB/T 9704): their typefaces and sizes, all of it black. Where a machine has not the
typefaces Word takes open ones that the file names beside them.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any

from docx import Document
from docx.enum.section import WD_ORIENT
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.oxml import serialize_part_xml
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor

from app.core.files.paper import Grid, Paper
from app.core.i18n import _
from app.kernel.exchange.writer import head_spans

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
#: The typefaces of official papers (GB/T 9704) and the numerals of their chapters.
_TITLE, _HEADING, _TEXT = "方正小标宋简体", "黑体", "仿宋"
_NUMERALS = "一二三四五六七八九十"
_LATIN = "Times New Roman"
#: Open typefaces that stand in where those are not installed.
_INSTEAD = {
    _TITLE: "FZXiaoBiaoSong-B05S,Noto Serif CJK SC,Source Han Serif SC",
    _HEADING: "SimHei,Noto Sans CJK SC,Source Han Sans SC",
    _TEXT: "FangSong,FangSong_GB2312,FandolFang,Noto Serif CJK SC",
    _LATIN: "Liberation Serif",
}
_BLACK = RGBColor(0, 0, 0)
_LINE = Pt(28)  # 22 lines a page


def document(paper: Paper) -> BytesIO:
    """A4, the tables by division on pages across."""
    made = Document()
    _page(made)
    _typefaces(made)
    core = made.core_properties
    core.title, core.author, core.comments = paper.title, paper.signed, ""
    _paragraph(made, paper.title, _TITLE, 22, WD_ALIGN_PARAGRAPH.CENTER, after=18)
    _paragraph(made, paper.lead, indent=True)
    for number, chapter in enumerate(paper.chapters):
        _paragraph(made, f"{_NUMERALS[number]}、{chapter.title}", _HEADING, heading=True)
        for text in chapter.paragraphs:
            _paragraph(made, text, indent=True)
        for grid in chapter.grids:
            _table(made, grid, 9)
    _paragraph(made, paper.signed, align=WD_ALIGN_PARAGRAPH.RIGHT, before=32)
    _paragraph(made, paper.day, align=WD_ALIGN_PARAGRAPH.RIGHT)
    if paper.annexes:
        across = made.add_section()
        across.orientation = WD_ORIENT.LANDSCAPE
        across.page_width, across.page_height = across.page_height, across.page_width
        for number, grid in enumerate(paper.annexes, 1):
            _table(made, grid, 9, _("附表%(n)s", n=number), fresh=number > 1)
    file = BytesIO()
    made.save(file)
    file.seek(0)
    return file


def _page(made: Any) -> None:
    section = made.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.left_margin, section.right_margin = Cm(2.8), Cm(2.6)
    section.top_margin, section.bottom_margin = Cm(3.7), Cm(3.5)
    footer = section.footer.paragraphs[0]
    footer.alignment = WD_ALIGN_PARAGRAPH.CENTER
    _run(footer, "— ", _TEXT, 14)
    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), "PAGE")
    footer._p.append(field)  # noqa: SLF001 (python-docx knows no page numbers)
    _run(footer, " —", _TEXT, 14)


def _typefaces(made: Any) -> None:
    """Name the typefaces, and what stands in for them, where Word looks for that. The styles of the
    template are blue and of another typeface.
    """
    for name in ("Normal", "Heading 1"):
        style = made.styles[name]
        style.font.name, style.font.color.rgb, style.font.bold = _LATIN, _BLACK, False
        fonts = style.element.rPr.rFonts
        fonts.set(qn("w:eastAsia"), _TEXT if name == "Normal" else _HEADING)
        for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
            fonts.attrib.pop(qn(f"w:{theme}"), None)
    part = made.part.part_related_by(RELATIONSHIP_TYPE.FONT_TABLE)
    table = parse_xml(part.blob)
    for name, instead in _INSTEAD.items():
        for known in table.findall(qn("w:font")):
            if known.get(qn("w:name")) == name:
                table.remove(known)
        font, other = OxmlElement("w:font"), OxmlElement("w:altName")
        font.set(qn("w:name"), name)
        other.set(qn("w:val"), instead)
        font.append(other)
        table.append(font)
    part._blob = serialize_part_xml(table)  # noqa: SLF001 (python-docx knows no typefaces)


def _paragraph(
    made: Any,
    text: str,
    font: str = _TEXT,
    size: float = 16,
    align: Any = None,
    *,
    indent: bool = False,
    heading: bool = False,
    before: float = 0,
    after: float = 0,
) -> Any:
    one = made.add_paragraph(style="Heading 1") if heading else made.add_paragraph()
    form = one.paragraph_format
    form.line_spacing = _LINE if size <= 16 else Pt(36)
    form.space_before, form.space_after = Pt(before), Pt(after)
    form.first_line_indent = Pt(2 * size) if indent or heading else None
    if align is not None:
        one.alignment = align
    _run(one, text, font, size)
    return one


def _run(paragraph: Any, text: str, font: str, size: float, *, bold: bool = False) -> None:
    run = paragraph.add_run(text)
    run.font.size, run.font.name, run.font.bold = Pt(size), _LATIN, bold
    run.font.color.rgb = _BLACK
    run._element.rPr.rFonts.set(qn("w:eastAsia"), font)  # noqa: SLF001 (it knows no second typeface)


def _table(made: Any, grid: Grid, size: float, number: str = "", *, fresh: bool = False) -> None:
    title = f"{number} {grid.title}".strip()
    above = _paragraph(made, title, _HEADING, 12, WD_ALIGN_PARAGRAPH.CENTER, before=6)
    above.paragraph_format.keep_with_next = True
    above.paragraph_format.page_break_before = fresh
    depth = max(map(len, grid.heads))
    table = made.add_table(depth + len(grid.rows), len(grid.heads), style="Table Grid")
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    for span in head_spans(grid.heads, depth):
        cell = table.cell(span.top, span.left).merge(table.cell(span.bottom, span.right))
        _cell(cell, span.text, size, bold=True)
    for row in table.rows[:depth]:  # repeated on every page that the table takes
        mark = OxmlElement("w:tblHeader")
        mark.set(qn("w:val"), "true")
        row._tr.get_or_add_trPr().append(mark)  # noqa: SLF001 (python-docx knows no such rows)
    for line, texts in zip(table.rows[depth:], grid.rows, strict=True):
        _fill(line.cells, texts, size)
    for note in grid.notes:
        _paragraph(made, note, size=10)


def _fill(cells: Sequence[Any], texts: Sequence[str], size: float) -> None:
    for number, (cell, text) in enumerate(zip(cells, texts, strict=True)):
        _cell(cell, text, size, align=None if number else WD_ALIGN_PARAGRAPH.LEFT)


def _cell(cell: Any, text: str, size: float, *, bold: bool = False, align: Any = None) -> None:
    one = cell.paragraphs[0]
    one.alignment = WD_ALIGN_PARAGRAPH.CENTER if align is None else align
    one.paragraph_format.space_after = Pt(0)
    _run(one, text, _TEXT, size, bold=bold)
