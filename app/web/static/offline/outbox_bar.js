/** How many files wait or are being sent, on whichever page one is. */
import { onChange, pump, retry, waiting } from "./outbox.js";
import { say } from "../frame/words.js";

let bar = null;
let sending = false;
let why = "";
let watching = false;

function element(tag, text) {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

async function draw() {
  const items = await waiting();
  bar?.remove();
  bar = null;
  if (!items.length) return;
  bar = document.createElement("div");
  bar.className = "outbox-bar";
  bar.setAttribute("role", "status");
  bar.append(element("span", say(sending ? "upload_all_sending" : "upload_all_waiting", { n: items.length })));
  if (!sending && why) bar.append(element("small", why));
  const elsewhere = items.find(({ page }) => page !== location.pathname);
  if (elsewhere) {
    const link = element("a", say("upload_open_form"));
    link.href = elsewhere.page;
    bar.append(link);
  }
  if (!sending) {
    const again = element("button", say("retry"));
    again.type = "button";
    again.addEventListener("click", retry);
    bar.append(again);
  }
  document.body.append(bar);
}

/** Shows the bar while anything waits, and sends it. */
export function watchOutbox() {
  if (watching) return;
  watching = true;
  onChange((change) => {
    sending = change.state === "sending";
    why = change.why ?? "";
    if (change.state !== "sending" || change.part === 0) draw();
  });
  draw();
  pump();
}
