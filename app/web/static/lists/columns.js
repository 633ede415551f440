/** Which columns a list shows: ticked fields join the ordered ones, which move up and down. */

const form = document.querySelector("[data-columns-form]");
const chosen = form.querySelector("[data-chosen]");
const line = document.getElementById("column-line");
const boxes = [...form.querySelectorAll("[data-column]")];
const most = Number(form.dataset.most) - 1; // beside the first, which is fixed

function room() {
  const full = chosen.querySelectorAll("[data-name]").length >= most;
  for (const box of boxes) box.disabled = full && !box.checked;
}

function add(name, label) {
  const made = line.content.firstElementChild.cloneNode(true);
  made.dataset.name = name;
  made.querySelector("input").value = name;
  made.querySelector("span").textContent = label;
  for (const button of made.querySelectorAll("button")) button.setAttribute("aria-label", `${button.getAttribute("aria-label")} ${label}`);
  chosen.append(made);
}

for (const box of boxes) {
  box.addEventListener("change", () => {
    const name = box.dataset.column;
    if (box.checked) add(name, box.parentElement.querySelector("span").textContent);
    else chosen.querySelector(`[data-name="${name}"]`)?.remove();
    room();
  });
}

chosen.addEventListener("click", (event) => {
  const button = event.target.closest("[data-move]");
  if (!button) return;
  const item = button.closest("li");
  const beside = button.dataset.move === "-1" ? item.previousElementSibling : item.nextElementSibling;
  if (beside && !beside.classList.contains("is-fixed")) {
    if (button.dataset.move === "-1") beside.before(item); else beside.after(item);
    button.focus();
  }
});

room();
