/** Keeps what is typed as a draft on the server, a few seconds after the last change. */
import { send, signedOut } from "../frame/http.js";
import { localDraft } from "../offline/offline_form.js";
import { CRASHED, gaveUp, pause } from "../offline/patience.js";
import { say } from "../frame/words.js";

const WAIT = 3000;
const MOST_WAIT = 12000;  // somebody who types on and on is saved as well
const AGAIN = 15000;
const NOTHING = "{}";

/**
 * `read` gives what hands typed, and nothing else of the form; `late` is called when a draft has reached
 * the server that somebody wanted to save while there was no line.
 * @returns {{touch, flush, kept}} touch: something changed; flush: before the form is sent, resolves true
 *   when that may be; kept: what this browser kept while there was no line
 */
export function keepDraft({ url, version, read, line, late }) {
  let timer = null;
  let pending = false;
  let busy = Promise.resolve(true);
  const local = localDraft(url);
  let since = 0;
  let sent = NOTHING;
  let failures = 0;
  let crashes = 0;
  let later = false;  // who would rather sign in later is not asked again while typing
  let wanted = false;  // somebody asked to save, and it could not be sent

  const keepHere = () => local.keep(version(), read(), wanted);

  async function save(asked) {
    pending = false;
    since = 0;
    wanted ||= asked;
    line.textContent = say("draft_saving");
    const values = read();
    try {
      const { ok, status, data } = await send(url, { method: "POST", json: { version: version(), values }, quiet: later && !asked });
      if (ok) {
        failures = crashes = 0;
        local.drop();
        sent = JSON.stringify(values);
        line.textContent = say("draft_saved", { time: data?.saved_at ?? "" });
        if (wanted && !asked) late();
        wanted = false;
        return true;
      }
      if (signedOut(status, data)) {
        pending = true;
        later = true;
        await keepHere();
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
      line.textContent = say((await keepHere()) ? (wanted ? "save_waiting" : "draft_local") : "draft_failed");
      if (!gaveUp(crashes)) again(pause(failures, AGAIN));
      return false;
    }
  }
  function again(wait) {
    clearTimeout(timer);
    timer = setTimeout(flush, wait);
  }
  function auto() {
    if (pending) flush();
    else since = 0;
  }
  /** What is the same by the time its turn comes is not sent again: it might arrive after the form itself. */
  function due() {
    if (JSON.stringify(read()) !== sent) return true;
    pending = false;
    since = 0;
    return false;
  }
  function flush(asked = false) {
    clearTimeout(timer);
    busy = busy.then(() => (asked || due() ? save(asked) : true));
    return busy;
  }
  window.addEventListener("online", () => { if (pending) flush(); });
  window.addEventListener("anju:signed-in", () => { later = false; if (pending) flush(); });
  document.addEventListener("visibilitychange", () => { if (document.hidden) auto(); });  // the phone's camera opens
  return {
    kept: local.kept,
    touch() {
      pending = true;
      since ||= Date.now();
      clearTimeout(timer);
      timer = setTimeout(auto, Math.max(0, Math.min(WAIT, since + MOST_WAIT - Date.now())));
    },
    flush: () => (url ? flush(true) : Promise.resolve(true)),
  };
}
