/** Keeps what is typed as a draft on the server, a few seconds after the last change. */
import { send } from "./http.js";
import { localDraft } from "./offline_form.js";
import { say } from "./words.js";

const WAIT = 3000;
const AGAIN = 15000;

/** @returns {{touch, flush}} touch: something changed; flush: save now, resolves true when it is safe */
export function keepDraft({ url, version, read, line }) {
  let timer = null;
  let pending = false;
  let busy = Promise.resolve(true);
  const local = localDraft(url);

  async function save() {
    pending = false;
    line.textContent = say("draft_saving");
    try {
      const { ok, status, data } = await send(url, { method: "POST", json: { version: version(), values: read() } });
      if (ok) {
        local.drop();
        line.textContent = say("draft_saved", { time: data?.saved_at ?? "" });
        return true;
      }
      if (status === 401) {
        pending = true;
        await local.keep(version(), read());
        line.textContent = say("draft_waiting");
        return false;
      }
      if (data?.message && status < 500) {  // refused for a reason that time does not mend
        pending = status !== 409;
        line.textContent = data.message;
        return status === 409;
      }
      throw new Error(String(status));
    } catch {
      pending = true;
      line.textContent = say((await local.keep(version(), read())) ? "draft_local" : "draft_failed");
      later(AGAIN);
      return false;
    }
  }
  function later(wait) {
    clearTimeout(timer);
    timer = setTimeout(flush, wait);
  }
  function flush() {
    clearTimeout(timer);
    busy = busy.then(save);
    return busy;
  }
  window.addEventListener("online", () => { if (pending) flush(); });
  return {
    kept: local.kept,
    touch() { pending = true; later(WAIT); },
    flush: () => (url ? flush() : Promise.resolve(true)),
  };
}
