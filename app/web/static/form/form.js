/** The live form: shows and hides by the rules, says what is missing, checks while one types. */
import { attachChildren, numberRows } from "./children.js";
import { keepDraft } from "./draft.js";
import { attachKeys } from "./form_keys.js";
import { attachOptionLists } from "../frame/options.js";
import { attachParcel } from "./form_parcel.js";
import { attachPriors } from "./prior.js";
import { evaluate, forbidding, isMissing, refused } from "./rules.js";
import { drawYears, yearsOf } from "./years.js";
import { confirmed, toast } from "../frame/shell.js";
import { messagesOf, showIn } from "./messages.js";
import { showRows } from "./row_rules.js";
import { suggest } from "./suggest.js";
import { keepForm } from "../offline/offline_form.js";
import { attachUploads, uploadsRunning } from "./uploads.js";
import { mend, readField, readForm, writeField } from "../frame/values.js";
import { say } from "../frame/words.js";

const form = document.getElementById("record-form");
const rules = JSON.parse(document.getElementById("form-rules").textContent);
const fixed = JSON.parse(document.getElementById("form-fixed").textContent);
const today = form.dataset.today || null;
const elements = new Map([...form.querySelectorAll("[data-field]")].map((element) => [element.dataset.field, element]));
const touched = new Set();
const { judged } = form.dataset;  // what its rules say stands beside the fields at once: beside "all", or what was "given"
const told = new Set([...elements].filter(([, element]) => element.querySelector("[aria-invalid=true]")).map(([name]) => name));
let answer = {};
let dirty = false;
let sending = false;
let unsent = null;  // the button of a save that could not be sent; null again once somebody types on

const labelOf = (name) => elements.get(name)?.dataset.label ?? name;

/** A computed value as people read it. */
function computedText(output, value) {
  if (value === null || value === undefined) return "—";
  return output.dataset[value] ?? value.replace(/\B(?=(\d{3})+(?=\.))/g, ",");
}

/** Messages of a field: [{message, severity, …}]; `whole` also says that it is missing. */
function messages(name, whole) {
  const element = elements.get(name);
  if (element.hidden) return [];
  return messagesOf({
    kind: element.dataset.kind, label: labelOf(name), value: readField(element), found: answer[name], rule: rules.fields[name], whole,
  });
}

/** Shows them, and those of its rows; gives what forbids to submit: [{name, label?, message}]. */
function showMessages(name, whole) {
  const element = elements.get(name);
  const list = messages(name, whole);
  showIn(element, list, "[data-child]");
  const wrong = forbidding(rules, list).map(({ message }) => ({ name, message }));
  if (!rules.fields[name]?.child || element.hidden) return wrong;
  return [...wrong, ...showRows(name, element, answer[name]?.rows, rules.fields[name], whole)];
}

/** Is it asked for and not there, by the form itself or by a rule that finds the record incomplete? */
const lacks = (name) =>
  Boolean(answer[name]?.missing || answer[name]?.errors.some(({ severity }) => severity === "incomplete"));

/** Does anybody say anything in one of these fields? */
const answered = (names, values) => names.some((name) => !isMissing(values[name]) || !isMissing(answer[name]?.value));

function drawSections(values) {
  let all = 0;
  for (const section of form.querySelectorAll("[data-section]")) {
    const names = [...section.querySelectorAll("[data-field]")].map((element) => element.dataset.field);
    const shown = names.filter((name) => !elements.get(name).hidden);
    const missing = shown.filter(lacks).length;
    all += missing;
    section.hidden = shown.length === 0;
    const anchor = document.querySelector(`[data-anchor="${section.dataset.section}"]`);
    const empty = missing === 0 && !answered(shown, values);
    const text = missing ? say("section_missing", { n: missing }) : say(empty ? "empty" : "section_done");
    section.querySelector("[data-section-state]").textContent = missing ? text : "";
    if (!anchor) continue;
    anchor.hidden = section.hidden;
    anchor.classList.toggle("is-done", missing === 0 && !empty);
    anchor.querySelector("[data-anchor-state]").textContent = text;
  }
  const line = form.querySelector("[data-missing]");
  line.textContent = all ? say("all_missing", { n: all }) : say("all_done");
  line.classList.toggle("is-done", all === 0);
}

function drawNoneOf() {
  for (const box of form.querySelectorAll("[data-none-of]")) {
    box.hidden = !box.dataset.noneOf.split(" ").some((name) => elements.has(name) && !elements.get(name).hidden);
  }
}

