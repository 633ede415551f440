/**
 * The parcel of a form's house: what the chosen one says fills empty fields; what was typed stays
 * unless the clerk says otherwise. Beside a filled field stands where its value comes from.
 */
import { chooseParcel } from "../map/parcels.js";
import { fieldText } from "./prior.js";
import { confirmed } from "../frame/shell.js";
import { readField, sameValue, writeField } from "../frame/values.js";
import { say } from "../frame/words.js";

function noteOrigin(element, text) {
  element.querySelector(":scope > [data-origin]")?.remove();
  if (!text) return;
  const line = document.createElement("p");
  line.className = "origin";
  line.dataset.origin = "";
  line.textContent = text;
  element.append(line);
}

async function fill(elements, parcel) {
  const facts = parcel.facts.filter((fact) => elements.has(fact.name));
  const typed = (fact) => readField(elements.get(fact.name));
  const other = facts.filter((fact) => typed(fact) !== null && !sameValue(typed(fact), fact.value));
  let replace = false;
  if (other.length) {
    const what = other.map((fact) => say("parcel_other", {
      label: fact.label, typed: fieldText(elements.get(fact.name)), text: fact.text,
    })).join("\n");
    replace = await confirmed(say("parcel_replace", { what: `\n${what}` }));
  }
  for (const fact of facts) {
    const element = elements.get(fact.name);
    if (!replace && other.includes(fact)) continue;
    if (!sameValue(typed(fact), fact.value)) writeField(element, fact.value);
    noteOrigin(element, say("parcel_origin", { number: parcel.number }));
  }
}

/** `elements`: field name -> its element. */
export function attachParcel(form, elements) {
  const state = elements.get("parcel_state");
  const number = elements.get("parcel_number");
  const button = form.querySelector("[data-choose-parcel]");
  if (!button || !state || !number || !document.getElementById("parcel-dialog")) return;
  button.hidden = false; // the census is connected here
  const choose = async () => {
    const parcel = await chooseParcel(readField(number));
    if (parcel === null) return;
    if (parcel === "none") {
      writeField(state, "not_found");
      return;
    }
    writeField(state, "chosen");
    writeField(number, parcel.number);
    await fill(elements, parcel);
    button.focus();
  };
  button.addEventListener("click", choose);
  // to click this answer means the map; who goes through the buttons by keyboard is not interrupted by it
  state.addEventListener("click", (event) => {
    const picked = event.target.closest("label.pick")?.querySelector("input");
    if (event.detail && picked?.value === "chosen" && readField(number) === null && !event.target.matches("input")) choose();
  });
  form.addEventListener("input", (event) => {
    const element = event.target.closest("[data-field]");
    if (element && event.isTrusted) noteOrigin(element, "");
  });
}
