/**
 * The browser's reader of a register's rules. The server hands the rules over as data; this module
 * only evaluates them, and knows nothing of the page. The Python and SQL readers must agree with it.
 *
 * rules:  {order: [name…], saving?, submitting?: [severities that forbid it], fields: {name: {number?: it compares
 *          as one, shown, required, label, requiredSeverity?: how grave it is to leave it out,
 *          checks: [{code, when, message, severity?, source?, remedy?}], child?: rules of one row,
 *          computed?: a term or test that gives the value, near?: the day whose year and the next are offered,
 *          called?: [[when, label]…]: the first that holds takes the label's place,
 *          suggests?: a term that is put in until somebody types,
 *          belongs?: where it is asked; elsewhere it is shown with a value alone}}}
 * values: {name: null | string | number | boolean | list of codes | list of row objects}
 * Dates are ISO strings, yes_no is "yes" or "no"; numbers may be strings of digits, as in a form.
 *
 * A test on a missing value is false, `not` is the plain complement, and a field whose `shown`
 * is false counts as missing for every field after it in `order`.
 */

import { accountValid, idNumberValid, phoneValid, usccValid } from "./formats.js";

export { idCheckCharacter } from "./formats.js";

const USUAL = { saving: ["error"], submitting: ["incomplete", "error"] };
const UNOFFERED = "unoffered";  // the rule that a choice is not offered
const TERMS = new Set(["total", "days"]);
const DAY = 24 * 60 * 60 * 1000;
const DIGITS = /^-?\d+(\.\d+)?$/;

export function isMissing(value) {
  if (value === null || value === undefined) return true;
  if (typeof value === "string") return value.trim() === "";
  return Array.isArray(value) && value.length === 0;
}

function toNumber(value) {
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  const text = String(value).trim();
  return DIGITS.test(text) ? Number(text) : null;
}

export function isValid(kind, value, today = null) {
  if (isMissing(value)) return false;
  const text = String(value);
  if (kind === "id_number") return idNumberValid(text, today);
  if (kind === "phone") return phoneValid(text);
  if (kind === "account") return accountValid(text);
  if (kind === "uscc") return usccValid(text);
  throw new Error(`unknown validity: ${kind}`);
}

/** Answers one expression for the values that count (`get` gives null for a missing or hidden one). */
class Reader {
  constructor(fields, get, today) {
    this.fields = fields;
    this.get = get;
    this.today = today;
  }

  same(name, value, wanted) {
    if (this.fields[name]?.number) {
      const [a, b] = [toNumber(value), toNumber(wanted)];
      return a !== null && a === b;
    }
    return value === wanted;
  }

  term(term) {
    const [op, a, b] = term;
    if (op === "const") return a;
    if (op === "count") {
      const value = this.get(a);
      return Array.isArray(value) ? value.length : 0;
    }
    if (op === "field") {
      const value = this.get(a);
      if (isMissing(value)) return null;
      return this.fields[a]?.number ? toNumber(value) : value;
    }
    if (op === "rows") return this.total((this.get(a) ?? []).map((row) => row[b]));
    if (op === "days") return this.days(this.term(a), this.term(b));
    if (op === "total") return this.total(term.slice(1).map((part) => this.term(part)));
    if (op === "fact") return this.get(a) ?? b;
    const inner = this.term(a);
    if (inner === null) return null;
    if (op === "year") return /^\d{4}-/.test(String(inner)) ? Number(String(inner).slice(0, 4)) : null;
    if (op === "plus") {
      const [number, more] = [toNumber(inner), toNumber(this.term(b))];
      return number === null || more === null ? null : number + more;
    }
    if (op === "times") {
      const [number, by] = [toNumber(inner), toNumber(this.term(b))];
      return number === null || by === null ? null : number * by;
    }
    throw new Error(`unknown term: ${op}`);
  }

  /** The sum of amounts with two places, null where none is given. */
  total(values) {
    const given = values.map((value) => (isMissing(value) ? null : toNumber(value))).filter((value) => value !== null);
    return given.length ? given.reduce((sum, value) => sum + Math.round(value * 100), 0) / 100 : null;
  }

  days(start, end) {
    const [from, to] = [Date.parse(start), Date.parse(end)];
    return Number.isNaN(from) || Number.isNaN(to) ? null : Math.round((to - from) / DAY);
  }

