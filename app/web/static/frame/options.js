/** A long <select> becomes a list with search; the select stays and carries the value. One whose options are
 *  only the first of many says with data-search-url where the others are asked for. */
import { combobox } from "./combobox.js";
import { send } from "./http.js";
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
  async function remote(query) {
    const { ok, data } = await send(`${select.dataset.searchUrl}?q=${encodeURIComponent(query)}`);
    return { groups: [{ options: ok ? data.items : [] }], note: ok && data.more ? say("type_more") : "" };
  }
  /** What was found elsewhere becomes an option, so that the select can carry it. */
  function hold({ id, text: said }) {
    if (![...select.options].some((option) => option.value === id)) select.add(new Option(said, id));
  }
  combobox(input, {
    chosen: () => select.value,
    offer: async (query) => {
      if (select.dataset.searchUrl) return remote(query);
      const wanted = query.toLowerCase();
      const fits = ({ text: said, keys }) => said.toLowerCase().includes(wanted) || keys.startsWith(wanted);
      const found = options.filter((one) => !one.option.hidden && fits(one));
      return { groups: [{ options: found.slice(0, SHOWN) }], note: found.length > SHOWN ? say("type_more") : "" };
    },
    pick: (option) => { hold(option); set(option.id); },
    restore: (typed) => { if (!typed && select.value && input.dataset.typed === "yes") set(""); else input.value = text(); },
  });
  select.addEventListener("anju:set", () => { input.value = text(); });
}

/** `which`: a selector, for only some of them. */
export function attachOptionLists(root, which = "[data-search]") {
  for (const select of root.querySelectorAll(`select${which}:not([data-ready])`)) {
    select.dataset.ready = "yes";
    attach(select);
  }
}