/** Fields that come and go above the one in use do not move it (browsers that anchor do so themselves). */
function holding(draw) {
  const held = CSS.supports("overflow-anchor", "auto") ? null : document.activeElement?.closest("[data-field]");
  const top = held?.getBoundingClientRect().top;
  draw();
  if (held && !held.hidden) window.scrollBy(0, held.getBoundingClientRect().top - top);
}

function apply() {
  holding(drawFields);
}

/** A field whose label follows another's answer. */
function drawLabel(element, label) {
  if (!label || element.dataset.label === label) return;
  element.dataset.label = label;
  element.querySelector(":scope > .form-label").firstChild.textContent = label;
}

/** Choices that do not fit are not shown, see `refused`. */
function drawChoices(name, element, values) {
  if (element.dataset.kind !== "choice") return;
  const choices = [...element.querySelectorAll("option, [type=radio]")].filter((one) => one.value);
  const away = refused(rules, name, choices.map((one) => one.value), values, { today });
  for (const one of choices) (one.closest(".pick") ?? one).hidden = away.includes(one.value);
}

function drawFields() {
  const values = { ...fixed, ...readForm(elements) };
  answer = evaluate(rules, values, { today });
  for (const [name, element] of elements) {
    const found = answer[name];
    if (!found) continue;
    if (element.hidden === found.shown) {
      element.hidden = !found.shown;
      if (found.shown) element.querySelector("[data-children]")?.dispatchEvent(new Event("anju:shown"));
    }
    drawChoices(name, element, values);
    drawLabel(element, found.label);
    if (rules.fields[name].suggests && found.shown) suggest(element, found.suggested, dirty);
    if (rules.fields[name].near) drawYears(element, yearsOf(rules, name, values, { today }));
    const star = element.querySelector(":scope > .form-label [data-star]");
    if (star) star.hidden = !found.required;
    const computed = element.querySelector("[data-computed]");
    if (computed) computed.textContent = computedText(computed, found.value);
    const asked = judged && !told.has(name);  // what the server said stays until somebody types there
    if (asked || touched.has(name) || computed) showMessages(name, judged === "all");
  }
  drawNoneOf();
  drawSections(values);
}

/** The fields that hands changed: what was prefilled, and stands as it was, is none of them. */
function typedNames(now) {
  const before = (form.elements.touched?.value ?? "").split(" ");
  return [...elements.keys()].filter((name) => before.includes(name) || JSON.stringify(now[name]) !== initial[name]);
}

/** What hands typed; all, where nobody can tell. */
function typed() {
  const now = readForm(elements);
  return form.elements.touched ? Object.fromEntries(typedNames(now).map((name) => [name, now[name]])) : now;
}

/** Says that what somebody wanted to save is not saved yet, with the way to do it. */
function tellUnsaved() {
  if (document.querySelector("[data-unsaved]")) return;
  const line = document.createElement("div");
  line.className = "notice notice-warn";
  line.dataset.unsaved = "";
  line.setAttribute("role", "status");
  const words = document.createElement("div");
  words.textContent = say("save_not_yet");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn btn-plain btn-sm";
  button.textContent = say("save");
  button.addEventListener("click", () => form.requestSubmit(form.querySelector("[name=intent]")));
  line.append(words, button);
  document.getElementById("error-summary").before(line);
}

const draft = keepDraft({
  url: form.dataset.draftUrl,
  version: () => form.elements.version.value,
  read: typed,
  line: form.querySelector("[data-draft-state]"),
  late: () => (unsent ? form.requestSubmit(unsent) : tellUnsaved()),
});

/** Sets a field of any kind but files. */
function put(element, value) {
  const rows = element.querySelector("[data-children]");
  if (rows) rows.dispatchEvent(new CustomEvent("anju:rows", { detail: value }));
  else writeField(element, value);
}

function tellTouched() {
  const line = form.elements.touched;
  if (!line) return;
  line.value = typedNames(readForm(elements)).join(" ");
  line.disabled = false;
}

function changed() {
  dirty = true;
  unsent = null;
  apply();
  if (form.dataset.draftUrl) draft.touch();
}

function mendInput(input) {
  const kind = input.closest("[data-kind]")?.dataset.kind;
  if (input.type === "text" || input.type === "tel") {
    const mended = mend(kind, input.value);
    if (mended !== input.value) input.value = mended;
  }
}

