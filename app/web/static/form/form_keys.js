/**
 * A form by keyboard: Enter goes on to the next input, 1 to 9 choose among buttons, Ctrl+S saves,
 * Ctrl+Enter saves and submits. Enter never sends the form by itself.
 */
const INPUTS = "input:not([type=hidden]):not([type=file]):not([disabled]), select:not([disabled]), textarea";

const group = (input) => (input.type === "radio" || input.type === "checkbox" ? `${input.type} ${input.name}` : input);

/** The inputs that can be seen, one for each group of buttons: the chosen one, else the first. */
function stops(form) {
  const found = new Map();
  for (const input of form.querySelectorAll(INPUTS)) {
    if (input.offsetParent === null && input.getClientRects().length === 0) continue;
    const key = group(input);
    if (!found.has(key) || input.checked) found.set(key, input);
  }
  return found;
}

function goOn(form, from) {
  const all = stops(form);
  const keys = [...all.keys()];
  const next = all.get(keys[keys.indexOf(group(from)) + 1]) ?? form.querySelector("[name=intent][data-complete], [name=intent]");
  next.focus({ preventScroll: true });
  (next.closest("[data-field]") ?? next).scrollIntoView({ block: "nearest" });
}

function pick(input, number) {
  const choice = input.closest(".picks")?.querySelectorAll(`input[type=${input.type}]`)[number - 1];
  if (!choice) return false;
  choice.focus();
  choice.click();
  return true;
}

export function attachKeys(form) {
  form.addEventListener("keydown", (event) => {
    const { target, key } = event;
    if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!target.matches(INPUTS)) return;
    const button = target.type === "radio" || target.type === "checkbox";
    if (key === "Enter" && !target.matches("textarea")) {
      event.preventDefault();
      goOn(form, target);
    } else if (button && /^[1-9]$/.test(key) && pick(target, Number(key))) event.preventDefault();
  });
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || document.querySelector("dialog[open]")) return;
    const save = event.key.toLowerCase() === "s";
    if (!save && event.key !== "Enter") return;
    event.preventDefault();
    const button = form.querySelector(save ? "[name=intent]:not([data-complete])" : "[name=intent][data-complete]");
    if (button) form.requestSubmit(button);
  });
}
