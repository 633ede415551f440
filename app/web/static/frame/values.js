/** Reads and writes the fields of a record's form as the rules see them (see rules.js). */

function inputsOf(element) {
  return [...element.querySelectorAll("[data-input], [data-picker-value]")]
    .filter((input) => !input.closest("template"));
}

function one(input) {
  const text = input.value.trim();
  return text === "" ? null : text;
}

/** The rows that say something: [{element, values}]. */
export function filledRows(element) {
  return [...element.querySelectorAll("[data-child]")].map((child) => {
    const row = {};
    for (const field of child.querySelectorAll("[data-child-field]")) {
      const inputs = inputsOf(field);
      const chosen = inputs.filter((input) => input.checked).map((input) => input.value);
      row[field.dataset.childField] = inputs[0].type === "checkbox" ? (chosen.length ? chosen : null) : one(inputs[0]);
    }
    return { element: child, values: row };
  }).filter(({ values }) => Object.values(values).some((value) => value !== null));
}

/** The value of a field's element: text, list of codes, list of rows, list of file ids, or null. */
export function readField(element) {
  const { kind } = element.dataset;
  if (kind === "children") return filledRows(element).map(({ values }) => values);
  const inputs = inputsOf(element);
  if (kind === "files") return inputs.map((input) => input.value).filter(Boolean);
  if (kind === "many") return inputs.filter((input) => input.checked).map((input) => input.value);
  if (inputs[0]?.type === "radio") return inputs.find((input) => input.checked)?.value ?? null;
  return inputs[0] ? one(inputs[0]) : null;
}

export function readForm(elements) {
  const values = {};
  for (const [name, element] of elements) values[name] = readField(element);
  return values;
}

/** The same value, whether it was typed as 120 or as 120.00. */
export function sameValue(one, other) {
  if (String(one ?? "") === String(other ?? "")) return true;
  return one !== null && other !== null && one !== "" && other !== "" && Number(one) === Number(other);
}

/** Sets a plain field (not files or rows) and says so by a change event. */
export function writeField(element, value) {
  const inputs = inputsOf(element);
  const wanted = (Array.isArray(value) ? value : [value]).map((item) => (item === null || item === undefined ? "" : String(item)));
  if (inputs[0]?.type === "radio" || inputs[0]?.type === "checkbox") {
    for (const input of inputs) input.checked = wanted.includes(input.value);
  } else if (inputs[0]) {
    [inputs[0].value] = wanted;
    inputs[0].dispatchEvent(new Event("anju:set"));
  }
  inputs[0]?.dispatchEvent(new Event("change", { bubbles: true }));
}

const FULL_WIDTH = /[\uff01-\uff5e]/g;
const PLAIN = new Set(["integer", "decimal", "money", "year", "id_number", "phone", "uscc", "account", "tel"]);

const LIKE_X = /^([0-9]{17})[\u0425\u03a7\u00d7\u2715\u2716\u2573\u2169]$/;

/** What people type, as the server will read it: half-width digits, no blanks, capital X. */
export function mend(kind, text) {
  if (!PLAIN.has(kind)) return text.trim();
  const half = text.replace(FULL_WIDTH, (mark) => String.fromCharCode(mark.charCodeAt(0) - 0xfee0))
    .replace(/[\s\u3000]/g, "");
  if (kind === "account") return half.replace(/-/g, "");
  if (kind === "id_number") return half.toUpperCase().replace(LIKE_X, "$1X");
  return kind === "uscc" ? half.toUpperCase() : half;
}
