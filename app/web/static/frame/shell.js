/** What every page does: menus, theme, search key, notices, dialogs, double submits, parts by htmx. */
import { say } from "./words.js";
import { account, outboxCount, ownHeaders, regain, stillSignedIn } from "./http.js";
import { openPhotos } from "../form/photos.js";
import { attachOptionLists } from "./options.js";
import { attachRegionPickers } from "./region.js";

const body = document.body;
const FRESH = 5_000;
const narrow = window.matchMedia("(max-width: 960px)");

function remember(name, value) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${name}=${value}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
}

export function isTyping(target) {
  return target instanceof HTMLElement
    && (target.matches("input:not([type=radio]):not([type=checkbox]):not([type=button]), textarea, select")
      || target.isContentEditable);
}

export function toast(text, { label, act, seconds = 6 } = {}) {
  const line = document.createElement("div");
  line.className = "toast-line";
  const words = document.createElement("span");
  words.textContent = text;
  line.append(words);
  if (act) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label;
    button.addEventListener("click", () => { line.remove(); act(); });
    line.append(button);
  }
  document.getElementById("toasts")?.append(line);
  setTimeout(() => line.remove(), seconds * 1000);
  return line;
}

/** Asks in our own dialog; resolves to true or false. */
export function confirmed(text) {
  const dialog = document.getElementById("confirm-dialog");
  if (!dialog) return Promise.resolve(window.confirm(text));
  dialog.querySelector("[data-confirm-text]").textContent = text;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

function sidebar() {
  const toggle = document.getElementById("side-toggle");
  if (!toggle) return;
  const show = (open) => {
    if (narrow.matches) body.classList.toggle("side-open", open);
    else {
      body.classList.toggle("side-closed", !open);
      localStorage.setItem("anju.side", open ? "open" : "closed");
    }
    toggle.setAttribute("aria-expanded", String(open));
    if (open && narrow.matches) document.querySelector("#side a")?.focus();
  };
  const isOpen = () => (narrow.matches ? body.classList.contains("side-open") : !body.classList.contains("side-closed"));
  if (narrow.matches) toggle.setAttribute("aria-expanded", "false");
  else if (localStorage.getItem("anju.side") === "closed") show(false);
  toggle.addEventListener("click", () => show(!isOpen()));
  document.querySelector("[data-side-close]")?.addEventListener("click", () => show(false));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && body.classList.contains("side-open")) { show(false); toggle.focus(); }
  });
  for (const group of document.querySelectorAll(".menu-group")) {
    const key = `anju.menu.${group.dataset.menu}`;
    const kept = localStorage.getItem(key);
    if (kept && !("here" in group.dataset)) group.open = kept === "open";
    group.addEventListener("toggle", () => localStorage.setItem(key, group.open ? "open" : "closed"));
  }
  document.querySelector(".menu .is-here")?.scrollIntoView({ block: "nearest" });
}

/** Paper is white, whatever the screen is. */
function printedLight() {
  const { dataset } = document.documentElement;
  let chosen = dataset.bsTheme;
  window.addEventListener("beforeprint", () => { chosen = dataset.bsTheme; dataset.bsTheme = "light"; });
  window.addEventListener("afterprint", () => { dataset.bsTheme = chosen; });
}

function theme() {
  const toggle = document.getElementById("theme-toggle");
  toggle?.addEventListener("click", () => {
    const dark = document.documentElement.dataset.bsTheme !== "dark";
    document.documentElement.dataset.bsTheme = dark ? "dark" : "light";
    toggle.setAttribute("aria-pressed", String(dark));
    remember("theme", dark ? "dark" : "light");
    document.dispatchEvent(new CustomEvent("anju:theme"));
  });
}

function drops() {
  document.addEventListener("click", (event) => {
    for (const drop of document.querySelectorAll("details.drop[open]")) {
      if (!drop.contains(event.target)) drop.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const drop = document.querySelector("details.drop[open]");
    if (drop) { drop.open = false; drop.querySelector("summary").focus(); }
  });
}

function searchKey() {
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !isTyping(event.target) && !event.ctrlKey && !event.metaKey && !event.altKey) {
      const find = document.getElementById("find");
      if (find) { event.preventDefault(); find.focus(); find.select(); }
    }
  });
}

function clicks() {
  document.addEventListener("click", (event) => {
    const at = (selector) => event.target.closest?.(selector);
    const close = at(".notice-close");
    if (close) close.closest("[data-notice]").remove();
    if (at("[data-reload]")) location.reload();
    if (at("[data-print]")) window.print();
    const eye = at("[data-secret]");
    if (eye) {
      const input = document.getElementById(eye.dataset.secret);
      const shown = input.type === "password";
      input.type = shown ? "text" : "password";
      eye.setAttribute("aria-pressed", String(shown));
    }
    const copy = at("[data-copy]");
    if (copy) {
      document.getElementById(copy.dataset.copy).select();
      document.execCommand("copy");  // navigator.clipboard is missing where there is no https
      toast(say("copied"));
    }
    const photo = at("[data-photo-url]");
    if (photo) { event.preventDefault(); openPhotos(photo); }
  });
}

