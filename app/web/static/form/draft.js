/** Keeps what is typed as a draft on the server, a few seconds after the last change. */
import { send } from "../frame/http.js";
import { localDraft } from "../offline/offline_form.js";
import { CRASHED, gaveUp, pause } from "../offline/patience.js";
import { say } from "../frame/words.js";

const WAIT = 3000;
const MOST_WAIT = 12000;  // somebody who types on and on is saved as well
const AGAIN = 15000;

/** @returns {{touch, flush}} touch: something changed; flush: save now, resolves true when it is safe */
export function keepDraft({ url, version, read, line }) {
  let timer = null;
  let pending = false;
  let busy = Promise.resolve(true);
  const local = localDraft(url);
  let since = 0;
  let sent = null;
  let failures = 0;
  let crashes = 0;

  async function save() {
    pending = false;
    since = 0;
    line.textContent = say("draft_saving");
    const values = read();
    try {
      const { ok, status, data } = await send(url, { method: "POST", json: { version: version(), values } });
      if (ok) {
        failures = crashes = 0;
        local.drop();
        sent = JSON.stringify(values);
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
      crashes += status === CRASHED ? 1 : 0;
      throw new Error(String(status));
    } catch {
      pending = true;
      failures += 1;
      line.textContent = say((await local.keep(version(), read())) ? "draft_local" : "draft_failed");
      if (!gaveUp(crashes)) later(pause(failures, AGAIN));
      return false;
    }
  }
  function later(wait) {
    clearTimeout(timer);
    timer = setTimeout(flush, wait);
  }
  /** What did not change is not sent again. */
  function auto() {
    if (pending && JSON.stringify(read()) !== sent) flush();
    else since = 0;
  }
  function flush() {
    clearTimeout(timer);
    busy = busy.then(save);
    return busy;
  }
  window.addEventListener("online", () => { if (pending) flush(); });
  document.addEventListener("visibilitychange", () => { if (document.hidden) auto(); });  // the phone's camera opens
  return {
    kept: local.kept,
    touch() {
      pending = true;
      since ||= Date.now();
      clearTimeout(timer);
      timer = setTimeout(auto, Math.max(0, Math.min(WAIT, since + MOST_WAIT - Date.now())));
    },
    flush: () => (url ? flush() : Promise.resolve(true)),
  };
}
