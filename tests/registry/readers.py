"""The three readers of a rule set asked about the same stored records, and records to ask about."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from app.core.clock import now, today, uuid7
from app.registry import field as f
from app.registry import lists
from app.registry.attachments import Attachment
from app.registry.expressions import to_json
from app.registry.field import Field
from app.registry.reading import columns_of, values_of
from app.registry.rules import RuleSet
from tests.builders import id_number

RULES_JS = Path(__file__).parents[2] / "app/web/static/js/rules.js"
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


def value_of(made: Field) -> st.SearchStrategy[Any]:
    """Values of one field as a record may hold them, those that rules name more often."""
    kind = made.kind
    if kind in (f.TEXT, f.TEXTAREA):
        return st.sampled_from([t[: made.length] for t in _TEXTS])
    if kind == f.INTEGER:
        return st.sampled_from([0, 1, 2, 5, 30, 31, -1])
    if kind in (f.DECIMAL, f.MONEY):
        return st.sampled_from([Decimal(n) for n in ("0", "0.99", "1", "1.5", "5", "9999.01")])
    if kind == f.YEAR:
        return st.integers(2020, 2026)
    if kind == f.DATE:
        near = st.sampled_from([today() + dt.timedelta(days=n) for n in (-1, 0, 1)])
        return st.sampled_from(_DAYS) | near | st.dates(dt.date(2019, 1, 1), dt.date(2027, 1, 1))
    if kind == f.YES_NO:
        return st.booleans()
    if kind == f.CHOICE:
        return st.sampled_from(_codes(made))
    if kind == f.MANY:
        some = st.lists(st.sampled_from(_codes(made)), unique=True, min_size=1, max_size=4)
        return some.map(lambda codes: tuple(str(code) for code in codes))
    if kind == f.ID_NUMBER:
        wrong = ["61012219700101001X", "610122190001010011", "1", "残疾"]
        return st.sampled_from([id_number(1), id_number(2), *wrong])
    if kind == f.PHONE:
        return st.sampled_from(["13909180000", "029-86964499", "12345678901", "无"])
    if kind == f.USCC:
        return st.sampled_from(["91350100M000100Y43", "91350100M000100Y44", "I"])
    if kind == f.ACCOUNT:
        return st.sampled_from(["6217000010001234567", "1234567", "甲"])
    if kind == f.CHILDREN:
        row = st.fixed_dictionaries({r.name: st.none() | _json_value(r) for r in made.rows})
        return st.lists(row, max_size=3)
    if kind == f.REGION:
        return st.integers(1, 4)
    return st.integers(0, 4)  # files


def _codes(made: Field) -> list[Any]:
    if made.choices:
        return list(made.choices)
    return [f"{n:02}" for n in range(1, len(lists.DEFAULTS[made.list_name or ""]) + 1)]


def _json_value(made: Field) -> st.SearchStrategy[Any]:
    return value_of(made).map(lambda value: str(value) if made.kind == f.CHOICE else value)


def records(fields: dict[str, Field], mostly: dict[str, Any]) -> st.SearchStrategy[Record]:
    """Any mixture of given and missing values. A hidden field keeps what it has: nothing is
    cleared here. ``mostly`` names values without which little of the form would show.
    """
    parts = {}
    for name, made in fields.items():
        if made.computed:
            parts[name] = st.none()
            continue
        some = value_of(made)
        parts[name] = st.one_of(some, some, st.none())
        if name in mostly:
            parts[name] = st.one_of(*[st.just(mostly[name])] * 4, parts[name])
    return st.fixed_dictionaries(parts)


# ---- the readers ---------------------------------------------------------------------------


def ask_javascript(rules: RuleSet, rows: Sequence[Record]) -> list[Answer]:
    """One run of node for all the records, given as the browser's form holds them."""
    run = subprocess.run(
        ["node", "--input-type=module", "-e", _NODE % json.dumps(RULES_JS.as_uri())],
        input=json.dumps(
            {
                "rules": rules.js(),
                "records": [
                    {name: _in_browser(rules.fields[name], value) for name, value in row.items()}
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


def _in_browser(made: Field, value: Any) -> Any:
    return [f"file {n}" for n in range(value or 0)] if made.kind == f.FILES else to_json(value)


def ask_stored(
    session: Session,
    model: Any,
    register: str,
    rules: RuleSet,
    rows: Sequence[Record],
    **extra: Any,
) -> list[tuple[Answer, Answer]]:
    """Store the records as they are; what Python says of them as read back, and what SQL says.

    Nothing is committed. ``extra`` gives the columns that are no fields.
    """
    keys = [uuid7() for _ in rows]
    rows = [row | _computed(rules, row) for row in rows]
    place = {n: extra.get(n, 1) for n in ("region_id", "path", "county_id", "province_id")}
    files = [
        {"id": uuid7(), "register": register, "record_id": key, "field": name, "position": n,
         "name": "f", "mime": "image/jpeg", "size": 1, "key": uuid7().hex, "sha256": "0" * 64,
         "added_by": key, "added_at": now(), **place}
        for key, row in zip(keys, rows, strict=True)
        for name, made in rules.fields.items() if made.kind == f.FILES
        for n in range(row[name] or 0)
    ]  # fmt: skip
    stored = [
        {n: v for n, v in row.items() if rules.fields[n].stored} | extra | _unique(model, key)
        for key, row in zip(keys, rows, strict=True)
    ]
    connection = session.connection()
    connection.execute(insert(model.__table__), stored)
    if files:
        connection.execute(insert(Attachment.__table__), files)
    conditions = rules.violations(columns_of(model, register))
    query = select(model.__table__.c.id, *conditions.values())
    by_sql = {
        key: Answer(frozenset(c for c, hit in zip(conditions, hits, strict=True) if hit))
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
    return [(ask_python(rules, read_back[key]), by_sql[key]) for key in keys]


def _computed(rules: RuleSet, row: Record) -> Record:
    """What is worked out from the record, as a save keeps it."""
    files = {n: [None] * (row[n] or 0) for n, made in rules.fields.items() if made.kind == f.FILES}
    values = rules.evaluate(row | files).values
    return {name: values[name] for name, made in rules.fields.items() if made.computed}


def _unique(model: Any, key: Any) -> dict[str, Any]:
    return {"id": key} | ({"household_id": key} if "household_id" in model.__table__.c else {})


def ask_python(rules: RuleSet, values: Record) -> Answer:
    result = rules.evaluate({name: values[name] for name in rules.fields})
    return Answer(
        frozenset(
            f"{p.field}.{p.code.rsplit('.', 1)[1]}" if "-" in p.field else p.code
            for p in result.problems
        ),
        frozenset(result.shown),
    )
