/**
 * Review by keyboard: A approves, R asks for the reasons and returns, arrows go to the neighbours, P
 * opens the photos. The next record is fetched while one reads, so that it opens at once; decisions go
 * to the server one after the other behind it, and one that was refused is said with the way back.
 */
import { send as request, signedOut } from "../frame/http.js";
import { isTyping } from "../frame/shell.js";
import { say } from "../frame/words.js";

const SETTLE = 300;  // a key that was meant for the last record does not decide on the next
const KEPT = 6;
const AHEAD = 3;

const place = document.getElementById("review");
const notes = document.getElementById("review-notes");
const undoPlace = document.getElementById("review-undo");
const fetched = new Map();  // url -> promise of {html} or {message, url}, or null where the line failed
const decided = new Set();
let shownAt = -SETTLE;
let waiting = 0;
let sending = Promise.resolve();

/** The record's address, without the mark within it that a line of what has changed links to. */
const address = () => location.href.split("#")[0];
let here = address();

const part = (selector) => place.querySelector(selector);
const link = (rel) => part(`a[rel=${rel}]`)?.href ?? null;

/** A request of this page: {status, html} or {status, message, …}. */
async function ask(url, body) {
  const { status, data } = await request(url, { method: body ? "POST" : "GET", body });
  return { status, ...data };
}

// ---- the next record, before it is asked for ----------------------------------------------------

/** Its first photos too, where the line is not slow: they are whole ones, up to 1 MB each. */
function photosOf(html) {
  const line = navigator.connection;
  if (line?.saveData || (line?.effectiveType && line.effectiveType !== "4g")) return;
  const page = new DOMParser().parseFromString(html, "text/html");
  for (const photo of [...page.querySelectorAll("img[src]")].slice(0, AHEAD)) new Image().src = photo.getAttribute("src");
}

function prefetch(url) {
  if (!url || fetched.has(url) || decided.has(url)) return;
  if (fetched.size >= KEPT) fetched.delete(fetched.keys().next().value);
  fetched.set(url, ask(url).then((got) => {
    if (got.html) photosOf(got.html);
    return got.html || got.status === 409 ? got : null;  // what failed is asked for again
  }).catch(() => null));
}

// ---- what stands on the page --------------------------------------------------------------------

function left(text) {
  if (!text || !part(".queue-left")) return;
  part(".queue-left").textContent = text;
  const badge = document.querySelector(".side .is-here .menu-badge");
  if (badge && part("[data-whole]")) badge.textContent = text;
}

function oneLess() {
  const number = Number(part(".queue-left")?.textContent.replaceAll(",", ""));
  return Number.isInteger(number) && number > 0 ? (number - 1).toLocaleString("en-US") : "";
}

/** A line above the record; `act` is what its button does. One that `stays` goes with its button alone. */
function note(text, tone, label, act, stays = false) {
  const line = document.createElement("div");
  line.className = `notice notice-${tone}`;
  if (stays) line.dataset.stays = "yes";
  const words = document.createElement("div");
  words.textContent = text;
  line.append(words);
  if (act) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn btn-plain btn-sm";
    button.textContent = label;
    button.addEventListener("click", () => { line.remove(); act(); });
    line.append(button);
  }
  notes.append(line);
}

function draw(got, url, push) {
  place.innerHTML = got.html;
  window.htmx?.process(place);
  if (push) history.pushState(null, "", url);
  here = address();
  document.title = `${part(".review-frame").dataset.title} · ${document.title.split(" · ").at(-1)}`;
  for (const crumb of document.querySelectorAll(".crumbs [aria-current]")) crumb.textContent = part(".review-frame").dataset.title;
  window.scrollTo(0, 0);
  part("h1").focus({ preventScroll: true });
  shownAt = performance.now();
  prefetch(link("next"));
}

/** Opens a record of the queue in place; one that waits no more says so, and the next one opens. */
async function show(url, { push = true, counted = "" } = {}) {
  const slow = setTimeout(() => place.classList.add("is-slow"), 150);
  let got = (await fetched.get(url)) ?? (await ask(url).catch(() => null));
  fetched.delete(url);
  clearTimeout(slow);
  place.classList.remove("is-slow");
  if (got?.status === 409 && got.url) {
    note(got.message, "warn");
    const next = new URL(got.url, location.href).href;
    if (!next.includes("/review")) { location.assign(next); return; }
    if (next !== url) { await show(next, { push, counted: got.left }); return; }
  }
  if (!got?.html && waiting) {  // leaving this page would lose what was decided on it
    const why = got && signedOut(got.status, got) ? say("signin_title") : got?.message ?? say("network");
    note(say("next_unopened", { why }), "bad", say("retry"), () => show(url, { push, counted }), true);
    return;
  }
  if (!got?.html) { location.assign(url); return; }
  if (push) notes.replaceChildren(...[...notes.children].filter((line) => line.dataset.stays || !line.dataset.seen));
  for (const line of notes.children) line.dataset.seen = "yes";
  draw(got, url, push);
  left(counted);
}

