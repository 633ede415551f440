/** fetch with the CSRF token; an expired session asks for the password and then tries again. */
import { say } from "./words.js";

export function csrfToken() {
  return document.querySelector('meta[name="csrf-token"]')?.content ?? "";
}

function setCsrfToken(token) {
  if (!token) return;
  document.querySelector('meta[name="csrf-token"]').content = token;
  for (const input of document.querySelectorAll('input[name="csrf_token"]')) input.value = token;
}

/** The sign-in page as data: the token that goes with the present session, and its captcha if any. */
async function freshToken() {
  const url = document.getElementById("signin-dialog").dataset.url;
  const response = await fetch(url, { headers: { Accept: "application/json" }, credentials: "same-origin" });
  const fresh = await response.json();
  setCsrfToken(fresh.csrf_token);
  return fresh;
}

let signingIn = null;

/**
 * Opens the sign-in layer; resolves true once signed in, false when it was closed. One at a time.
 * GET url -> {csrf_token, captcha_url?}; POST form -> {csrf_token} or 4xx {error, captcha_url?}
 */
export function signIn() {
  signingIn ??= new Promise((resolve) => {
    const dialog = document.getElementById("signin-dialog");
    if (!dialog) {
      resolve(false);
      return;
    }
    const form = dialog.querySelector("form");
    const error = dialog.querySelector("[data-signin-error]");
    const captcha = dialog.querySelector("[data-signin-captcha]");
    let done = false;
    const showCaptcha = (url) => {
      captcha.hidden = !url;
      if (url) captcha.querySelector("[data-captcha-image]").src = url;
    };
    freshToken().then((fresh) => showCaptcha(fresh.captcha_url))
      .catch(() => { error.textContent = say("network"); error.hidden = false; });
    const submit = async (event) => {
      event.preventDefault();
      error.hidden = true;
      const body = new FormData(form);
      try {
        const response = await fetch(dialog.dataset.url, {
          method: "POST", body, credentials: "same-origin",
          headers: { Accept: "application/json", "X-CSRFToken": csrfToken() },
        });
        const answer = await response.json().catch(() => ({}));
        setCsrfToken(answer.csrf_token);
        if (response.ok && answer.ok !== false) {
          done = true;
          dialog.close();
          return;
        }
        error.textContent = answer.error ?? say("signin_failed");
        showCaptcha(answer.captcha_url);
      } catch {
        error.textContent = say("network");
      }
      error.hidden = false;
    };
    form.addEventListener("submit", submit);
    dialog.addEventListener("close", () => {
      form.removeEventListener("submit", submit);
      form.reset();
      signingIn = null;
      resolve(done);
    }, { once: true });
    dialog.showModal();
    form.elements.password.focus();
  });
  return signingIn;
}

/**
 * @param {{method?, json?, body?, quiet?, again?}} options `quiet`: a 401 does not open the sign-in
 *   layer; `again`: an outdated token is renewed once
 * @returns {Promise<{ok, status, data}>} data is the parsed JSON answer or null
 */
export async function send(url, { method = "GET", json, body, quiet = false, again = true } = {}) {
  const headers = { Accept: "application/json", "X-CSRFToken": csrfToken() };
  if (json !== undefined) headers["Content-Type"] = "application/json";
  const response = await fetch(url, {
    method, headers, credentials: "same-origin", body: json === undefined ? body : JSON.stringify(json),
  });
  if (response.status === 401 && !quiet && (await signIn())) {
    return send(url, { method, json, body, quiet });
  }
  const kind = response.headers.get("Content-Type") ?? "";
  const data = kind.includes("json") ? await response.json().catch(() => null) : null;
  if (again && response.status === 400 && data?.error === "csrf") {
    await freshToken();  // another session: a new cookie, or a sign-in in another window
    return send(url, { method, json, body, quiet, again: false });
  }
  if (data?.csrf_token) setCsrfToken(data.csrf_token);
  return { ok: response.ok, status: response.status, data };
}
