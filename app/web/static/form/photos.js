/**
 * A photo at full size, over the page: turn, next and previous among its neighbours, larger and smaller
 * by a click, the wheel or + and -; while it is enlarged it follows the pointer, or Shift with the arrows.
 */
const ZOOMS = [1, 2, 4];
const STEP = 15;  // percent that a key moves an enlarged photo
let group = [];
let at = 0;
let turned = 0;
let zoom = 0;
let focus = [50, 50];

function draw(dialog) {
  const image = dialog.querySelector("[data-photo]");
  image.src = group[at].dataset.photoUrl;
  image.alt = group[at].dataset.photoName ?? "";
  image.className = turned ? `turn-${turned}` : "";
  zoom = 0;
  enlarge(dialog, 0);
  dialog.querySelector("[data-photo-prev]").disabled = at === 0;
  dialog.querySelector("[data-photo-next]").disabled = at === group.length - 1;
}

/** One step larger or smaller; what lies under `focus` (percent) stays in view. */
function enlarge(dialog, by) {
  const image = dialog.querySelector("[data-photo]");
  zoom = Math.max(0, Math.min(ZOOMS.length - 1, zoom + by));
  if (!zoom) focus = [50, 50];
  image.style.scale = String(ZOOMS[zoom]);
  image.style.transformOrigin = turned ? "center" : `${focus[0]}% ${focus[1]}%`;
  image.classList.toggle("is-zoomed", zoom > 0);
}

function look(dialog, x, y) {
  focus = [x, y].map((part) => Math.max(0, Math.min(100, part)));
  enlarge(dialog, 0);
}

function under(event) {
  const frame = event.target.parentElement.getBoundingClientRect();
  return [((event.clientX - frame.left) / frame.width) * 100, ((event.clientY - frame.top) / frame.height) * 100];
}

const MOVES = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };

function onKey(dialog, event) {
  const move = MOVES[event.key];
  if (move && zoom && (event.shiftKey || move[1])) look(dialog, focus[0] + move[0], focus[1] + move[1]);
  else if (event.key === "ArrowLeft") step(dialog, -1);
  else if (event.key === "ArrowRight") step(dialog, 1);
  if (event.key === "+" || event.key === "=") enlarge(dialog, 1);
  if (event.key === "-") enlarge(dialog, -1);
  event.stopPropagation();
}

function step(dialog, by) {
  const next = at + by;
  if (next < 0 || next >= group.length) return;
  at = next;
  turned = 0;
  draw(dialog);
}

function listen(dialog) {
  dialog.addEventListener("click", (event) => {
    if (event.target.closest("[data-photo-prev]")) step(dialog, -1);
    if (event.target.closest("[data-photo-next]")) step(dialog, 1);
    if (event.target.closest("[data-photo-turn]")) { turned = (turned + 90) % 360; draw(dialog); }
    if (event.target.closest("[data-photo-close]")) dialog.close();
    if (event.target.closest("[data-photo-zoom]")) enlarge(dialog, zoom < ZOOMS.length - 1 ? 1 : -zoom);
    if (event.target.matches("[data-photo]")) {
      focus = under(event);
      enlarge(dialog, zoom < ZOOMS.length - 1 ? 1 : -zoom);
    }
  });
  dialog.addEventListener("mousemove", (event) => { if (zoom && event.target.matches("[data-photo]")) look(dialog, ...under(event)); });
  dialog.addEventListener("wheel", (event) => { event.preventDefault(); enlarge(dialog, event.deltaY < 0 ? 1 : -1); }, { passive: false });
  dialog.addEventListener("keydown", (event) => onKey(dialog, event));
}

/** Opens the photo of this button or link; its neighbours are those within [data-photos-all], else [data-photos]. */
export function openPhotos(element) {
  const dialog = document.getElementById("photo-dialog");
  if (!dialog) return;
  const around = element.closest("[data-photos-all]") ?? element.closest("[data-photos]") ?? element.parentElement;
  group = [...around.querySelectorAll("[data-photo-url]")];
  at = Math.max(0, group.indexOf(element));
  turned = 0;
  if (!dialog.dataset.ready) { listen(dialog); dialog.dataset.ready = "yes"; }
  draw(dialog);
  dialog.showModal();
}
