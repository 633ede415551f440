/**
 * An accessible combobox over a text input (ARIA 1.2 pattern: focus stays in the input, the active
 * option is named by aria-activedescendant). What it offers comes from `offer`.
 *
 * @param input   the text input with role="combobox" and aria-controls
 * @param offer   async (query) => {groups: [{heading?, options: [{id, text, note?, down?, names?, far?}]}],
 *                trail?: [{label, go}], note?}; `down` is a function that opens the option's children,
 *                `names` what it is called besides its text; one that is `far` is only taken when pointed at
 * @param pick    (option) => void, called when one is chosen
 * @param restore () => void, called when the typed text was left without a choice
 */
import { say } from "./words.js";

const same = (text) => text.replace(/\s/g, "").toLowerCase();

/** The option that Enter takes after this was typed: what is called exactly so, else the first; none where that is unsure. */
function meant(options, typed) {
  if (!options.length) return -1;
  const wanted = same(typed);
  const full = options.findIndex(({ text }) => same(text) === wanted);
  const whole = options.filter(({ text, names = [] }) => [text, ...names].some((name) => same(name) === wanted));
  if (whole.length > 1) return -1;
  if (full >= 0) return full;
  const index = whole.length ? options.indexOf(whole[0]) : 0;
  return options[index].far ? -1 : index;
}

export function combobox(input, { offer, pick, restore, chosen }) {
  const box = input.closest(".picker");
  const panel = document.createElement("div");
  panel.className = "picker-panel";
  panel.hidden = true;
  const trail = document.createElement("div");
  trail.className = "picker-trail";
  const list = document.createElement("ul");
  list.className = "picker-list";
  list.id = input.getAttribute("aria-controls");
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", input.labels?.[0]?.textContent.trim() || input.placeholder);
  const note = document.createElement("div");
  note.className = "picker-note";
  note.setAttribute("role", "status");
  panel.append(trail, list, note);
  box.append(panel);
  let options = [];
  let active = -1;
  let asked = 0;
  let timer = null;
  let looking = null;

  const isOpen = () => !panel.hidden;
  /** Back to what was chosen before. */
  function giveUp() {
    restore(input.value.trim());
    input.dataset.typed = "no";
    close();
  }
  function close() {
    panel.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }
  function activate(index) {
    options[active]?.element.classList.remove("is-active");
    active = index;
    const option = options[active];
    if (!option) { input.removeAttribute("aria-activedescendant"); return; }
    option.element.classList.add("is-active");
    option.element.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", option.element.id);
  }
  function choose(option) {
    close();
    pick(option);
  }
  function drawOption(option, index) {
    const line = document.createElement("li");
    line.className = "picker-option";
    line.id = `${list.id}-${index}`;
    line.setAttribute("role", "option");
    line.setAttribute("aria-selected", String(chosen?.() === String(option.id)));
    const text = document.createElement("span");
    text.textContent = option.text;
    line.append(text);
    if (option.note) {
      const small = document.createElement("small");
      small.textContent = option.note;
      line.append(small);
    }
    if (option.down) {
      const down = document.createElement("span");
      down.className = "picker-down";
      down.textContent = `${say("open_level")} ›`;
      down.addEventListener("mousedown", (event) => {
        event.preventDefault();
        event.stopPropagation();
        show(option.down());
      });
      line.append(down);
    }
    line.addEventListener("mousedown", (event) => { event.preventDefault(); choose(option); });
    line.addEventListener("mousemove", () => { if (active !== index) activate(index); });
    return line;
  }
  function draw({ groups, trail: steps = [], note: sentence = "" }) {
    list.replaceChildren();
    options = [];
    for (const group of groups) {
      if (group.heading && group.options.length) {
        const head = document.createElement("li");
        head.className = "picker-head";
        head.setAttribute("role", "presentation");
        head.textContent = group.heading;
        list.append(head);
      }
      for (const option of group.options) {
        const element = drawOption(option, options.length);
        options.push({ ...option, element });
        list.append(element);
      }
    }
    trail.replaceChildren(...steps.map((step) => {
      const button = document.createElement("button");
      button.type = "button";
      button.tabIndex = -1;
      button.textContent = step.label;
      button.addEventListener("mousedown", (event) => { event.preventDefault(); show(step.go()); });
      return button;
    }));
    trail.hidden = steps.length === 0;
    const typed = input.dataset.typed === "yes" && input.value.trim();
    const first = typed ? meant(options, typed) : options.findIndex(({ id }) => String(id) === chosen?.());
    const unsure = typed && options.length && first < 0 ? say("point_at_one") : "";
    note.textContent = sentence || (options.length ? unsure : say("no_match"));
    note.hidden = !note.textContent;
    list.hidden = options.length === 0;
    activate(first);
  }
  async function show(offered) {
    asked += 1;
    const mine = asked;
    panel.hidden = false;
    input.setAttribute("aria-expanded", "true");
    const slow = setTimeout(() => { if (mine === asked) { note.textContent = say("searching"); note.hidden = false; } }, 300);
    try {
      const answer = await offered;
      if (mine === asked) draw(answer);
    } catch {
      if (mine === asked) draw({ groups: [], note: say("network") });
    } finally {
      clearTimeout(slow);
    }
  }
  /** Asks for what is typed; what was asked for before is not waited for. */
  function look() {
    clearTimeout(timer);
    timer = null;
    looking = show(offer(input.dataset.typed === "yes" ? input.value.trim() : ""));
    return looking;
  }
  /** What is meant by what stands there now, however quickly it was typed. */
  async function take() {
    const text = input.value;
    await (timer === null ? looking : look());
    if (!isOpen() || input.value !== text) return;
    if (options[active]) choose(options[active]);
    else if (input.dataset.typed !== "yes") close();
  }

  input.addEventListener("focus", () => { input.dataset.typed = "no"; input.select(); });
  input.addEventListener("click", () => {
    if (isOpen()) return;
    if (input.dataset.typed !== "yes") input.select();  // what is typed now takes the place of what was chosen
    look();
  });
  input.addEventListener("input", (event) => {
    if (event.isComposing) return;
    input.dataset.typed = "yes";
    clearTimeout(timer);
    timer = setTimeout(look, 150);
  });
  input.addEventListener("compositionend", () => { input.dataset.typed = "yes"; look(); });
  input.addEventListener("blur", () => {
    clearTimeout(timer);
    timer = null;
    asked += 1;
    giveUp();
  });
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!isOpen()) { look(); return; }
      const by = event.key === "ArrowDown" ? 1 : -1;
      if (options.length) activate((active + by + options.length) % options.length);
    } else if (event.key === "Enter" && (isOpen() || timer !== null)) {
      event.preventDefault();
      take();
    } else if (event.key === "ArrowRight" && isOpen() && options[active]?.down && input.dataset.typed !== "yes") {
      event.preventDefault();
      show(options[active].down());
    } else if (event.key === "Escape" && isOpen()) {
      event.preventDefault();
      event.stopPropagation();
      giveUp();
    }
  });
  return { close };
}
