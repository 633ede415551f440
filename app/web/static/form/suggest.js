/** A field that is worked out from others until somebody types something else. */
import { isMissing } from "./rules.js";
import { readField, sameValue, writeField } from "../frame/values.js";

/** `typing`: something was changed just now; before that what stands there is only compared. */
export function suggest(element, value, typing) {
  const known = element.dataset.suggested;
  const stands = readField(element);
  const ours = isMissing(stands) ? known === undefined : sameValue(stands, known);
  if (!typing) {
    if (value !== null && sameValue(stands, value)) element.dataset.suggested = value;
    return;
  }
  if (!ours || element.contains(document.activeElement) || (value ?? "") === (known ?? "")) return;
  element.dataset.suggested = value ?? "";
  writeField(element, value);
}