async function go(rel) {
  let url = link(rel);
  if (!url) return;
  if (decided.has(url)) {  // the page was fetched before that one was decided
    const now = await ask(here).catch(() => null);
    if (now?.html) draw(now, here, false);
    url = link(rel);
  }
  if (url && !decided.has(url)) await show(url);
}

// ---- deciding -----------------------------------------------------------------------------------

let undoTimer = null;

function offerUndo(undo) {
  clearTimeout(undoTimer);
  undoPlace.replaceChildren();
  if (!undo) return;
  const bar = document.createElement("div");
  bar.className = "notice notice-good undo-notice";
  bar.setAttribute("role", "status");
  bar.dataset.undo = undo.seconds;
  const line = document.createElement("div");
  line.className = "undo-bar";
  const words = document.createElement("span");
  words.textContent = undo.text;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn btn-plain btn-sm";
  button.textContent = say("undo");
  button.addEventListener("click", () => takeBack(undo));
  const clock = document.createElement("span");
  clock.className = "quiet";
  clock.setAttribute("aria-hidden", "true");
  line.append(words, button, clock);
  bar.append(line);
  undoPlace.append(bar);
  countDown(bar, clock, undo.seconds);
}

function countDown(bar, clock, seconds) {
  let rest = seconds;
  const tick = () => {
    clock.textContent = say("undo_left", { n: rest });
    if (rest <= 0) bar.remove();
    else undoTimer = setTimeout(tick, 1000);
    rest -= 1;
  };
  tick();
}

async function takeBack({ url, version }) {
  undoPlace.replaceChildren();
  const body = new FormData();
  body.set("version", version);
  const answer = await ask(url + location.search, body).catch(() => ({ message: say("network") }));
  if (!answer.url) { note(answer.message, "warn"); return; }
  decided.delete(new URL(answer.url, location.href).href);
  fetched.clear();
  await show(new URL(answer.url, location.href).href, { counted: answer.left });
  note(answer.message, "good");
}

/** What was said with a decision that was refused, once more. */
function refill(body) {
  const form = part("#decide");
  for (const name of ["contact_name", "contact_phone", "opinion"]) form.elements[name].value = body.get(name) ?? "";
  for (const reason of form.querySelectorAll("[name=reason]")) reason.checked = body.getAll("reason").includes(reason.value);
}

function showErrors(errors) {
  const form = part("#decide");
  if (!form) return;
  for (const [name, message] of Object.entries(errors)) {
    const input = form.elements[name];
    if (!input) continue;
    input.setAttribute("aria-invalid", "true");
    input.classList.add("is-invalid");
    const line = document.createElement("p");
    line.className = "field-error";
    line.textContent = message;
    input.after(line);
    if (name.startsWith("contact")) form.querySelector("[data-contact]").open = true;
  }
}

/** Why a decision did not reach the record, if sending it again may help. */
function unsent(answer) {
  if (!answer) return say("network");
  if (signedOut(answer.status, answer)) return say("signin_title");
  return answer.status >= 500 || answer.status === 429 ? answer.message ?? say("network") : null;
}

/** Sends one decision; `where` is the record's own address, to come back to. */
async function send(action, body, where, last) {
  const answer = await ask(action, body).catch(() => null);
  const why = unsent(answer);
  if (why) {  // it waits on, with its reasons, until it is sent
    place.classList.remove("is-slow");
    note(say("decision_unsent", { name: body.get("name"), why }), "bad", say("retry"), () => {
      sending = sending.then(() => send(action, body, where, last));
    }, true);
    return;
  }
  waiting -= 1;
  if (answer.status < 300) {
    if (last) { location.assign(last); return; }
    left(answer.left);
    offerUndo(answer.undo);
    return;
  }
  if (answer.status !== 409) decided.delete(where);
  if (answer.errors) {
    await show(where);
    if (part("#decide")) refill(body);
    showErrors(answer.errors);
    return;
  }
  const again = answer.url && new URL(answer.url, location.href).href === where;
  if (again) decided.delete(where);
  if (last && answer.url) { note(answer.message, "bad"); await show(new URL(answer.url, location.href).href); return; }
  left(answer.left);
  const said = answer.message ?? say("network");
  note(said.includes(body.get("name")) ? said : say("labelled", { label: body.get("name"), message: said }), "bad", again ? say("open") : "", again ? () => show(where) : null);
}

