/** Lists: remembered columns, bulk ticks, filters that apply as soon as they are chosen. */
import { say } from "../frame/words.js";

function columns(ledger) {
  const key = `anju.columns.${ledger.dataset.ledger}`;
  const boxes = [...document.querySelectorAll("[data-columns] input")];
  const show = (box) => {
    for (const cell of ledger.querySelectorAll(`[data-col="${box.value}"]`)) cell.hidden = !box.checked;
  };
  let kept = {};
  try { kept = JSON.parse(localStorage.getItem(key)) ?? {}; } catch { kept = {}; }
  for (const box of boxes) {
    const name = box.dataset.columnName;
    if (!box.disabled && name in kept) box.checked = kept[name];
    show(box);
    box.addEventListener("change", () => {
      kept[name] = box.checked;
      localStorage.setItem(key, JSON.stringify(kept));
      show(box);
    });
  }
}

function bulk(form) {
  const all = form.querySelector("[data-bulk-all]");
  const each = [...form.querySelectorAll("[data-bulk-one]")];
  const tools = form.querySelector("[data-bulk-tools]");
  const update = () => {
    const ticked = each.filter((box) => box.checked).length;
    tools.hidden = ticked === 0;
    form.querySelector("[data-bulk-count]").textContent = say(form.dataset.bulk || "selected", { n: ticked });
    all.checked = ticked > 0 && ticked === each.length;
    all.indeterminate = ticked > 0 && ticked < each.length;
  };
  all.addEventListener("change", () => { for (const box of each) box.checked = all.checked; update(); });
  for (const box of each) box.addEventListener("change", update);
  update();
}

/** Empty filters stay out of the address, so that it can be read and sent on. */
function filters(form) {
  form.addEventListener("formdata", ({ formData }) => {
    for (const [name, value] of [...formData]) if (value === "") formData.delete(name);
  });
  form.addEventListener("change", (event) => {
    if (event.target.matches("[data-auto], [data-picker-value]")) form.requestSubmit();
  });
  const expand = form.querySelector("[data-expand]");
  expand?.addEventListener("click", () => {
    const rest = document.getElementById(expand.getAttribute("aria-controls"));
    rest.hidden = !rest.hidden;
    expand.setAttribute("aria-expanded", String(!rest.hidden));
    if (!rest.hidden) rest.querySelector("input, select")?.focus();
  });
}

/** Rows close together, for those who compare many; remembered on this machine. */
function density(button) {
  const show = (dense) => {
    document.documentElement.classList.toggle("is-dense", dense);
    button.setAttribute("aria-pressed", String(dense));
  };
  show(localStorage.getItem("anju.dense") === "yes");
  button.addEventListener("click", () => {
    const dense = button.getAttribute("aria-pressed") !== "true";
    localStorage.setItem("anju.dense", dense ? "yes" : "no");
    show(dense);
  });
}

/** Columns that lie under the actions are hinted at by a shadow. */
const side = (scroll) => scroll.classList.toggle("has-more", scroll.scrollWidth - scroll.clientWidth - scroll.scrollLeft > 2);
const sides = () => document.querySelectorAll(".ledger-scroll").forEach(side);
window.addEventListener("resize", sides);
document.addEventListener("scroll", ({ target }) => { if (target.matches?.(".ledger-scroll")) side(target); }, { capture: true, passive: true });

function begin(root) {
  sides();
  for (const ledger of root.querySelectorAll("[data-ledger]")) columns(ledger);
  for (const form of root.querySelectorAll("[data-bulk]")) bulk(form);
  for (const form of root.querySelectorAll("[data-filters]")) filters(form);
  for (const button of root.querySelectorAll("[data-density]")) density(button);
}

begin(document);

/** The list was changed in place: whoever pages by keys goes on from its rows. */
document.body.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.id !== "content") return;
  begin(event.detail.target);
  if (document.activeElement === document.body) event.detail.target.querySelector(".ledger-scroll")?.focus({ preventScroll: true });
});
