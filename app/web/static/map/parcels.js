/**
 * Choosing a parcel on a map that needs no internet, or from the list beside it.
 * GET url                -> {box [w, s, e, n], border, place, chosen}: where to open
 * GET url?box=w,s,e,n    -> {parcels, more}: nearest to the middle first; more: too many, none given
 * GET url?q=61           -> {parcels, more}: whose number begins so
 * A parcel: {number, at, outline, facts [{name, label, value, text}], use, users [text]}
 */
import { send } from "../frame/http.js";
import { confirmed, toast } from "../frame/shell.js";
import { say } from "../frame/words.js";

const CHINA = [73, 18, 136, 54];
const WAIT = 250;
const STYLES = {
  free: { color: "#1a4f9c", weight: 1.5, fillColor: "#5b8def", fillOpacity: 0.35 },
  taken: { color: "#854a00", weight: 1.5, fillColor: "#f0b429", fillOpacity: 0.45, dashArray: "4 3" },
  chosen: { color: "#b3261e", weight: 3, fillColor: "#ff6b5e", fillOpacity: 0.55, dashArray: null },
};

/** Leaflet and its styles, loaded when a map is first opened. */
let loading = null;
function leaflet() {
  loading ??= (async () => {
    const sheet = document.createElement("link");
    sheet.rel = "stylesheet";
    sheet.href = new URL("../vendor/leaflet.css", import.meta.url).href;
    const styled = new Promise((resolve, reject) => { sheet.onload = resolve; sheet.onerror = reject; });
    document.head.append(sheet);
    const [module] = await Promise.all([import("../vendor/leaflet.js"), styled]);
    return module;
  })();
  return loading;
}

const turned = (outline) => outline.map((polygon) => polygon.map((ring) => ring.map(([x, y]) => [y, x])));
const bounds = ([west, south, east, north]) => [[south, west], [north, east]];

export function factsText(parcel) {
  const facts = parcel.facts.map((fact) => fact.text);
  return [...facts, parcel.use].filter(Boolean).join(" · ");
}

class Chooser {
  constructor(dialog) {
    this.dialog = dialog;
    this.list = dialog.querySelector("[data-parcel-list]");
    this.count = dialog.querySelector("[data-parcel-count]");
    this.search = dialog.querySelector("[data-parcel-search]");
    this.take = dialog.querySelector("[data-parcel-take]");
    this.summary = dialog.querySelector("[data-parcel-chosen]");
    this.unchosen = this.summary.textContent;
    this.shapes = new Map();
    this.parcels = new Map();
    this.chosen = null;
    this.asked = 0;
    this.listen();
  }

  listen() {
    const { dialog } = this;
    dialog.querySelector("[data-parcel-close]").addEventListener("click", () => this.close(null));
    dialog.querySelector("[data-parcel-none]").addEventListener("click", () => this.close("none"));
    dialog.querySelector("[data-parcel-here]").addEventListener("click", () => this.map?.locate({ setView: true, maxZoom: 18 }));
    dialog.addEventListener("cancel", (event) => { event.preventDefault(); this.close(null); });
    this.take.addEventListener("click", () => this.confirm());
    this.list.addEventListener("click", (event) => {
      const button = event.target.closest("[data-number]");
      if (button) this.choose(button.dataset.number, true);
    });
    this.search.addEventListener("input", () => {
      clearTimeout(this.typing);
      this.typing = setTimeout(() => this.load(), WAIT);
    });
    this.search.addEventListener("keydown", (event) => {
      if (event.key === "Enter") event.preventDefault();
    });
  }

  /** Resolves to a parcel, "none" (not found), or null (closed without a choice). */
  async open(number) {
    this.choose(null);
    this.dialog.showModal();
    this.search.value = "";
    const answer = new Promise((resolve) => { this.answer = resolve; });
    try {
      const [L, { ok, data }] = await Promise.all([leaflet(), send(this.dialog.dataset.url)]);
      if (!ok) throw new Error("parcels");
      this.draw(L, data);
      if (data.chosen && data.chosen.number === number) {
        this.keep([data.chosen]);
        this.choose(number, true);
      }
    } catch {
      this.say(say("network"));
    }
    return answer;
  }

  close(found) {
    this.dialog.close();
    this.answer?.(found);
    this.answer = null;
  }

  async confirm() {
    const parcel = this.parcels.get(this.chosen);
    if (!parcel) return;
    if (parcel.users.length) {
      const question = say("parcel_taken", { number: parcel.number, users: parcel.users.join(" ") });
      if (!(await confirmed(question))) return;
    }
    this.close(parcel);
  }

