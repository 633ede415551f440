/** The button beside an earlier result: takes what was known before into its field, after asking where something else was typed. */
import { confirmed } from "../frame/shell.js";
import { readField, sameValue, writeField } from "../frame/values.js";
import { say } from "../frame/words.js";

/** What a field holds as people read it: the words of what is chosen, else what was typed. */
export function fieldText(element) {
  const chosen = [...element.querySelectorAll("[data-input]:checked + span")].map((label) => label.textContent);
  const list = element.querySelector("select[data-input]");
  if (list?.value) chosen.push(list.selectedOptions[0].textContent.trim());
  if (chosen.length) return chosen.join(" / ");
  const value = readField(element);
  return Array.isArray(value) ? value.join(" / ") : (value ?? "");
}

async function adopt(button) {
  const element = button.closest("[data-field]");
  const value = JSON.parse(button.dataset.adopt);
  const typed = readField(element);
  const empty = typed === null || (Array.isArray(typed) && typed.length === 0);
  if (!empty && !sameValue(typed, value)) {
    const question = say("adopt_over", {
      label: element.dataset.label, typed: fieldText(element), text: button.dataset.adoptText,
    });
    if (!(await confirmed(question))) return;
  }
  writeField(element, value);
  for (const other of element.querySelectorAll("[data-adopt]")) other.textContent = say("adopt");
  button.textContent = say("adopted");
  button.focus();
}

export function attachPriors(form) {
  form.addEventListener("click", (event) => {
    const button = event.target.closest("[data-adopt]");
    if (button) adopt(button);
  });
}
