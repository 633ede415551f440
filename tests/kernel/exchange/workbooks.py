"""Workbooks as programs write them, made by hand: each program spells the same cells in its own way."""

from __future__ import annotations

import datetime as dt
import random
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from app.kernel.exchange.workbooks.sheet_document import column_letters

Value = str | float | bool | dt.datetime | dt.time | None
Rows = dict[int, dict[int, Value]]
"""Row and column, from 1, and what stands there."""

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_KEYS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_STRICT_MAIN = "http://purl.oclc.org/ooxml/spreadsheetml/main"
_STRICT_KEYS = "http://purl.oclc.org/ooxml/officeDocument/relationships"
_TEXTS = ["户主姓名", "王𠮷", "古丽·买买提", "ئابدۇرەھىم", "a & b < c > \"d\" 'e'", " 前后 ", "两\n行", "001",
          "610121198607050969", "]]>", "٣", "x" * 300]  # fmt: skip
_DAY, _MOMENT, _CHINESE, _TIME = 1, 2, 3, 4
_FORMATS = {
    _DAY: "yyyy/m/d",
    _MOMENT: "yyyy-mm-dd h:mm:ss",
    _CHINESE: '[$-804]yyyy"年"m"月"',
    _TIME: "h:mm",
}
_FIRST = dt.datetime.fromisoformat("1899-12-30")


def random_rows(chance: random.Random, height: int = 40, width: int = 9) -> Rows:
    """Cells of every kind, some rows and cells left out."""
    rows: Rows = {}
    number = 0
    for _ in range(height):
        number += chance.choice((1, 1, 1, 2, 9))
        rows[number] = {c: _value(chance) for c in range(1, width) if chance.random() < 0.8}
    return rows


def _value(chance: random.Random) -> Value:
    whole = chance.randrange(-(10**15) + 1, 10**15)
    day = _FIRST + dt.timedelta(days=chance.randrange(61, 60_000))
    return chance.choice(
        [
            chance.choice(_TEXTS),
            whole,
            float(chance.randrange(1000)),
            chance.uniform(-1000, 1000),
            chance.uniform(0, 1) * 10.0 ** chance.randrange(-12, 12),
            chance.random() < 0.5,
            day,
            day + dt.timedelta(seconds=chance.randrange(1, 86_400)),
            dt.time(chance.randrange(24), chance.randrange(60), chance.randrange(60)),
            None,
        ]
    )


@dataclass(frozen=True)
class Spelling:
    """How a program writes its cells."""

    shared: bool = True
    places: bool = True  # does each cell say where it stands?
    order: tuple[str, ...] = ("r", "s", "t")
    row: str = 'spans="1:9"'
    quote: str = '"'
    prefix: str = ""
    strict: bool = False
    pretty: bool = False
    text: str = "<t>{}</t>"


SPELLINGS: Mapping[str, Spelling] = {
    "Excel": Spelling(row='spans="1:9" x14ac:dyDescent="0.25"'),
    "WPS": Spelling(row='ht="14.25" customHeight="1" spans="1:9"', text='<t xml:space="preserve">{}</t>'),
    "LibreOffice": Spelling(
        row='customFormat="false" ht="12.8" hidden="false" customHeight="false" outlineLevel="0" collapsed="false"',
        text='<t xml:space="preserve">{}</t>',
    ),
    "Google": Spelling(row='ht="15.75" customHeight="1"'),
    "POI": Spelling(shared=False, order=("r", "t", "s"), row=""),
    "rich texts": Spelling(text='<r><rPr><b/></rPr><t xml:space="preserve">{}</t></r><rPh sb="0" eb="1"><t>kana</t></rPh>'),
    "no places": Spelling(places=False, row=""),
    "a prefix": Spelling(prefix="x:"),
    "single quotes": Spelling(quote="'", row=""),
    "on lines of its own": Spelling(pretty=True),
    "strict": Spelling(strict=True),
}  # fmt: skip


def write(
    path: Path, rows: Rows, spelling: Spelling, change: Callable[[str, str], str] | None = None
) -> Path:
    """A workbook with one sheet; ``change`` may spoil a part of it, given its name and text."""
    texts: list[str] = []
    sheet = _sheet(rows, spelling, texts)
    parts = {
        "[Content_Types].xml": _CONTENT,
        "_rels/.rels": _relations({"officeDocument": "xl/workbook.xml"}),
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_KEYS}"><sheets>'
        '<sheet name="名单" sheetId="1" r:id="r0"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": _relations(
            {"worksheet": "worksheets/sheet1.xml", "styles": "styles.xml", "sharedStrings": "sharedStrings.xml"}
        ),
        "xl/styles.xml": _styles(),
        "xl/sharedStrings.xml": f'<sst xmlns="{_MAIN}">' + "".join(
            f"<si>{spelling.text.format(escape(text))}</si>" for text in texts
        ) + "</sst>",
        "xl/worksheets/sheet1.xml": sheet,
    }  # fmt: skip
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            text = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n' + part
            if spelling.strict:
                text = text.replace(_MAIN, _STRICT_MAIN).replace(_KEYS, _STRICT_KEYS)
            archive.writestr(name, change(name, text) if change else text)
    return path


