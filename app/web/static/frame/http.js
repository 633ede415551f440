/** fetch with the CSRF token; an expired session asks for the password and then tries again. */
import { showCaptcha } from "./captcha.js";
import { say } from "./words.js";

export function csrfToken() {
  return document.querySelector('meta[name="csrf-token"]')?.content ?? "";
}

function setCsrfToken(token) {
  if (!token) return;
  document.querySelector('meta[name="csrf-token"]').content = token;
  for (const input of document.querySelectorAll('input[name="csrf_token"]')) input.value = token;
}

const layer = document.getElementById("signin-dialog");
export const account = layer?.dataset.account ?? "";

/** Where outbox.js notes how many files of an account wait, for pages that need nothing else of it. */
export const outboxCount = (login) => `anju.outbox.${login}`;

/** What a request of this page carries: its token, and the account that the page was made for. */
export function ownHeaders() {
  return { Accept: "application/json", "X-CSRFToken": csrfToken(), ...(account && { "X-Account": account }) };
}

/**
 * The sign-in page as data: the token of the present session, its account, a captcha if it asks for one.
 * Where another account has signed in meanwhile, this page's forms keep a token that is worth nothing.
 */
async function freshToken() {
  const response = await fetch(layer.dataset.url, { headers: { Accept: "application/json" }, credentials: "same-origin" });
  const fresh = await response.json();
  if (!fresh.account || fresh.account === account) setCsrfToken(fresh.csrf_token);
  return fresh;
}

let signingIn = null;

/**
 * Opens the sign-in layer; resolves true once this page's account is signed in, false when it was
 * closed. One at a time.
 */
export function signIn() {
  signingIn ??= new Promise((resolve) => {
    if (!layer) {
      resolve(false);
      return;
    }
    const form = layer.querySelector("form");
    const error = layer.querySelector("[data-signin-error]");
    const why = layer.querySelector("[data-signin-why]");
    const part = layer.querySelector("[data-signin-captcha]");
    const later = layer.querySelector("[data-signin-later]");
    const usual = why.textContent;
    let token = "";
    let done = false;
    const tell = (text) => { error.textContent = text; error.hidden = !text; };
    const prepare = (fresh) => {
      token = fresh.csrf_token ?? token;
      part.hidden = !fresh.captcha;
      showCaptcha(part, fresh.captcha);
    };
    const close = () => layer.close();
    const submit = async (event) => {
      event.preventDefault();
      tell("");
      await prepared;  // who is quick has no token yet
      const body = new FormData(form);
      body.set("csrf_token", token);
      try {
        const response = await fetch(layer.dataset.url, {
          method: "POST", body, credentials: "same-origin", headers: { Accept: "application/json" },
        });
        const answer = await response.json().catch(() => ({}));
        if (response.ok) {
          setCsrfToken(answer.csrf_token);
          done = true;
          window.dispatchEvent(new Event("anju:signed-in"));
          close();
          return;
        }
        tell(answer.message ?? answer.error ?? say("signin_failed"));
        prepare(answer.csrf_token ? answer : await freshToken());
        form.elements.password.select();
      } catch {
        tell(say("network"));
      }
    };
    tell("");
    const prepared = freshToken().then((fresh) => {
      prepare(fresh);
      if (fresh.account && fresh.account !== account) why.textContent = say("signin_other", { other: fresh.account, own: account });
    }).catch(() => tell(say("network")));
    form.addEventListener("submit", submit);
    later.addEventListener("click", close);
    layer.addEventListener("close", () => {
      form.removeEventListener("submit", submit);
      later.removeEventListener("click", close);
      form.reset();
      why.textContent = usual;
      signingIn = null;
      resolve(done);
    }, { once: true });
    layer.showModal();
    form.elements.password.focus();
  });
  return signingIn;
}

/** Was a request refused for want of a session, or of its token? */
export const signedOut = (status, data) => status === 401 || (status === 400 && data?.error === "csrf");

/**
 * After such a refusal: true once it may be sent again, with the token of a newer session of the same
 * account or after signing in.
 */
export async function regain(status, data) {
  if (!signedOut(status, data)) return false;
  return (await freshToken()).account === account || signIn();
}

/** Is this page's account still signed in? Asks for the password if it is not; else throws why not. */
export async function stillSignedIn() {
  const { ok, status, data } = await send("/account/alive");
  if (!ok && status !== 401) throw new Error(data?.message ?? say("network"));
  return ok;
}

/** The answer as data: parsed JSON, {html}, or null. */
async function dataOf(response) {
  const kind = response.headers.get("Content-Type") ?? "";
  if (kind.includes("json")) return response.json().catch(() => null);
  return kind.includes("html") ? { html: await response.text() } : null;
}

/**
 * @param {{method?, json?, body?, quiet?, again?}} options `quiet`: nothing asks for a password;
 *   `again`: what was refused for want of a session is sent once more
 * @returns {Promise<{ok, status, data}>} data: see dataOf
 */
export async function send(url, { method = "GET", json, body, quiet = false, again = true } = {}) {
  const headers = ownHeaders();
  if (json !== undefined) headers["Content-Type"] = "application/json";
  if (body instanceof FormData) body.delete("csrf_token");  // the page's, of a session that may have ended: the header has today's
  const response = await fetch(url, {
    method, headers, credentials: "same-origin", body: json === undefined ? body : JSON.stringify(json),
  });
  const data = await dataOf(response);
  if (again && !quiet && !response.ok && (await regain(response.status, data))) {
    return send(url, { method, json, body, quiet, again: false });
  }
  if (data?.csrf_token) setCsrfToken(data.csrf_token);
  return { ok: response.ok, status: response.status, data };
}
