/**
 * Photos and papers: each file goes to the server at once, with progress; the form only carries ids.
 * POST data-upload-url multipart {file, field} -> {id, url, thumb, name, note?} or 4xx {error}
 */
import { ownHeaders, regain } from "./http.js";
import { icon } from "./icons.js";
import { say } from "./words.js";

const KINDS = {
  photo: { test: /^image\//, words: "JPG / PNG / WebP" },
  paper: { test: /^(application\/pdf$|image\/)/, words: "PDF / JPG / PNG / WebP" },
};

function size(bytes) {
  return bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.ceil(bytes / 1e3)} KB`;
}

function post(url, file, field, onProgress) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open("POST", url);
    for (const [name, value] of Object.entries(ownHeaders())) request.setRequestHeader(name, value);
    request.responseType = "json";
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) onProgress(event.loaded / event.total);
    });
    request.addEventListener("load", () => resolve({ status: request.status, data: request.response }));
    request.addEventListener("error", () => resolve({ status: 0, data: null }));
    const body = new FormData();
    body.append("file", file);
    body.append("field", field);
    request.send(body);
  });
}

function button(name, label, mark) {
  const made = document.createElement("button");
  made.type = "button";
  made.setAttribute(name.includes("=") ? name.split("=")[0] : name, name.split("=")[1] ?? "");
  made.setAttribute("aria-label", label);
  made.append(mark);
  return made;
}

function fill(tile, file, { id, url, thumb, name, note }, field) {
  const input = document.createElement("input");
  input.type = "hidden";
  input.name = field;
  input.value = id;
  input.dataset.input = "";
  let look;
  if (thumb) {
    look = button(`data-photo-url=${url}`, `${say("view_photo")} ${name}`, document.createElement("img"));
    look.dataset.photoUrl = url;
    look.dataset.photoName = name;
    look.querySelector("img").src = thumb;
    look.querySelector("img").alt = "";
  } else {
    look = document.createElement("a");
    look.href = url;
    look.target = "_blank";
    look.rel = "noopener";
    look.setAttribute("aria-label", name);
    look.append(icon("file-text"));
  }
  look.className = "file-look";
  const title = document.createElement("span");
  title.className = "file-name";
  title.textContent = name;
  if (note) {
    const small = document.createElement("small");
    small.className = "sub";
    small.textContent = note;
    title.append(small);
  }
  const tools = document.createElement("span");
  tools.className = "file-tools";
  tools.append(
    button("data-file-move=-1", `${say("earlier")} ${name}`, icon("chevron-left")),
    button("data-file-move=1", `${say("later")} ${name}`, icon("chevron-right")),
    button("data-file-remove", `${say("remove")} ${name}`, icon("trash")),
  );
  tile.dataset.file = id;
  tile.classList.remove("is-loading");
  tile.replaceChildren(input, look, title, tools);
}

function attach(box, changed) {
  const list = box.querySelector(".file-tiles");
  const add = box.querySelector("[data-file-add]");
  if (!add) return;
  const { name, uploadUrl, accept } = box.dataset;
  const max = Number(box.dataset.max);
  const maxBytes = Number(box.dataset.maxBytes);
  const kind = KINDS[accept] ?? KINDS.photo;
  const update = () => {
    const full = list.querySelectorAll("[data-file], .is-loading").length >= max;
    for (const input of add.querySelectorAll("input")) input.disabled = full;
    add.classList.toggle("is-full", full);
  };
  const fail = (tile, file, why) => {
    tile.classList.remove("is-loading");
    tile.classList.add("is-failed");
    const words = document.createElement("span");
    words.className = "file-name";
    words.setAttribute("role", "alert");
    words.textContent = say("upload_failed", { name: file.name, why });
    const again = button("data-file-again", say("retry"), document.createTextNode(say("retry")));
    again.addEventListener("click", () => upload(file, tile));
    const tools = document.createElement("span");
    tools.className = "file-tools";
    tools.append(again, button("data-file-remove", `${say("remove")} ${file.name}`, icon("trash")));
    tile.replaceChildren(words, tools);
    update();
  };
  async function upload(file, tile) {
    tile.className = "file-tile is-loading";
    const bar = document.createElement("progress");
    bar.max = 1;
    bar.value = 0;
    bar.setAttribute("aria-label", say("uploading", { name: file.name }));
    const words = document.createElement("span");
    words.className = "file-name";
    words.textContent = say("uploading", { name: file.name });
    tile.replaceChildren(words, bar);
    update();
    const { status, data } = await post(uploadUrl, file, name, (part) => { bar.value = part; });
    if (await regain(status, data)) return upload(file, tile);
    if (status >= 200 && status < 300 && data?.id) {
      fill(tile, file, data, name);
      changed();
    } else {
      fail(tile, file, data?.message ?? data?.error ?? say("network"));
    }
    return update();
  }
  function take(files) {
    for (const file of files) {
      const tile = document.createElement("li");
      if (list.querySelectorAll("[data-file], .is-loading").length >= max) {
        list.append(tile);
        tile.className = "file-tile";
        fail(tile, file, say("upload_limit", { max }));
        return;
      }
      list.append(tile);
      if (file.size === 0) fail(tile, file, say("upload_empty", { name: file.name }));
      else if (file.size > maxBytes) fail(tile, file, say("upload_too_large", { name: file.name, size: size(file.size), max: size(maxBytes) }));
      else if (file.type && !kind.test.test(file.type)) fail(tile, file, say("upload_kind", { name: file.name, kinds: kind.words }));
      else upload(file, tile);
    }
  }
  for (const input of add.querySelectorAll("input")) {
    input.addEventListener("change", () => { take([...input.files]); input.value = ""; });
  }
  box.addEventListener("dragover", (event) => event.preventDefault());
  box.addEventListener("drop", (event) => { event.preventDefault(); take([...event.dataTransfer.files]); });
  list.addEventListener("click", (event) => {
    const tile = event.target.closest(".file-tile");
    const move = event.target.closest("[data-file-move]");
    if (event.target.closest("[data-file-remove]")) {
      if (tile.dataset.file) {  // the server drops it when the form is saved
        const gone = document.createElement("input");
        gone.type = "hidden";
        gone.name = "removed_files";
        gone.value = tile.dataset.file;
        box.append(gone);
      }
      tile.remove();
      changed();
      update();
      add.querySelector("input").focus();
    } else if (move) {
      const other = Number(move.dataset.fileMove) < 0 ? tile.previousElementSibling : tile.nextElementSibling;
      if (!other) return;
      if (Number(move.dataset.fileMove) < 0) other.before(tile);
      else other.after(tile);
      move.focus();
      changed();
    }
  });
  update();
}

export function attachUploads(root, changed) {
  for (const box of root.querySelectorAll("[data-files]")) attach(box, changed);
}

export function uploadsRunning(root) {
  return root.querySelector(".file-tile.is-loading") !== null;
}
