/** A long <select> becomes a list with search; the select stays and carries the value. */
import { combobox } from "./combobox.js";
import { say } from "./words.js";

const SHOWN = 200;

function attach(select) {
  const box = document.createElement("div");
  box.className = "picker";
  const input = document.createElement("input");
  input.type = "text";
  input.className = "form-control picker-input";
  input.id = `${select.id}-text`;
  input.autocomplete = "off";
  input.setAttribute("role", "combobox");
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-expanded", "false");
  input.setAttribute("aria-controls", `${select.id}-list`);
  for (const name of ["aria-describedby", "aria-invalid", "aria-required"]) {
    if (select.hasAttribute(name)) input.setAttribute(name, select.getAttribute(name));
  }
  const text = () => (select.value ? select.selectedOptions[0].textContent.trim() : "");
  input.value = text();
  input.placeholder = select.dataset.placeholder ?? "";
  for (const label of select.labels) label.htmlFor = input.id;
  select.after(box);
  box.append(input);
  select.hidden = true;
  const options = [...select.options].filter((option) => option.value)
    .map((option) => ({ option, id: option.value, text: option.textContent.trim(), keys: option.dataset.keys ?? "" }));
  function set(value) {
    select.value = value;
    input.value = text();
    select.dispatchEvent(new Event("change", { bubbles: true }));
  }
  combobox(input, {
    chosen: () => select.value,
    offer: async (query) => {
      const wanted = query.toLowerCase();
      const fits = ({ text: said, keys }) => said.toLowerCase().includes(wanted) || keys.startsWith(wanted);
      const found = options.filter((one) => !one.option.hidden && fits(one));
      return { groups: [{ options: found.slice(0, SHOWN) }], note: found.length > SHOWN ? say("type_more") : "" };
    },
    pick: (option) => set(option.id),
    restore: (typed) => { if (!typed && select.value && input.dataset.typed === "yes") set(""); else input.value = text(); },
  });
  select.addEventListener("anju:set", () => { input.value = text(); });
}

export function attachOptionLists(root) {
  for (const select of root.querySelectorAll("select[data-search]:not([data-ready])")) {
    select.dataset.ready = "yes";
    attach(select);
  }
}
