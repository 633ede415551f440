"""The three readers of a rule set asked about the same stored records, and records to ask about."""

from __future__ import annotations

import datetime as dt
import json
import random
import subprocess
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from app.core.clock import now, today, uuid7
from app.kernel import kinds as f
from app.kernel.declare import choice_lists
from app.kernel.declare.expressions import KEPT, Expr
from app.kernel.declare.field import Field
from app.kernel.declare.rules import RuleSet
from app.kernel.kinds.values import to_json
from app.kernel.rows.file import Attachment
from app.kernel.rows.reading import columns_of, values_of
from tests.builders import id_number

RULES_JS = Path(__file__).parents[3] / "app/web/static/form/rules.js"
_NODE = """
import { evaluate } from %s;
let text = ""; for await (const part of process.stdin) text += part;
const { rules, records, today } = JSON.parse(text);
const answers = records.map((values) => {
  const shown = [], codes = [];
  const walk = (result, prefix, top) => {
    for (const [name, answer] of Object.entries(result)) {
      if (top && answer.shown) shown.push(name);
      if (answer.missing) codes.push(`${prefix}${name}.required`);
      for (const { code } of answer.errors) codes.push(`${prefix}${name}.${code}`);
      (answer.rows ?? []).forEach((row, n) => walk(row, `${name}-${n}-`, false));
    }
  };
  walk(evaluate(rules, values, { today }), "", true);
  return { shown, codes };
});
console.log(JSON.stringify(answers));
"""

PLACE = ("region_id", "path", "county_id", "province_id")
Record = dict[str, Any]  # field -> value; files: how many there are


@dataclass(frozen=True)
class Answer:
    """``codes`` are ``field.rule``; a child row's are ``children-0-field.rule``."""

    codes: frozenset[str]
    shown: frozenset[str] = frozenset()

    @property
    def of_record(self) -> frozenset[str]:
        """Without the rules of child rows, which stored JSON does not answer in SQL."""
        return frozenset(code for code in self.codes if "-" not in code)


# ---- random records ------------------------------------------------------------------------

_TEXTS = ("甲", "乙", "a", "%", "_", "0", "no", "甲" * 20)
_DAYS = (dt.date(2020, 12, 31), dt.date(2021, 1, 1), dt.date(2023, 12, 31), dt.date(2024, 9, 7))

_MANY = (0, 1, 2, 3, 4, 31)  # rows and files: the last are more than any field takes


def value_of(made: Field, pick: random.Random) -> Any:
    """A value of one field as a record may hold it, those that rules name more often."""
    kind = made.kind
    if kind in (f.TEXT, f.TEXTAREA):
        return pick.choice(_TEXTS)[: made.length]
    if kind == f.INTEGER:
        return pick.choice([0, 1, 2, 5, 30, 31, -1])
    if kind in (f.DECIMAL, f.MONEY):
        return Decimal(pick.choice(["0", "0.99", "1", "1.5", "5", "9999.01"]))
    if kind == f.YEAR:
        return pick.randint(2020, 2026)
    if kind == f.DATE:
        near = [today() + dt.timedelta(days=n) for n in (-1, 0, 1)]
        any_day = dt.date(2019, 1, 1) + dt.timedelta(days=pick.randrange(2922))
        return pick.choice([pick.choice(_DAYS), pick.choice(near), any_day])
    if kind == f.YES_NO:
        return pick.random() < 0.5
    if kind == f.CHOICE:
        return pick.choice(_codes(made))
    if kind in (f.MANY, f.CODES):
        codes = _codes(made)
        some = pick.sample(codes, min(len(codes), pick.randint(1, 4)))
        return tuple(str(code) for code in some)
    if kind == f.ID_NUMBER:
        wrong = ["61012219700101001X", "610122190001010011", "1", "残疾"]
        return pick.choice([id_number(pick.randrange(900)), id_number(1), *wrong])
    if kind == f.PHONE:
        return pick.choice(["13909180000", "029-86964499", "12345678901", "无"])
    if kind == f.USCC:
        return pick.choice(["91350100M000100Y43", "91350100M000100Y44", "I"])
    if kind == f.ACCOUNT:
        return pick.choice(["6217000010001234567", "1234567", "甲"])
    if kind == f.CHILDREN:
        return [
            {r.name: _json_value(r, pick) if pick.random() < 0.7 else None for r in made.rows}
            for _row in range(pick.choice(_MANY))
        ]
    if kind == f.REGION:
        return pick.randint(1, 4)
    return pick.choice(_MANY)  # files


def _codes(made: Field) -> list[Any]:
    if made.choices or not made.list_name:
        return list(made.choices or made.codes)
    return [f"{n:02}" for n in range(1, len(choice_lists.DEFAULTS[made.list_name or ""]) + 1)]


def _json_value(made: Field, pick: random.Random) -> Any:
    value = value_of(made, pick)
    return str(value) if made.kind == f.CHOICE else value


def records(
    fields: Mapping[str, Field],
    mostly: Mapping[str, Any],
    count: int,
    seed: int,
    always: Container[str] = (),
) -> list[Record]:
    """Any mixtures of given and missing values, the same of each ``seed``. A hidden field keeps what
    it has: nothing is cleared here. ``mostly`` names values without which little of the form would
    show; ``always`` the fields that are never missing.
    """
    pick = random.Random(seed)

    def value(name: str, made: Field) -> Any:
        if made.computed:
            return None
        if name in mostly and pick.random() < 0.8:
            return mostly[name]
        return value_of(made, pick) if name in always or pick.random() < 0.67 else None

    return [{name: value(name, made) for name, made in fields.items()} for _n in range(count)]


