/** A year that is one of two, by another field's day: chosen from a list beside the input, which keeps it. */
import { refused } from "./rules.js";
import { say } from "../frame/words.js";

/** The years that are offered: that of the day and the next, without those that the field's rules refuse. */
export function yearsOf(rules, name, values, options) {
  const [year] = /^\d{4}(?=-)/.exec(values[rules.fields[name].near] ?? "") ?? [];
  if (!year) return [];
  const both = [year, String(Number(year) + 1)];
  const away = refused(rules, name, both, values, options);
  return both.filter((one) => !away.includes(one));
}

function made(input) {
  const list = document.createElement("select");
  list.className = "form-select";
  list.id = `${input.id}-list`;
  list.setAttribute("aria-describedby", input.getAttribute("aria-describedby"));
  list.addEventListener("change", () => {
    input.value = list.value;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
  input.before(list);
  return list;
}

/** Offers them; what stands there stays, with its message. Without a day the year is typed. */
export function drawYears(element, years) {
  const input = element.querySelector("input[data-input]");
  const list = element.querySelector("select") ?? made(input);
  list.hidden = years.length === 0;
  input.hidden = years.length > 0;
  element.querySelector(":scope > .form-label").htmlFor = (list.hidden ? input : list).id;
  const offered = [...new Set([...years, input.value].filter(Boolean))].sort();
  if (list.dataset.offered !== offered.join(" ")) {
    list.replaceChildren(new Option(say("choose_one"), ""), ...offered.map((year) => new Option(year, year)));
    list.dataset.offered = offered.join(" ");
  }
  list.value = input.value;
}
