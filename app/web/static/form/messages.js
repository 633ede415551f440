/** What is wrong with one value, in words; of fields and of the fields of a row alike. */
import { idCheckCharacter } from "./rules.js";
import { say } from "../frame/words.js";

const TO_CHOOSE = { files: "upload_needed", yes_no: "choose", choice: "choose", many: "choose", region: "choose" };

/** Wrong by its kind alone, which the rules leave to whoever reads the text. */
function kindError(kind, value, label) {
  if (typeof value !== "string") return null;
  if ((kind === "integer" || kind === "year") && !/^-?\d+$/.test(value)) return say("not_integer", { label });
  if ((kind === "decimal" || kind === "money") && !/^-?\d+(\.\d+)?$/.test(value)) return say("not_number", { label });
  if ((kind === "decimal" || kind === "money") && /\.\d{3,}$/.test(value)) return say("too_many_decimals", { label, n: 2 });
  if (kind === "date" && !/^\d{4}-\d{2}-\d{2}$/.test(value)) return say("not_date");
  return null;
}

/** Says more than "not valid" of an ID number: its length, or the check character it calls for. */
function better(kind, value, message) {
  if (kind !== "id_number" || typeof value !== "string") return message;
  if (value.length !== 18) return say("id_length", { n: value.length });
  if (/^\d{15}000$/.test(value) && idCheckCharacter(value) !== "0") return say("id_rounded");
  if (/^\d{17}/.test(value) && idCheckCharacter(value) !== value[17]) return say("id_check", { mark: idCheckCharacter(value) });
  return message;
}

/**
 * The messages of one value: [{message, severity, source?, remedy?}]. `found` is what the rules say of it, `rule` its rule;
 * `whole` also says that it is missing.
 */
export function messagesOf({ kind, label, value, found, rule, whole }) {
  const wrongKind = kindError(kind, value, label);
  if (wrongKind) return [{ message: wrongKind, severity: "error" }];
  if (!found?.shown) return [];
  const list = found.errors.map((error) => ({ ...error, message: better(kind, value, error.message) }));
  if (whole && found.missing) {
    list.unshift({ message: rule?.requiredMessage ?? say(TO_CHOOSE[kind] ?? "required", { label }), severity: rule?.requiredSeverity ?? "incomplete" });
  }
  return list;
}

/** A line of its own for each: the message, how it is mended, and which norm asks for it. */
function told({ message, remedy, source, severity }) {
  const line = document.createElement("span");
  line.className = severity === "questionable" ? "told is-warning" : "told";
  line.textContent = [message, remedy, source && say("source", { source })].filter(Boolean).join(" ");
  return line;
}

/** Puts messages into an element's line, and marks its inputs. `inner`: of the element, what is not its own. */
export function showIn(element, list, inner = null) {
  const own = (found) => !inner || !found.closest(inner);
  const line = [...element.querySelectorAll("[data-errors]")].find(own);
  const wrong = list.some((item) => item.severity !== "questionable");
  if (line) {
    line.replaceChildren(...list.map(told));
    line.hidden = list.length === 0;
  }
  element.classList.toggle("has-error", wrong);
  for (const input of [...element.querySelectorAll("[data-input], .picker-input, select")].filter(own)) {
    input.classList.toggle("is-invalid", wrong);
    if (wrong) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  }
}