_CONTENT = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    + "".join(
        f'<Override PartName="/xl/{part}" ContentType="application/vnd.openxmlformats-officedocument.'
        f'spreadsheetml.{kind}+xml"/>'
        for part, kind in {
            "workbook.xml": "sheet.main",
            "worksheets/sheet1.xml": "worksheet",
            "styles.xml": "styles",
            "sharedStrings.xml": "sharedStrings",
        }.items()
    )
    + "</Types>"
)


def _relations(targets: Mapping[str, str]) -> str:
    listed = "".join(
        f'<Relationship Id="r{n}" Type="{_KEYS}/{kind}" Target="{target}"/>'
        for n, (kind, target) in enumerate(targets.items())
    )
    return f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{listed}</Relationships>'


def _styles() -> str:
    codes = "".join(
        f'<numFmt numFmtId="{163 + n}" formatCode={quoteattr(code)}/>'
        for n, code in _FORMATS.items()
    )
    cells = "".join(f'<xf numFmtId="{163 + n if n else 0}" fontId="0"/>' for n in range(5))
    return (
        f'<styleSheet xmlns="{_MAIN}"><numFmts count="4">{codes}</numFmts>'
        '<fonts count="1"><font/></fonts><fills count="1"><fill><patternFill/></fill></fills><borders count="1"><border/></borders>'
        f'<cellStyleXfs count="1"><xf numFmtId="14"/></cellStyleXfs><cellXfs count="5">{cells}</cellXfs>'
        '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
    )


def _sheet(rows: Rows, spelling: Spelling, texts: list[str]) -> str:
    p, between = spelling.prefix, "\n    " if spelling.pretty else ""
    lines = []
    for number, cells in rows.items():
        written, before = [], 0
        for column, value in cells.items():
            if not spelling.places:  # a cell without a place follows the one before it
                written += [f"<{p}c/>"] * (column - before - 1)
            before = column
            written.append(_cell(f"{column_letters(column)}{number}", value, spelling, texts))
        attributes = f"r={spelling.quote}{number}{spelling.quote} {spelling.row}".strip()
        lines.append(f"<{p}row {attributes}>{between}{between.join(written)}{between}</{p}row>")
    space = f"xmlns:{p[:-1]}" if p else "xmlns"
    return (
        f'<{p}worksheet {space}="{_MAIN}" xmlns:x14ac="urn:x14ac"><{p}sheetData>{between}'
        f"{between.join(lines)}{between}</{p}sheetData></{p}worksheet>"
    )


def _cell(place: str, value: Value, spelling: Spelling, texts: list[str]) -> str:
    p = spelling.prefix
    kind, style, said = _said(value)
    if kind == "s" and not spelling.shared:
        kind, inner = "inlineStr", f"<{p}is><{p}t>{escape(said)}</{p}t></{p}is>"
    elif kind == "s":
        texts.append(said)
        inner = f"<{p}v>{len(texts) - 1}</{p}v>"
    else:
        inner = f"<{p}v>{said}</{p}v>"
    if spelling.strict and isinstance(value, dt.datetime):
        kind, inner = "d", f"<v>{value.isoformat()}</v>"
    given = {"r": place if spelling.places else "", "s": str(style or ""), "t": kind}
    attributes = "".join(
        f" {a}={spelling.quote}{given[a]}{spelling.quote}" for a in spelling.order if given[a]
    )
    return f"<{p}c{attributes}/>" if value is None else f"<{p}c{attributes}>{inner}</{p}c>"


def _said(value: Value) -> tuple[str, int, str]:
    """Kind, style and text of a cell."""
    if isinstance(value, str):
        return "s", 0, value
    if isinstance(value, bool):
        return "b", 0, str(int(value))
    if isinstance(value, dt.datetime):
        days = (value - _FIRST) / dt.timedelta(days=1)
        style = _MOMENT if value.time() != dt.time() else (_CHINESE if value.day % 2 else _DAY)
        return "", style, repr(int(days) if days.is_integer() else days)
    if isinstance(value, dt.time):
        seconds = value.hour * 3600 + value.minute * 60 + value.second
        return "", _TIME, repr(seconds / 86_400)
    return "", 0, "" if value is None else repr(value)
