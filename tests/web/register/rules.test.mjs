import assert from "node:assert/strict";
import { test } from "node:test";

import { evaluate, forbidding, idCheckCharacter, isMissing, isValid, refused } from "../../../app/web/static/form/rules.js";
import { suggest } from "../../../app/web/static/form/suggest.js";

const rules = {
  order: ["died", "living", "grade", "hazards", "area", "surveyed_on", "appraised_on", "photos",
    "id_number"],
  fields: {
    died: { required: ["true"] },
    living: { shown: ["is", "died", "no"], required: ["true"] },
    grade: { shown: ["is", "living", "own"], required: ["true"] },
    hazards: { shown: ["in", "grade", ["C", "D"]], required: ["true"] },
    area: {
      number: true, shown: ["true"],
      checks: [{ code: "area", when: ["gt", ["field", "area"], ["const", 9]], message: "too large" }],
    },
    surveyed_on: {},
    appraised_on: {
      checks: [
        { code: "late", when: ["gt", ["field", "appraised_on"], ["field", "surveyed_on"]], message: "late" },
        {
          code: "old", message: "old",
          when: ["lt", ["plus", ["year", ["field", "appraised_on"]], ["const", 3]], ["year", ["field", "surveyed_on"]]],
        },
      ],
    },
    photos: {
      shown: ["in", "grade", ["C", "D"]],
      checks: [{ code: "few", when: ["lt", ["count", "photos"], ["const", 1]], message: "few" }],
    },
    id_number: {
      checks: [{
        code: "id", message: "id",
        when: ["and", ["given", "id_number"], ["not", ["valid", "id_number", "id_number"]]],
      }],
    },
  },
};

const codes = (answer) => answer.errors.map((error) => error.code);

test("a hidden field counts as missing for the fields that hang on it", () => {
  const house = { died: "no", living: "own", grade: "C", hazards: [] };
  assert.equal(evaluate(rules, house).hazards.missing, true);
  const dead = evaluate(rules, { ...house, died: "yes" });
  assert.equal(dead.living.shown, false);
  assert.equal(dead.grade.shown, false);
  assert.equal(dead.hazards.shown, false);
  assert.equal(dead.hazards.missing, false);
});

test("a test on a missing value is false and not is its plain complement", () => {
  const ask = (when) => evaluate(
    { order: ["a"], fields: { a: { checks: [{ code: "x", when, message: "" }] } } },
    { a: "  " },
  ).a.errors.length === 1;
  assert.equal(ask(["is", "a", ""]), false);
  assert.equal(ask(["not", ["is", "a", "b"]]), true);
  assert.equal(ask(["lt", ["field", "a"], ["const", 3]]), false);
  assert.equal(ask(["not", ["lt", ["field", "a"], ["const", 3]]]), true);
  assert.equal(ask(["given", "a"]), false);
  assert.equal(ask(["valid", "phone", "a"]), false);
  assert.equal(ask(["or", ["false"], ["true"]]), true);
});

test("decimals compare as numbers, dates as dates, years with an offset", () => {
  assert.deepEqual(codes(evaluate(rules, { area: "10.0" }).area), ["area"]);
  assert.deepEqual(codes(evaluate(rules, { area: "9.00" }).area), []);
  const dates = { surveyed_on: "2024-10-01", appraised_on: "2024-10-02" };
  assert.deepEqual(codes(evaluate(rules, dates).appraised_on), ["late"]);
  assert.deepEqual(codes(evaluate(rules, { ...dates, appraised_on: "2020-12-31" }).appraised_on), ["old"]);
  assert.deepEqual(codes(evaluate(rules, { appraised_on: "2020-12-31" }).appraised_on), []);
});

test("counts are numbers, checks of a hidden field are silent", () => {
  const own = { died: "no", living: "own" };
  assert.deepEqual(codes(evaluate(rules, { ...own, grade: "D" }).photos), ["few"]);
  assert.deepEqual(codes(evaluate(rules, { ...own, grade: "A" }).photos), []);
});

test("multi-choice has", () => {
  const many = {
    order: ["kinds", "other"],
    fields: { kinds: {}, other: { shown: ["has", "kinds", "other"] } },
  };
  assert.equal(evaluate(many, { kinds: ["flood", "other"] }).other.shown, true);
  assert.equal(evaluate(many, { kinds: ["flood"] }).other.shown, false);
});

test("each row of children has its own answer", () => {
  const owners = {
    order: ["owners"],
    fields: {
      owners: { child: { order: ["name"], fields: { name: { required: true } } } },
    },
  };
  const [first, second] = evaluate(owners, { owners: [{ name: "王" }, { name: "" }] }).owners.rows;
  assert.equal(first.name.missing, false);
  assert.equal(second.name.missing, true);
});

