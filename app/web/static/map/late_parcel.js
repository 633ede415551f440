/** The parcel of a survey that had none: chosen on the map, then sent. */
import { chooseParcel, factsText } from "./parcels.js";

const form = document.querySelector("[data-late-parcel]");
const number = form.querySelector("[data-late-number]");
form.querySelector("[data-choose-parcel]").addEventListener("click", async () => {
  const parcel = await chooseParcel(number.value.trim());
  if (!parcel || parcel === "none") return;
  number.value = parcel.number;
  form.querySelector("[data-late-facts]").textContent = factsText(parcel);
});