# ---- the readers ---------------------------------------------------------------------------


def ask_javascript(rules: RuleSet, rows: Sequence[Record]) -> list[Answer]:
    """One run of node for all the records, given as the browser's form holds them."""
    run = subprocess.run(
        ["node", "--input-type=module", "-e", _NODE % json.dumps(RULES_JS.as_uri())],
        input=json.dumps(
            {
                "rules": rules.js(),
                "records": [
                    {
                        name: _in_browser(rules, name, value)
                        for name, value in (row | _findings(rules, row)).items()
                    }
                    for row in rows
                ],
                "today": today().isoformat(),
            }
        ),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    return [Answer(frozenset(a["codes"]), frozenset(a["shown"])) for a in json.loads(run.stdout)]


def _in_browser(rules: RuleSet, name: str, value: Any) -> Any:
    if name in rules.fields and rules.fields[name].kind == f.FILES:
        return [f"file {n}" for n in range(value or 0)]
    return to_json(value)


@dataclass(frozen=True)
class Told:
    """What Python says of a record as read back, and what SQL says; and in which figures SQL counts
    it. ``values`` are those that were read back.
    """

    values: Record
    python: Answer
    sql: Answer
    counted: frozenset[str]


def ask_stored(
    session: Session,
    model: Any,
    register: str,
    rules: RuleSet,
    rows: Sequence[Record],
    counted: Mapping[str, Expr] | None = None,
    **extra: Any,
) -> list[Told]:
    """Store the records as they are and ask. ``counted``: figures by their keys.

    Nothing is committed. ``extra`` gives the columns that are no fields.
    """
    fields = model.__fields__
    keys = [uuid7() for _ in rows]
    rows = [row | _computed(rules, row) for row in rows]
    place = {n: extra.get(n, 1) for n in PLACE}
    files = [
        {"id": uuid7(), "register": register, "record_id": key, "field": name, "position": n,
         "name": "f", "mime": "image/jpeg", "size": 1, "key": uuid7().hex, "sha256": "0" * 64,
         "added_by": key, "added_at": now(), **place}
        for key, row in zip(keys, rows, strict=True)
        for name, made in fields.items() if made.kind == f.FILES
        for n in range(row[name] or 0)
    ]  # fmt: skip
    stored = [
        {n: v for n, v in row.items() if fields[n].stored} | extra | _keys(model, key)
        for key, row in zip(keys, rows, strict=True)
    ]
    connection = session.connection()
    connection.execute(insert(model.__table__), stored)
    if files:
        connection.execute(insert(Attachment.__table__), files)
    columns = columns_of(model, register)
    conditions = rules.violations(columns)
    figures = {
        name: func.coalesce(where.sql(columns), False) for name, where in (counted or {}).items()
    }
    query = select(model.__table__.c.id, *conditions.values(), *figures.values())
    by_sql = {
        key: [name for name, hit in zip((*conditions, *figures), hits, strict=True) if hit]
        for key, *hits in connection.execute(query.where(model.__table__.c.id.in_(keys)))
    }
    attachments: dict[Any, list[Attachment]] = {}
    for attachment in files:
        attachments.setdefault(attachment["record_id"], []).append(Attachment(**attachment))
    read_back = {
        row.id: values_of(row, attachments.get(row.id, ()))
        for row in session.scalars(
            select(model).where(model.id.in_(keys)), execution_options={"populate_existing": True}
        )
    }
    return [
        Told(
            read_back[key],
            ask_python(rules, read_back[key]),
            Answer(frozenset(conditions).intersection(by_sql[key])),
            frozenset(figures).intersection(by_sql[key]),
        )
        for key in keys
    ]


def _computed(rules: RuleSet, row: Record) -> Record:
    """What is worked out from the record, as a save keeps it."""
    files = {n: [None] * (row[n] or 0) for n, made in rules.fields.items() if made.kind == f.FILES}
    values = rules.evaluate(row | files).values
    return {name: values[name] for name, made in rules.fields.items() if made.computed}


def _keys(model: Any, key: Any) -> dict[str, Any]:
    """Its own key, and as good a one for every other record that it refers to."""
    columns = model.__table__.c
    needed = {
        c.name: key.hex if c.name == "match_key" else key
        for c in columns
        if c.name.endswith(("_id", "_key")) and not c.nullable and c.name not in model.__fields__
    }
    return {"id": key} | {n: v for n, v in needed.items() if n not in PLACE}


def _findings(rules: RuleSet, values: Record) -> Record:
    """Which findings over other records are kept; of other facts nobody knows."""
    codes = values.get("broken") or ()
    return {n: n.removeprefix(KEPT) in codes for n in rules.outer if n.startswith(KEPT)}


def ask_python(rules: RuleSet, values: Record) -> Answer:
    asked = {name: values[name] for name in (*rules.fields, *rules.kept_facts)}
    result = rules.evaluate(asked | _findings(rules, values))
    return Answer(
        frozenset(
            f"{p.field}.{p.code.rsplit('.', 1)[1]}" if "-" in p.field else p.code
            for p in result.problems
        ),
        frozenset(result.shown),
    )