function decide(action) {
  const form = part("#decide");
  const body = new FormData(form);
  body.set("action", action);
  if (action === "approve") { body.delete("reason"); body.delete("opinion"); }
  body.set("name", part(".review-frame").dataset.title);
  const where = here;
  const next = link("next");
  const last = next ? null : part(".queue-foot a").href;
  const target = form.getAttribute("action");  // the buttons are called "action" too
  waiting += 1;
  decided.add(where);
  document.getElementById("return-dialog").close();
  sending = sending.then(() => send(target, body, where, last));
  if (next) show(next, { counted: oneLess() });
  else place.classList.add("is-slow");
}

function reasonGiven() {
  const form = part("#decide");
  return form.querySelector("[name=reason]:checked") !== null || form.elements.opinion.value.trim() !== "";
}

function askReasons() {
  const dialog = document.getElementById("return-dialog");
  dialog.showModal();
  dialog.querySelector("[name=reason], textarea").focus();
}

function sendReturn() {
  if (reasonGiven()) { decide("return"); return; }
  const line = document.getElementById("opinion-errors");
  line.textContent = say("reason_needed");
  line.hidden = false;
  part("#opinion").setAttribute("aria-invalid", "true");
  part("#opinion").focus();
}

function act(button) {
  if ("returnSend" in button.dataset) sendReturn();
  else if ("return" in button.dataset) askReasons();
  else decide("approve");
}

// ---- keys and clicks ----------------------------------------------------------------------------

function onDialogKey(event) {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); sendReturn(); }
  if (/^[1-9]$/.test(event.key) && !event.ctrlKey && event.target.id !== "opinion") {
    const reason = part("#return-dialog").querySelectorAll("[name=reason]")[Number(event.key) - 1];
    if (reason) { event.preventDefault(); reason.checked = !reason.checked; reason.focus(); }
  }
}

function onKey(event) {
  if (event.isComposing) return;
  const open = document.querySelector("dialog[open]");
  if (open?.id === "return-dialog") { onDialogKey(event); return; }
  if (open || event.ctrlKey || event.metaKey || event.altKey || event.repeat || isTyping(event.target)) return;
  const key = event.key.toLowerCase();
  if (key === "arrowleft") go("prev");
  if (key === "arrowright") go("next");
  if (key === "p") part("[data-photo-url]")?.click();
  if ((key !== "a" && key !== "r") || performance.now() - shownAt < SETTLE) return;
  event.preventDefault();
  if (part("#decide")) act(part(key === "a" ? "[data-approve]" : "[data-return]"));
  else if (part(".review-frame").dataset.blocked) { notes.replaceChildren(); note(part(".review-frame").dataset.blocked, "warn"); }
}

if (place) {
  place.addEventListener("submit", (event) => {
    if (event.target.id !== "decide") return;
    event.preventDefault();
    if (event.submitter) act(event.submitter);
  });
  place.addEventListener("click", (event) => {
    if (event.target.closest("[data-return-cancel]")) document.getElementById("return-dialog").close();
    const to = event.target.closest(".queue ol a, a[rel]");
    if (!to || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (to.rel) go(to.rel);
    else if (!decided.has(to.href)) show(to.href);
  });
  place.addEventListener("keydown", (event) => {  // Enter in who decides decides nothing
    if (event.key === "Enter" && event.target.closest("[data-contact] input")) { event.preventDefault(); part("[data-contact]").open = false; }
  });
  place.addEventListener("input", (event) => {
    if (event.target.name === "contact_name") part("[data-contact-name]").textContent = event.target.value;
  });
  document.addEventListener("keydown", onKey);
  window.addEventListener("popstate", () => {
    const before = here;
    here = address();
    if (here !== before) show(here, { push: false });  // browsers tell a mark within the record so, too
  });
  window.addEventListener("beforeunload", (event) => { if (waiting) event.preventDefault(); });
  const refused = document.getElementById("return-dialog");
  if (refused?.open) { refused.close(); refused.showModal(); }
  part(".queue .is-here")?.scrollIntoView({ block: "nearest" });
  prefetch(link("next"));
}

const bar = document.querySelector("[data-undo]");
if (bar) {
  countDown(bar, bar.querySelector("[data-undo-left]"), Number(bar.dataset.undo));
  bar.querySelector("form").addEventListener("submit", (event) => {
    if (!place) return;
    event.preventDefault();
    takeBack({ url: event.target.getAttribute("action"), version: event.target.elements.version.value });
  });
}
