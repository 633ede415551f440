/** A photo at full size, over the page: turn, next and previous among its neighbours. */
let group = [];
let at = 0;
let turned = 0;

function draw(dialog) {
  const image = dialog.querySelector("[data-photo]");
  image.src = group[at].dataset.photoUrl;
  image.alt = group[at].dataset.photoName ?? "";
  image.className = turned ? `turn-${turned}` : "";
  dialog.querySelector("[data-photo-prev]").disabled = at === 0;
  dialog.querySelector("[data-photo-next]").disabled = at === group.length - 1;
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
  });
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") step(dialog, -1);
    if (event.key === "ArrowRight") step(dialog, 1);
    event.stopPropagation();
  });
}

/** Opens the photo of this button or link; its neighbours are those within [data-photos]. */
export function openPhotos(element) {
  const dialog = document.getElementById("photo-dialog");
  if (!dialog) return;
  const around = element.closest("[data-photos]") ?? element.parentElement;
  group = [...around.querySelectorAll("[data-photo-url]")];
  at = Math.max(0, group.indexOf(element));
  turned = 0;
  if (!dialog.dataset.ready) { listen(dialog); dialog.dataset.ready = "yes"; }
  draw(dialog);
  dialog.showModal();
}
