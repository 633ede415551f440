/** The rules of the rows of a field: said at the inputs of each row, and in the list above the form. */
import { messagesOf, showIn } from "./messages.js";
import { forbidding } from "./rules.js";
import { filledRows } from "../frame/values.js";
import { say } from "../frame/words.js";

/** [{element, label, list}] of each field of each row that says something; `found` as rules.js gives it. */
function* fieldsOf(element, found, rule, whole) {
  for (const [n, { element: row, values }] of filledRows(element).entries()) {
    for (const field of row.querySelectorAll("[data-child-field]")) {
      const { childField: name, kind, label } = field.dataset;
      const list = messagesOf({ kind, label, value: values[name], found: found?.[n]?.[name], rule: rule.child.fields[name], whole });
      yield { element: field, label: say("row_label", { label: element.dataset.label, n: n + 1, inner: label }), list };
    }
  }
}

/** Shows them; gives those that forbid to submit: [{name, label, message}]. */
export function showRows(name, element, found, rule, whole) {
  for (const field of element.querySelectorAll("[data-child-field]")) showIn(field, []);
  const wrong = [];
  for (const { element: field, label, list } of fieldsOf(element, found, rule, whole)) {
    showIn(field, list);
    for (const { message } of forbidding(rule.child, list)) wrong.push({ name, label, message });
  }
  return wrong;
}