/** All that is wrong: [{name, label?, message}], in the order of the page. */
function problems() {
  return [...elements.keys()].flatMap((name) => {
    touched.add(name);
    return showMessages(name, true);
  });
}

function goTo(name) {
  const element = document.getElementById(`field-${name}`);
  const input = element?.querySelector("input:not([type=hidden]):not([disabled]), select:not([hidden]), textarea, button");
  element?.scrollIntoView({ block: "center" });
  input?.focus({ preventScroll: true });
}

function summarise(list) {
  const box = document.getElementById("error-summary");
  box.hidden = list.length === 0;
  if (!list.length) return;
  box.querySelector("[data-summary-title]").textContent = say("sum_errors", { n: list.length });
  box.querySelector("[data-summary]").replaceChildren(...list.map(({ name, label = labelOf(name), message }) => {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = `#field-${name}`;
    link.textContent = message.includes(label) ? message : say("labelled", { label, message });
    item.append(link);
    return item;
  }));
  box.scrollIntoView({ block: "start" });
  box.focus({ preventScroll: true });
}

/** Sends the form once: the draft goes first, so that an ended session or line loses nothing. */
async function submit(event) {
  event.preventDefault();
  if (sending) return;
  const button = event.submitter ?? form.querySelector("[name=intent]");
  const files = uploadsRunning(form, "complete" in button.dataset);
  if (files) { toast(say("upload_not_done", { n: files })); return; }
  if ("complete" in button.dataset) {
    const list = problems();
    summarise(list);
    if (list.length) return;
  }
  if (button.dataset.confirm && !(await confirmed(button.dataset.confirm))) return;
  sending = true;
  button.classList.add("is-busy");
  if (!(await draft.flush())) {
    sending = false;
    unsent = button;
    button.classList.remove("is-busy");
    toast(form.querySelector("[data-draft-state]").textContent);
    return;
  }
  numberRows(form);
  tellTouched();
  const intent = document.createElement("input");
  intent.type = "hidden";
  intent.name = "intent";
  intent.value = button.value;
  form.append(intent);
  form.submit();
}

form.addEventListener("input", (event) => {
  if (event.target.matches("[data-input]")) changed();
});
form.addEventListener("change", (event) => {
  event.target.closest("[data-carried]")?.querySelector("[data-carried-note]")?.remove();
  if (event.target.matches("[data-input], [data-picker-value]")) changed();
});
form.addEventListener("focusout", (event) => {
  const element = event.target.closest("[data-field]");
  if (!element || !event.target.matches("[data-input], .picker-input, select")) return;
  if (event.target.matches("[data-input]")) mendInput(event.target);
  touched.add(element.dataset.field);
  apply();
});
form.addEventListener("click", (event) => {
  const none = event.target.closest("[data-none-of] button");
  if (none) {
    for (const name of none.parentElement.dataset.noneOf.split(" ")) {
      const element = elements.get(name);
      if (element && !element.hidden && readField(element) === null) writeField(element, "no");
    }
  }
});
document.getElementById("error-summary").addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (link) { event.preventDefault(); goTo(link.hash.replace("#field-", "")); }
});
document.getElementById("conflict")?.addEventListener("change", (event) => {
  const row = event.target.closest("[data-conflict]");
  const element = row && elements.get(row.dataset.conflict);
  if (!element) return;
  put(element, JSON.parse(event.target.dataset.value));
});
form.addEventListener("submit", submit);
window.addEventListener("beforeunload", (event) => {
  if (dirty && !sending) event.preventDefault();
});

// A reload asks for the page, with the draft, and never posts an older state of the form again.
history.replaceState(null, "", location.href);
attachOptionLists(form);
attachPriors(form);
attachParcel(form, elements);
attachUploads(form, (facts) => {
  Object.assign(fixed, facts);
  changed();
});
attachChildren(form, changed);
attachKeys(form);
apply();
const initial = Object.fromEntries(Object.entries(readForm(elements)).map(([name, value]) => [name, JSON.stringify(value)]));
document.getElementById("conflict")?.focus();

/** What was typed here without a line. As an older version of the record it meets the newer one on saving. */
draft.kept().then((row) => {
  if (!row) return;
  if (row.wanted) tellUnsaved();
  form.elements.version.value = row.version;
  for (const [name, value] of Object.entries(row.values)) {
    const element = elements.get(name);
    const same = !element || JSON.stringify(readField(element)) === JSON.stringify(value);
    if (!same && element.dataset.kind !== "files") put(element, value);
  }
});
window.addEventListener("load", keepForm);