  /** A computed field's value, as the form holds values: text, or null. */
  computed(formula) {
    if (!TERMS.has(formula[0])) return this.test(formula) ? "yes" : "no";
    const value = this.term(formula);
    if (value === null) return null;
    return formula[0] === "total" ? value.toFixed(2) : String(value);
  }

  compare(op, left, right) {
    let [a, b] = [this.term(left), this.term(right)];
    if (a === null || b === null) return false;
    if (typeof a === "number" || typeof b === "number") {
      [a, b] = [toNumber(a), toNumber(b)];
      if (a === null || b === null) return false;
    }
    if (op === "lt") return a < b;
    if (op === "le") return a <= b;
    if (op === "gt") return a > b;
    if (op === "ge") return a >= b;
    return a === b;
  }

  test(expression) {
    const [op, ...rest] = expression;
    switch (op) {
      case "true": return true;
      case "false": return false;
      case "and": return rest.every((part) => this.test(part));
      case "or": return rest.some((part) => this.test(part));
      case "not": return !this.test(rest[0]);
      case "given": return !isMissing(this.get(rest[0]));
      case "valid": return isValid(rest[0], this.get(rest[1]), this.today);
      case "lt": case "le": case "gt": case "ge": case "eq":
        return this.compare(op, rest[0], rest[1]);
      case "is": case "in": case "has": {
        const [name, wanted] = rest;
        const value = this.get(name);
        if (isMissing(value)) return false;
        if (op === "is") return this.same(name, value, wanted);
        if (op === "in") return wanted.some((one) => this.same(name, value, one));
        return Array.isArray(value) && value.includes(wanted);
      }
      default: throw new Error(`unknown test: ${op}`);
    }
  }
}

function truth(reader, expression, otherwise) {
  if (expression === undefined || expression === null) return otherwise;
  return typeof expression === "boolean" ? expression : reader.test(expression);
}

/**
 * @returns {{name: {shown, required, missing, errors: [{code, message, severity, source?, remedy?}], rows?: […], value?: computed, suggested?, label?}}}
 *   `missing`: shown, required and without a value. `today` (ISO) bounds birth dates.
 */
export function evaluate(rules, values, { today = null } = {}) {
  const seen = {};
  const reader = new Reader(rules.fields, (name) => {
    const value = name in rules.fields ? seen[name] : values[name];  // a fact that stands in no form
    return isMissing(value) ? null : value;
  }, today);
  const result = {};
  for (const name of rules.order) {
    const field = rules.fields[name];
    const asked = truth(reader, field.belongs, true) || !isMissing(values[name]);
    const shown = truth(reader, field.shown, true) && asked;
    const given = shown && field.computed ? reader.computed(field.computed) : values[name];
    const value = shown && !isMissing(given) ? given : null;
    seen[name] = value;
    result[name] = { shown, required: false, missing: false, errors: [] };
    if (field.computed) result[name].value = value;
  }
  for (const name of rules.order) {
    const field = rules.fields[name];
    const answer = result[name];
    if (!answer.shown) continue;
    if (field.suggests) answer.suggested = reader.computed(field.suggests);
    answer.required = truth(reader, field.required, false);
    if (field.called) answer.label = (field.called.find(([when]) => reader.test(when)) ?? [null, field.label])[1];
    answer.missing = answer.required && isMissing(seen[name]);
    answer.errors = (field.checks ?? [])
      .filter((check) => reader.test(check.when))
      .map(({ when: _when, ...check }) => ({ severity: "error", ...check }));
    if (field.child && Array.isArray(seen[name])) {
      answer.rows = seen[name].map((row) => evaluate(field.child, row, { today }));
    }
  }
  return result;
}

/** What forbids to submit (or to save) among findings: [{severity}]. */
export const forbidding = (rules, found, what = "submitting") =>
  found.filter(({ severity = "error" }) => (rules[what] ?? USUAL[what]).includes(severity));

/** Of these codes of a field those that are not offered while the form stands as it does, or with which nothing is
 *  saved. What is chosen already stays, with its message. */
export function refused(rules, name, codes, values, options = {}) {
  const away = (errors) =>
    forbidding(rules, errors, "saving").length > 0 || errors.some(({ code }) => code === UNOFFERED);
  const asked = (rules.fields[name]?.checks ?? []).map((check) => ({ severity: "error", ...check }));
  const wrong = (code) => away(evaluate(rules, { ...values, [name]: code }, options)[name].errors);
  return away(asked) ? codes.filter((code) => code !== values[name] && wrong(code)) : [];
}
