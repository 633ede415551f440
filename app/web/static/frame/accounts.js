/** The form of an account: the name that a division's next account would get, registers on demand. */
import { send } from "./http.js";

function registers(form) {
  const rows = form.querySelectorAll('[id^="field-register-"]');
  const show = () => {
    const some = form.querySelector('input[name="scope"]:checked')?.value === "some";
    for (const row of rows) row.hidden = !some;
  };
  form.addEventListener("change", (event) => { if (event.target.name === "scope") show(); });
  show();
}

/** GET suggest-url&region= -> {login, allowances: [text]} */
function suggestions(form) {
  const { suggestUrl } = form.dataset;
  const login = form.querySelector('input[name="login"]');
  const said = form.querySelector("[data-allowances]");
  if (!suggestUrl || !login) return;
  form.addEventListener("change", async (event) => {
    if (!event.target.matches("[data-picker-value]")) return;
    const { ok, data } = await send(`${suggestUrl}&region=${encodeURIComponent(event.target.value)}`);
    if (!ok) return;
    login.placeholder = data.login;
    said.replaceChildren(...data.allowances.map((text) => {
      const line = document.createElement("span");
      line.textContent = text;
      return line;
    }));
  });
}

for (const form of document.querySelectorAll("[data-account-form]")) {
  registers(form);
  suggestions(form);
}