test("ID numbers: check character, real birth date, not in the future", () => {
  const body = "61012219800229";
  const withMark = (digits) => digits + idCheckCharacter(digits);
  assert.equal(isValid("id_number", withMark(`${body}002`)), true);
  assert.equal(isValid("id_number", withMark("61012219810229002")), false);
  assert.equal(isValid("id_number", withMark("61012220990101002"), "2026-01-01"), false);
  assert.equal(isValid("id_number", `${body}002${idCheckCharacter(`${body}002`) === "X" ? "1" : "X"}`), false);
});

test("phones and unified social credit codes", () => {
  for (const good of ["15709123338", "029-84812345", "02984812345"]) assert.ok(isValid("phone", good));
  for (const bad of ["12345", "25709123338", "1570912333", "157 0912 3338"]) assert.ok(!isValid("phone", bad));
  assert.ok(isValid("uscc", "91350100M000100Y43"));
  assert.ok(!isValid("uscc", "91350100M000100Y44"));
  assert.ok(!isValid("uscc", "91350100M000100I43"));
});

test("what is missing", () => {
  for (const value of [null, undefined, "", " ", []]) assert.ok(isMissing(value));
  for (const value of [0, false, "0", ["a"]]) assert.ok(!isMissing(value));
});

test("an unknown operator is an error, never a silent answer", () => {
  const odd = { order: ["a"], fields: { a: { shown: ["maybe", "a"] } } };
  assert.throws(() => evaluate(odd, {}), /unknown test/);
});

test("choices that the field's own checks refuse are not offered, the chosen one stays", () => {
  const when = (...parts) => ["and", ...parts];
  const ways = {
    order: ["kind", "way"],
    fields: {
      kind: {},
      way: {
        checks: [
          { code: "only", when: when(["is", "way", "strengthen"], ["not", ["is", "kind", "retrofit"]]), message: "" },
          { code: "odd", when: ["is", "way", "other"], message: "", severity: "questionable" },
        ],
      },
    },
  };
  const codes = ["repair", "strengthen", "other"];
  assert.deepEqual(refused(ways, "way", codes, {}), ["strengthen"]);
  assert.deepEqual(refused(ways, "way", codes, { kind: "retrofit" }), []);
  assert.deepEqual(refused(ways, "way", codes, { way: "strengthen" }), []);
  assert.deepEqual(refused(ways, "kind", ["renovation"], {}), []);
});

test("what forbids is what the register says", () => {
  const found = [{ severity: "incomplete" }, { severity: "error" }, { severity: "questionable" }];
  assert.deepEqual(forbidding({}, found), found.slice(0, 2));
  assert.deepEqual(forbidding({}, found, "saving"), found.slice(1, 2));
  assert.deepEqual(forbidding({ saving: [], submitting: ["error"] }, found), found.slice(1, 2));
  assert.deepEqual(forbidding({ saving: [], submitting: ["error"] }, found, "saving"), []);
  const lenient = { order: ["a"], saving: [], fields: { a: { checks: [{ code: "odd", when: ["given", "a"], message: "" }] } } };
  assert.deepEqual(refused(lenient, "a", ["x"], {}), []);
  assert.deepEqual(evaluate(lenient, { a: "x" }).a.errors, [{ code: "odd", message: "", severity: "error" }]);
});

test("a suggested sum is of what is given, and missing where nothing is", () => {
  const money = {
    order: ["whole", "one", "other"],
    fields: {
      whole: { suggests: ["total", ["field", "one"], ["field", "other"]] },
      one: { number: true },
      other: { number: true, shown: ["is", "one", "1"] },
    },
  };
  const sum = (values) => evaluate(money, values).whole.suggested;
  assert.equal(sum({ one: "1", other: "2.50" }), "3.50");
  assert.equal(sum({ one: "20000.10", other: "2.50" }), "20000.10");
  assert.equal(sum({ whole: "7" }), null);
});

/** A field of a form as far as `suggest` looks at it: one input of text. */
function field(value = "") {
  const input = Object.assign(new EventTarget(), { type: "text", value, closest: () => null });
  return { dataset: { kind: "money" }, input, querySelectorAll: () => [input], contains: () => false };
}

test("a sum is put in and follows until somebody types", () => {
  globalThis.document = { activeElement: null };
  const empty = field();
  suggest(empty, "30.00", false);
  assert.equal(empty.input.value, "", "a form that was only opened says what it said");
  for (const sum of ["30.00", "50.00"]) {
    suggest(empty, sum, true);
    assert.equal(empty.input.value, sum);
  }
  empty.input.value = "45";
  suggest(empty, "60.00", true);
  assert.equal(empty.input.value, "45");
  empty.input.value = "";
  suggest(empty, "70.00", true);
  assert.equal(empty.input.value, "", "who empties it wants it empty");
});

test("what was saved follows the sum if it is the sum", () => {
  globalThis.document = { activeElement: null };
  for (const [saved, after] of [["30", "40.00"], ["31", "31"]]) {
    const known = field(saved);
    suggest(known, "30.00", false);
    suggest(known, "40.00", true);
    assert.equal(known.input.value, after);
  }
});