  draw(L, { box, border }) {
    this.L = L;
    if (!this.map) {
      this.map = L.map(this.dialog.querySelector("[data-parcel-map]"), {
        attributionControl: false, maxZoom: 20, minZoom: 4, zoomSnap: 0.5,
      });
      const { tiles } = this.dialog.dataset;
      if (tiles) L.tileLayer(tiles, { maxZoom: 20, maxNativeZoom: 18 }).addTo(this.map);
      if (border) L.polygon(turned(border), { color: "#566271", weight: 1.5, dashArray: "6 4", fill: false, interactive: false }).addTo(this.map);
      L.control.scale({ imperial: false }).addTo(this.map);
      this.layer = L.layerGroup().addTo(this.map);
      this.map.on("moveend", () => { if (!this.search.value.trim()) this.load(); });
      this.map.on("locationerror", () => toast(say("no_location")));
    }
    this.map.invalidateSize();
    this.map.fitBounds(bounds(box ?? CHINA), { maxZoom: 18, padding: [10, 10] });
  }

  /** The parcels of what the map shows, or those that are searched for. */
  async load() {
    const text = this.search.value.trim();
    const seen = this.map.getBounds();
    const box = [seen.getWest(), seen.getSouth(), seen.getEast(), seen.getNorth()].map((n) => n.toFixed(6));
    this.asked += 1;
    const mine = this.asked;
    const query = text ? { q: text } : { box: box.join(",") };
    const { ok, data } = await send(`${this.dialog.dataset.url}?${new URLSearchParams(query)}`);
    if (mine !== this.asked) return; // the map has moved on
    if (!ok) { this.say(say("network")); return; }
    if (text && data.parcels.length) {
      const corners = data.parcels.map((parcel) => [parcel.at[1], parcel.at[0]]);
      this.asked += 1;
      this.map.fitBounds(corners, { maxZoom: 18, animate: false });
    }
    this.show(data, text);
  }

  show({ parcels, more }, text) {
    const kept = this.chosen && this.parcels.get(this.chosen);
    this.layer.clearLayers();
    this.shapes.clear();
    this.parcels.clear();
    this.keep(kept && !parcels.some((parcel) => parcel.number === kept.number) ? [kept, ...parcels] : parcels);
    const held = this.list.contains(document.activeElement) && document.activeElement.dataset.number;
    this.list.replaceChildren(...parcels.map((parcel) => this.line(parcel)));
    if (held) this.list.querySelector(`[data-number="${CSS.escape(held)}"]`)?.focus({ preventScroll: true });
    if (more) this.say(say("parcels_more"));
    else if (parcels.length) this.say(say(text ? "parcels_found" : "parcels_here", { n: parcels.length }));
    else this.say(say(text ? "no_match" : "parcels_none"));
    this.mark();
  }

  keep(parcels) {
    for (const parcel of parcels) {
      this.parcels.set(parcel.number, parcel);
      const shape = this.L.polygon(turned(parcel.outline), parcel.users.length ? STYLES.taken : STYLES.free);
      shape.on("click", () => this.choose(parcel.number));
      shape.addTo(this.layer);
      this.shapes.set(parcel.number, shape);
    }
  }

  line(parcel) {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "parcel-line";
    button.dataset.number = parcel.number;
    const number = document.createElement("b");
    number.textContent = parcel.number;
    button.append(number);
    for (const [text, look] of [[factsText(parcel), "sub"], [parcel.users.join(" "), "sub tone-warn"]]) {
      if (!text) continue;
      const line = document.createElement("small");
      line.className = look;
      line.textContent = look === "sub" ? text : say("parcel_used", { users: text });
      button.append(line);
    }
    item.append(button);
    return item;
  }

  choose(number, go = false) {
    this.chosen = number;
    const parcel = this.parcels.get(number);
    this.take.disabled = !parcel;
    this.summary.textContent = parcel
      ? [parcel.number, factsText(parcel), parcel.users.length && say("parcel_used", { users: parcel.users.join(" ") })].filter(Boolean).join("  ")
      : this.unchosen;
    if (parcel && go && this.map) this.map.setView([parcel.at[1], parcel.at[0]], Math.max(this.map.getZoom(), 17));
    this.mark();
  }

  mark() {
    for (const [number, shape] of this.shapes) {
      const taken = this.parcels.get(number).users.length;
      shape.setStyle(number === this.chosen ? STYLES.chosen : { dashArray: null, ...(taken ? STYLES.taken : STYLES.free) });
      if (number === this.chosen) shape.bringToFront();
    }
    for (const button of this.list.querySelectorAll("[data-number]")) {
      button.setAttribute("aria-pressed", String(button.dataset.number === this.chosen));
    }
  }

  say(text) {
    this.count.textContent = text;
  }
}

let chooser = null;

/** Opens the page's dialog; see Chooser.open. */
export function chooseParcel(number) {
  chooser ??= new Chooser(document.getElementById("parcel-dialog"));
  return chooser.open(number);
}
