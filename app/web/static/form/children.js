/** Repeatable rows (owners, users, split heads): add, remove, fill in from what is known. */
import { attachOptionLists } from "../frame/options.js";

let made = 0;

function attach(box, changed) {
  const rows = box.querySelector(".child-rows");
  const template = box.querySelector("template");
  const add = box.querySelector("[data-child-add]");
  if (!template) return;
  const max = Number(box.dataset.max);
  const update = () => {
    const kept = [...rows.children];
    add.disabled = kept.length >= max;
    kept.forEach((row, index) => row.setAttribute("aria-label", `${box.closest("[data-label]").dataset.label} ${index + 1}`));
  };
  function append(values = {}) {
    made += 1;
    const holder = document.createElement("div");
    holder.innerHTML = template.innerHTML.replaceAll("__i__", `n${made}`);
    const row = holder.firstElementChild;
    for (const field of row.querySelectorAll("[data-child-field]")) {
      const value = values[field.dataset.childField];
      if (value === undefined || value === null) continue;
      const inputs = [...field.querySelectorAll("[data-input]")];
      if (Array.isArray(value)) for (const input of inputs) input.checked = value.includes(input.value);
      else inputs[0].value = value;
    }
    rows.append(row);
    attachOptionLists(row);
    update();
    changed();
    return row;
  }
  add.addEventListener("click", () => append().querySelector("input, select")?.focus());
  box.addEventListener("click", (event) => {
    const filler = event.target.closest("[data-child-fill]");
    if (filler) {
      const empty = [...rows.children].find((row) => [...row.querySelectorAll("[data-input]")].every((input) => (input.type === "checkbox" ? !input.checked : !input.value)));
      empty?.remove();
      if (rows.children.length < max) append(JSON.parse(filler.dataset.childFill));
    }
    const remove = event.target.closest("[data-child-remove]");
    if (remove) {
      remove.closest("[data-child]").remove();
      update();
      changed();
      add.focus();
    }
  });
  /** A shown field of rows starts with one empty row, so that one types at once. */
  box.addEventListener("anju:shown", () => { if (!rows.children.length && "start" in box.dataset) append(); });
  /** The rows that someone else saved, chosen in a conflict. */
  box.addEventListener("anju:rows", (event) => {
    rows.replaceChildren();
    for (const values of event.detail ?? []) append(values);
    changed();
  });
  update();
}

/** Before sending: rows numbered 0, 1, 2 … without gaps, as the server reads them. */
export function numberRows(root) {
  for (const box of root.querySelectorAll("[data-children]")) {
    [...box.querySelectorAll("[data-child]")].forEach((row, index) => {
      for (const input of row.querySelectorAll("[data-input]")) {
        const sub = input.closest("[data-child-field]").dataset.childField;
        input.name = `${box.dataset.name}-${index}-${sub}`;
      }
    });
  }
}

export function attachChildren(root, changed) {
  for (const box of root.querySelectorAll("[data-children]")) attach(box, changed);
}
