/**
 * The division picker: type a name, code or pinyin initials, or go down the levels; those chosen
 * lately come first. The server only ever offers what lies in the account's area.
 * A box with data-whole offers the whole nation instead (whole=1).
 * GET search-url?q=&until=  -> {items: [{id, name, full_name, level_label, code, has_children, far}]}
 * GET children-url?id=      -> {trail: [{id, name}], items: […]}; without id the account's own area,
 *   and with recent=1,2 also {recent: […]}
 */
import { combobox } from "./combobox.js";
import { send } from "./http.js";
import { say } from "./words.js";

// Each account has its own: another who works at this machine may have another area.
const RECENT = `anju.regions.${document.getElementById("signin-login")?.value ?? ""}`;
const KEPT = 6;

function recent() {
  try { return JSON.parse(localStorage.getItem(RECENT)) ?? []; } catch { return []; }
}

// Only keys are kept: divisions are renamed, moved and merged, the server knows what they are today.
const recentKeys = () => recent().map((one) => one.id).join(",");

function keep({ id }) {
  const others = recent().filter((one) => one.id !== id);
  localStorage.setItem(RECENT, JSON.stringify([{ id }, ...others].slice(0, KEPT)));
}

async function get(url, query) {
  const { ok, data } = await send(`${url}?${new URLSearchParams(query)}`);
  if (!ok) throw new Error(url);
  return data;
}

function attach(box) {
  const input = box.querySelector(".picker-input");
  const hidden = box.querySelector("[data-picker-value]");
  const clear = box.querySelector(".picker-clear");
  const { searchUrl, childrenUrl, until, whole } = box.dataset;
  const area = whole ? { until, whole } : { until };
  let shown = input.value;

  const asOption = (item, full) => ({
    id: item.id, text: full ? item.full_name : item.name, note: [item.level_label, item.former].filter(Boolean).join(" ← "), item,
    names: [item.name, item.full_name, item.code], far: item.far,
    down: item.has_children ? () => level(item.id) : null,
  });
  async function level(id) {
    const data = await get(childrenUrl, id === null ? { ...area, recent: recentKeys() } : { ...area, id });
    const steps = (data.trail ?? []).map((step) => ({ label: step.name, go: () => level(step.id) }));
    const lately = (data.recent ?? []).map((item) => ({ id: item.id, text: item.full_name, item }));
    return { groups: [{ options: data.items.map((item) => asOption(item, false)) }], trail: steps, lately };
  }
  async function offer(query) {
    if (query) {
      const data = await get(searchUrl, { ...area, q: query });
      return { groups: [{ options: data.items.map((item) => asOption(item, true)) }] };
    }
    const start = await level(null);
    return {
      groups: [{ heading: say("recent"), options: start.lately },
        { heading: say("all_levels"), options: start.groups[0].options }],
      trail: start.trail,
    };
  }
  function set(id, text) {
    hidden.value = id;
    input.value = text;
    shown = text;
    input.dataset.typed = "no";
    clear.hidden = !id;
    hidden.dispatchEvent(new Event("change", { bubbles: true }));
  }
  combobox(input, {
    offer,
    chosen: () => hidden.value,
    pick: (option) => { keep(option.item); set(option.id, option.item.full_name); },
    restore: (typed) => { if (!typed && shown) set("", ""); else input.value = shown; },
  });
  // A script chose for the user (see values.js): the name belongs to it.
  hidden.addEventListener("anju:set", async () => {
    const id = hidden.value;
    const { recent: [found] = [] } = id ? await get(childrenUrl, { ...area, recent: id }) : {};
    if (hidden.value === id) { input.value = found?.full_name ?? ""; shown = input.value; clear.hidden = !id; }
  });
  clear.addEventListener("click", () => { set("", ""); input.focus(); });
}

export function attachRegionPickers(root) {
  for (const box of root.querySelectorAll("[data-region-picker]:not([data-ready])")) {
    box.dataset.ready = "yes";
    attach(box);
  }
}