/**
 * A form marked data-once is sent once; data-confirm asks first. Before a form is sent the session is
 * looked at: leaving a page with an ended one would lose what was typed.
 */
function forms() {
  let checked = -FRESH;
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (event.defaultPrevented) return;
    if (form.method === "post" && form.id !== "frame-form" && body.classList.contains("framed") && Date.now() - checked > FRESH) {
      event.preventDefault();
      if (form.dataset.checking) return;
      form.dataset.checking = "yes";
      const still = await stillSignedIn().catch((error) => {
        toast(error instanceof TypeError ? say("network") : error.message);  // fetch itself fails so
        return false;
      });
      delete form.dataset.checking;
      if (!still) return;
      checked = Date.now();
      form.requestSubmit(event.submitter ?? undefined);
      return;
    }
    const question = event.submitter?.dataset.confirm ?? form.dataset.confirm;
    if (question && !form.dataset.agreed) {
      event.preventDefault();
      if (await confirmed(question)) {
        form.dataset.agreed = "yes";
        form.requestSubmit(event.submitter ?? undefined);
        delete form.dataset.agreed;
      }
      return;
    }
    if (!("once" in form.dataset)) return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "yes";
    event.submitter?.classList.add("is-busy");
  });
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
    for (const button of document.querySelectorAll(".is-busy")) button.classList.remove("is-busy");
  });
}

/** Parts of pages by htmx: a shimmer after 300 ms, a retry that keeps everything, sign-in on 401. */
function parts() {
  const timers = new WeakMap();
  const still = (target) => { clearTimeout(timers.get(target)); target?.classList.remove("is-slow"); };
  body.addEventListener("htmx:configRequest", (event) => { Object.assign(event.detail.headers, ownHeaders(), { Accept: "*/*" }); });
  body.addEventListener("htmx:beforeRequest", (event) => {
    const { target, elt } = event.detail;
    if (!target || elt.hasAttribute("data-quiet")) return;
    timers.set(target, setTimeout(() => target.classList.add("is-slow"), 300));
  });
  body.addEventListener("htmx:afterRequest", (event) => still(event.detail.target));
  const again = (elt) => window.htmx.trigger(elt, elt.hasAttribute("hx-trigger") ? "retry" : "click");
  const cleared = (target) => { if (target?.previousElementSibling?.matches(".part-failed")) target.previousElementSibling.remove(); };
  const failed = async (event) => {
    const { elt, target, xhr } = event.detail;
    still(target);
    if (xhr?.status === 401) {
      if (await regain(xhr.status)) again(elt);
      return;
    }
    if (elt.hasAttribute("data-quiet")) return;
    cleared(target);
    const line = document.createElement("div");
    line.className = "part-failed";
    line.setAttribute("role", "alert");
    const said = xhr?.getResponseHeader("Content-Type")?.startsWith("text/plain") && xhr.responseText;
    line.textContent = said || say(xhr?.status ? "failed_part" : "network");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn btn-plain btn-sm";
    button.textContent = say("retry");
    button.addEventListener("click", () => { line.remove(); again(elt); });
    line.append(button);
    target.before(line);
  };
  body.addEventListener("htmx:responseError", failed);
  body.addEventListener("htmx:sendError", failed);
  body.addEventListener("htmx:afterSwap", (event) => { cleared(event.detail.target); attachPickers(event.detail.target); });
}

/** Files that wait are sent from whichever page is open; signing out leaves nothing behind. */
function leftovers() {
  if (account && localStorage.getItem("anju.account") !== account) {
    localStorage.setItem("anju.account", account);
    window.caches?.delete("anju-pages");  // forms of whoever used this browser before
  }
  if (account && Number(localStorage.getItem(outboxCount(account))) > 0) {
    import("../offline/outbox_bar.js").then(({ watchOutbox }) => watchOutbox());
  }
  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-sign-out]");
    if (!button || button.dataset.left) return;
    event.preventDefault();
    const { leave } = await import("./leaving.js");
    if (!(await leave())) return;
    button.dataset.left = "yes";
    button.click();
  });
}

function attachPickers(root) {
  attachRegionPickers(root);
  attachOptionLists(root, "[data-search-url]");
}

sidebar();
theme();
printedLight();
drops();
searchKey();
clicks();
forms();
parts();
leftovers();
attachPickers(document);
document.documentElement.classList.add("has-script");
