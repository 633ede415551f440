/**
 * Photos and papers of a form: each goes to the server by itself (outbox.js), with a preview, progress and
 * retry, and can be turned, moved and taken off; the form only carries ids.
 */
import { send } from "../frame/http.js";
import { icon } from "../frame/icons.js";
import { add, askToSignIn, drop, moment, onChange, retry, stopped, turnWaiting, waiting } from "../offline/outbox.js";
import { watchOutbox } from "../offline/outbox_bar.js";
import { lighter } from "./shrink.js";
import { say } from "../frame/words.js";

const KINDS = {
  photo: { test: /^image\//, words: "JPG / PNG / WebP / HEIC" },
  paper: { test: /^(application\/pdf$|image\/)/, words: "PDF / JPG / PNG / WebP / HEIC" },
};

function size(bytes) {
  return bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.ceil(bytes / 1e3)} KB`;
}

function part(tile, name) {
  return tile.querySelector(`[data-file-${name}]`);
}

function warn(line, text) {
  line.hidden = !text;
  line.querySelector("span").textContent = text;
}

/** Where the same picture stands already, said when it has arrived; turned later it is still the same. */
function tellSame(tile, { same }) {
  if (!same) return;
  const line = part(tile, "same");
  const link = line.querySelector("a");
  line.hidden = false;
  link.textContent = same.text;
  if (same.url) Object.assign(link, { href: same.url, target: "_blank", rel: "noopener" });
}

/** The picture of a file, or its icon, as the templates' `look` draws it. */
function look(tile, { url, thumb, photo, name }) {
  tile.querySelector(".file-look")?.remove();
  const made = document.createElement(photo ? "button" : "a");
  made.className = "file-look";
  if (photo) {
    made.type = "button";
    made.dataset.photoUrl = url;
    made.dataset.photoName = name;
    made.setAttribute("aria-label", `${say("view_photo")} ${name}`);
  } else {
    Object.assign(made, { href: url, target: "_blank", rel: "noopener" });
    made.setAttribute("aria-label", name);
  }
  if (thumb) {
    const image = document.createElement("img");
    image.alt = "";
    image.addEventListener("error", () => image.replaceWith(icon("photo")));  // what this browser cannot draw
    image.src = thumb;
    made.append(image);
  } else {
    made.append(icon("file-text"));
  }
  tile.prepend(made);
}

function label(tile, name) {
  part(tile, "name").textContent = name;
  for (const button of tile.querySelectorAll(".file-tools button")) {
    button.setAttribute("aria-label", `${button.title} ${name}`);
  }
}

/** Shows what the server has. */
function fill(tile, file) {
  tile.className = "file-tile";
  tile.dataset.file = file.id;
  tile.dataset.turned = file.turned;
  tile.dataset.takenOn = file.taken_on;
  const input = tile.querySelector("[data-input]");
  input.value = file.id;
  input.disabled = false;
  look(tile, file);
  label(tile, file.name);
  part(tile, "note").textContent = file.note;
  warn(part(tile, "other-day"), file.other_day);
  warn(part(tile, "elsewhere"), file.elsewhere);
  tellSame(tile, file);
  for (const button of tile.querySelectorAll("[data-file-turn]")) button.hidden = !file.photo;
  tile.querySelector("progress")?.remove();
}

class Files {
  constructor(box, changed) {
    this.box = box;
    this.changed = changed;
    this.list = box.querySelector(".file-tiles");
    this.add = box.querySelector("[data-file-add]");
    this.max = Number(box.dataset.max);
    this.kind = KINDS[box.dataset.accept] ?? KINDS.photo;
    this.items = new Map();  // key -> {item, tile} of what is on its way
    this.removed = new Set();
    this.listen();
  }

  update() {
    const full = this.list.querySelectorAll(".file-tile:not(.is-failed)").length >= this.max;
    for (const input of this.add.querySelectorAll("input")) input.disabled = full;
    this.add.classList.toggle("is-full", full);
  }

  newTile(name) {
    const tile = this.box.querySelector("template").content.firstElementChild.cloneNode(true);
    tile.querySelector("[data-input]").disabled = true;
    label(tile, name);
    this.list.append(tile);
    return tile;
  }

  /** What was chosen before the page was reloaded and has not arrived yet. */
  async restore() {
    for (const item of await waiting()) if (item.url === this.box.dataset.uploadUrl) this.follow(item);
    this.update();
  }

  follow(item, tile = this.newTile(item.name)) {
    this.items.set(item.key, { item, tile });
    const photo = item.blob.type !== "application/pdf";
    const preview = photo ? URL.createObjectURL(item.blob) : null;
    look(tile, { url: preview, thumb: preview, photo, name: item.name });
    for (const button of tile.querySelectorAll("[data-file-turn]")) button.hidden = !photo;
    this.drawTurn(tile, item.turned);
    this.waits(tile, stopped(item));
    tile.dataset.key = item.key;
  }

  drawTurn(tile, turned) {
    const image = tile.querySelector(".file-look img");
    if (image) image.className = turned ? `turn-${turned}` : "";
  }

  waits(tile, why) {
    tile.className = why ? "file-tile is-waiting is-late" : "file-tile is-waiting";
    const text = why ? say("upload_why", { why }) : say("upload_waiting");
    part(tile, "note").textContent = text;
    tile.querySelector("progress")?.remove();
    part(tile, "again")?.remove();
    if (why) this.offerRetry(tile, retry);
  }

  sends(tile, item, share) {
    tile.className = "file-tile is-loading";
    part(tile, "again")?.remove();
    part(tile, "note").textContent = say("uploading", { name: "" });
    let bar = tile.querySelector("progress");
    if (!bar) {
      bar = document.createElement("progress");
      bar.max = 1;
      bar.setAttribute("aria-label", say("uploading", { name: item.name }));
      part(tile, "name").after(bar);
    }
    bar.value = share;
  }

  fails(tile, name, why, again) {
    tile.className = "file-tile is-failed";
    tile.querySelector("progress")?.remove();
    for (const button of tile.querySelectorAll("[data-file-turn], [data-file-move]")) button.hidden = true;
    const words = part(tile, "note");
    words.setAttribute("role", "alert");
    words.textContent = say("upload_failed", { name, why });
    if (again) this.offerRetry(tile, again);
    this.update();
  }

  offerRetry(tile, act) {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.fileAgain = "";
    button.textContent = say("retry");
    button.addEventListener("click", act);
    tile.querySelector(".file-tools").prepend(button);
  }

  /** What the outbox says of one file. */
  hear({ key, state, part: share, data, why }) {
    if (state === "sent" && this.removed.has(key)) this.remember(data.id);
    const known = this.items.get(key);
    if (!known) return;
    const { item, tile } = known;
    if (state === "waiting") this.waits(tile, why);
    if (state === "sending") this.sends(tile, item, share);
    if (!["sent", "refused", "dropped"].includes(state)) return;
    this.items.delete(key);
    delete tile.dataset.key;
    if (state === "dropped") tile.remove();
    if (state === "refused") this.fails(tile, item.name, why, () => { tile.remove(); this.take([new File([item.blob], item.name, { type: item.blob.type })]); });
    if (state === "sent") {
      fill(tile, data);
      this.checkDay(tile);
      this.changed(data.facts);
    }
    this.update();
  }

  take(files) {
    for (const file of files) {
      const { name } = file;
      const maxBytes = Number(this.box.dataset.maxBytes);
      const full = this.list.querySelectorAll(".file-tile:not(.is-failed)").length >= this.max;
      const tile = this.newTile(name);
      if (full) this.fails(tile, name, say("upload_limit", { max: this.max }));
      else if (file.size === 0) this.fails(tile, name, say("upload_empty", { name }));
      else if (file.size > maxBytes) this.fails(tile, name, say("upload_too_large", { name, size: size(file.size), max: size(maxBytes) }));
      else if (file.type && !this.kind.test.test(file.type)) this.fails(tile, name, say("upload_kind", { name, kinds: this.kind.words }));
      else this.deliver(file, tile);
    }
    this.update();
  }

  async deliver(file, tile) {
    tile.classList.add("is-loading");
    part(tile, "note").textContent = say("preparing");
    const at = moment();
    const blob = await lighter(file);
    if (!tile.isConnected) return;  // taken off meanwhile
    const url = this.box.dataset.uploadUrl;
    this.follow(await add({ url, page: location.pathname, name: file.name, blob, at }), tile);
    this.update();
  }

  async turn(tile, by) {
    const known = this.items.get(tile.dataset.key);
    if (known) {
      if (tile.classList.contains("is-loading")) return;
      const turned = (known.item.turned + by + 360) % 360;
      await turnWaiting(known.item, turned);
      this.drawTurn(tile, turned);
      return;
    }
    const body = new FormData();
    body.append("photo", tile.dataset.file);
    body.append("turned", (Number(tile.dataset.turned) + by + 360) % 360);
    tile.classList.add("is-turning");
    try {
      const { ok, data } = await send(this.box.dataset.turnUrl, { method: "POST", body });
      if (ok) fill(tile, data);
      else part(tile, "note").textContent = say("turning_failed", { why: data?.message ?? data?.error ?? say("network") });
    } catch {
      part(tile, "note").textContent = say("turning_failed", { why: say("network") });
    }
    tile.classList.remove("is-turning");
    this.checkDay(tile);
  }

  /** Takes over the papers of the record before; the button goes with them. */
  async reuse(button) {
    button.disabled = true;
    const answer = await send(button.dataset.fileReuse, { method: "POST" }).catch(() => null);
    if (!answer?.ok) {
      button.disabled = false;
      const { data } = answer ?? {};
      this.fails(this.newTile(button.textContent), button.textContent, data?.error ?? data?.message ?? say("network"));
      return;
    }
    for (const file of answer.data) {
      const tile = this.newTile(file.name);
      fill(tile, file);
      this.checkDay(tile);
    }
    button.remove();
    this.changed();
    this.update();
  }

  /** The server drops it when the form is saved. */
  remember(id) {
    const gone = document.createElement("input");
    gone.type = "hidden";
    gone.name = "removed_files";
    gone.value = id;
    this.box.append(gone);
  }

  remove(tile) {
    if (tile.dataset.file) this.remember(tile.dataset.file);
    const { key } = tile.dataset;
    tile.remove();
    if (key) {
      this.items.delete(key);
      this.removed.add(key);
      drop(key);
    }
    this.changed();
    this.update();
    this.add.querySelector("input").focus();
  }

  place(tile, other, before) {
    if (!other || other === tile) return;
    if (before) other.before(tile);
    else other.after(tile);
    this.changed();
  }

  /** The camera's day beside the one that is typed in. */
  checkDay(tile) {
    const field = this.box.dataset.takenOnField;
    const taken = tile.dataset.takenOn;
    const input = field && this.box.closest("form")?.elements[field];
    if (!taken || !input) return;
    const name = input.closest("[data-field]")?.dataset.label ?? "";
    const other = /^\d{4}-\d\d-\d\d$/.test(input.value) && input.value !== taken;
    warn(part(tile, "other-day"), other ? say("other_day", { taken, label: name, day: input.value }) : "");
  }

  listen() {
    const { box, list } = this;
    onChange((change) => this.hear(change));
    for (const input of this.add.querySelectorAll("input")) {
      input.addEventListener("change", () => { this.take([...input.files]); input.value = ""; });
    }
    const reuse = box.querySelector("[data-file-reuse]");
    reuse?.addEventListener("click", () => this.reuse(reuse));
    list.addEventListener("click", (event) => {
      const tile = event.target.closest(".file-tile");
      const turn = event.target.closest("[data-file-turn]");
      const move = event.target.closest("[data-file-move]");
      if (event.target.closest("[data-file-remove]")) this.remove(tile);
      else if (turn) this.turn(tile, Number(turn.dataset.fileTurn));
      else if (move) {
        const before = Number(move.dataset.fileMove) < 0;
        this.place(tile, before ? tile.previousElementSibling : tile.nextElementSibling, before);
        move.focus();
      }
    });
    this.listenToDrags();
    box.closest("form")?.addEventListener("change", (event) => {
      if (event.target.name === box.dataset.takenOnField) for (const tile of list.children) this.checkDay(tile);
    });
  }

  listenToDrags() {
    const { box, list } = this;
    let dragged = null;
    list.addEventListener("dragstart", (event) => {
      dragged = event.target.closest(".file-tile");
      event.dataTransfer.effectAllowed = "move";
    });
    list.addEventListener("dragend", () => { dragged = null; });
    box.addEventListener("dragover", (event) => {
      event.preventDefault();
      const over = dragged && event.target.closest(".file-tile");
      if (!over) return;
      const { left, width } = over.getBoundingClientRect();
      this.place(dragged, over, event.clientX < left + width / 2);
    });
    box.addEventListener("drop", (event) => {
      event.preventDefault();
      if (!dragged) this.take([...event.dataTransfer.files]);
    });
  }
}

/** `changed(facts)`: files came, went or moved; `facts` is what the server says of them now, where it said it. */
export function attachUploads(root, changed) {
  askToSignIn();
  for (const box of root.querySelectorAll("[data-files]")) {
    if (box.querySelector("[data-file-add]")) new Files(box, changed).restore();
  }
  watchOutbox();
}

/** How many files are on their way; `all`: those too that wait for a line or a retry. */
export function uploadsRunning(root, all) {
  return root.querySelectorAll(all ? ".is-loading, .is-waiting" : ".file-tile.is-loading").length;
}
