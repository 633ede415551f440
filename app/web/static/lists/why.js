/** Why this rank: ticks are tried at once, by the server; only what they change is put in anew. */

const form = document.querySelector("[data-why]");
let asked = 0;

async function attempt() {
  const url = `${form.action}?${new URLSearchParams(new FormData(form))}`;
  const mine = ++asked;
  let answer;
  try { answer = await fetch(url, { credentials: "same-origin" }); } catch { answer = null; }
  if (mine !== asked) return; // a later tick is on its way
  if (!answer?.ok || answer.redirected) { // signed out, or no network: as without this script
    form.submit();
    return;
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (mine !== asked) return;
  for (const part of document.querySelectorAll("[data-why-part]")) {
    part.replaceChildren(...page.getElementById(part.id).childNodes);
  }
  history.replaceState(history.state, "", url);
}

form.querySelector("[data-why-try]").hidden = true;
form.addEventListener("change", attempt);
form.addEventListener("submit", (event) => { event.preventDefault(); attempt(); });
