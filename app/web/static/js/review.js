/** Review by keyboard: A approves, R opens the reasons and then returns, arrows go to the neighbours. */
import { isTyping } from "./shell.js";
import { say } from "./words.js";

const form = document.getElementById("decide");
const part = document.getElementById("return-part");

function openReasons(button) {
  part.hidden = false;
  button.setAttribute("aria-expanded", "true");
  part.querySelector("input, textarea").focus();
}

function reasonGiven() {
  return part.querySelector("input:checked") !== null || form.elements.opinion.value.trim() !== "";
}

/** The first press opens the reasons; the second sends them. */
form?.addEventListener("submit", (event) => {
  if (!("return" in (event.submitter?.dataset ?? {}))) return;
  if (part.hidden) {
    event.preventDefault();
    openReasons(event.submitter);
  } else if (!reasonGiven()) {
    event.preventDefault();
    const line = document.getElementById("opinion-errors");
    line.textContent = say("reason_needed");
    line.hidden = false;
    form.elements.opinion.setAttribute("aria-invalid", "true");
    form.elements.opinion.focus();
  }
});

form?.addEventListener("input", (event) => {
  if (event.target.name === "contact_name") form.querySelector("[data-contact-name]").textContent = event.target.value;
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || document.querySelector("dialog[open]")) return;
  if (event.key === "Escape" && part && !part.hidden) {
    part.hidden = true;
    form.querySelector("[data-return]").setAttribute("aria-expanded", "false");
    form.querySelector("[data-return]").focus();
    return;
  }
  if (event.repeat || isTyping(event.target)) return;
  const key = event.key.toLowerCase();
  // While reasons stand open an A is no approval: they were half given to return it.
  if (form && key === "a" && part.hidden) { event.preventDefault(); form.requestSubmit(form.querySelector("[data-approve]")); }
  if (form && key === "r") { event.preventDefault(); form.requestSubmit(form.querySelector("[data-return]")); }
  document.querySelector(`a[data-key="${event.key}"]`)?.click();
});

const undo = document.querySelector("[data-undo]");
if (undo) {
  let left = Number(undo.dataset.undo);
  const line = undo.querySelector("[data-undo-left]");
  const tick = () => {
    line.textContent = say("undo_left", { n: left });
    if (left <= 0) undo.remove();
    else setTimeout(tick, 1000);
    left -= 1;
  };
  tick();
}
document.querySelector(".queue .is-here")?.scrollIntoView({ block: "nearest" });
