/**
 * Photos and papers on their way to the server. Each is kept in this browser under a key of its own until
 * the server has said that it has it, so that a line that breaks, a page that is reloaded or a session that
 * ends loses nothing; sent twice under its key, it is one file to the server.
 */
import { account, outboxCount, ownHeaders, regain } from "../frame/http.js";
import { dropRow, keepRow, newKey, rowsOf } from "../form/local.js";
import { say } from "../frame/words.js";
import { CRASHED, gaveUp, pause } from "./patience.js";

const STALLED = 60_000;
const COUNT = outboxCount(account);

const listeners = new Set();
const others = "BroadcastChannel" in window ? new BroadcastChannel("anju-outbox") : null;
const unkept = new Map();  // where the browser keeps nothing (private windows): until the page is left
const sending = new Map();
let busy = false;
let asks = false;
let signedOut = false;
let timer = null;
let failures = 0;  // in a row, since something arrived or somebody asked for another try
let last = 0;

/** Calls `listener({key, state, part?, data?, why?})`; state: waiting, sending, sent, refused, dropped. */
export function onChange(listener) {
  listeners.add(listener);
}

function tell(change) {
  for (const listener of listeners) listener(change);
  others?.postMessage(change);
}
others?.addEventListener("message", ({ data }) => { for (const listener of listeners) listener(data); });

/** All that waits, oldest first. */
export async function waiting() {
  const kept = await rowsOf("photos", account).catch(() => []);
  const all = [...kept, ...unkept.values()].sort((a, b) => a.at - b.at);
  localStorage.setItem(COUNT, String(all.length));
  return all;
}

async function keep(item) {
  try {
    await keepRow("photos", item);
  } catch {
    unkept.set(item.key, item);
  }
}

/** A moment later than all before, so that files keep the order in which they were chosen. */
export function moment() {
  last = Math.max(last + 1, Date.now());
  return last;
}

/** Takes a file in: {url, page, name, blob, at}. Resolves to it with its key. */
export async function add(file) {
  const item = { ...file, turned: 0, crashes: 0, key: newKey(), account };
  await keep(item);
  await waiting();
  tell({ key: item.key, state: "waiting" });
  pump();
  return item;
}

async function keepAgain(item) {
  if (unkept.has(item.key)) unkept.set(item.key, item);
  else await keep(item);
}

export async function turnWaiting(item, turned) {
  item.turned = turned;
  await keepAgain(item);
}

/** Why a file is not sent any more before somebody asks for it, or nothing. */
export function stopped({ crashes, why }) {
  return gaveUp(crashes) ? say("upload_stopped", { why }) : "";
}

async function forget(key) {
  unkept.delete(key);
  await dropRow("photos", key).catch(() => {});
  await waiting();
}

export async function drop(key) {
  sending.get(key)?.abort();
  await forget(key);
  tell({ key, state: "dropped" });
}

/** From now on an ended session asks for the password, as on a page where one is typing. */
export function askToSignIn() {
  asks = true;
}

function post(item) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    let stalled = null;
    const moving = () => {
      clearTimeout(stalled);
      stalled = setTimeout(() => request.abort(), STALLED);
    };
    const done = (status, data) => {
      clearTimeout(stalled);
      sending.delete(item.key);
      resolve({ status, data });
    };
    request.open("POST", item.url);
    for (const [name, value] of Object.entries(ownHeaders())) request.setRequestHeader(name, value);
    request.responseType = "json";
    request.upload.addEventListener("progress", ({ lengthComputable, loaded, total }) => {
      moving();
      if (lengthComputable) tell({ key: item.key, state: "sending", part: loaded / total });
    });
    request.addEventListener("load", () => done(request.status, request.response));
    for (const end of ["error", "abort"]) request.addEventListener(end, () => done(0, null));
    const body = new FormData();
    body.append("key", item.key);
    body.append("turned", item.turned);
    body.append("file", item.blob, item.name);
    sending.set(item.key, request);
    moving();
    request.send(body);
  });
}

/** Sends one; false where the line or the session is gone, so that the others need not be tried. */
async function send(item) {
  tell({ key: item.key, state: "sending", part: 0 });
  const { status, data } = await post(item);
  if (status >= 200 && status < 300 && data?.id) {
    failures = 0;
    await forget(item.key);
    tell({ key: item.key, state: "sent", data });
    return true;
  }
  const why = data?.message ?? data?.error ?? say("network");
  if (status === 401 || (status === 400 && data?.error === "csrf")) {
    if (asks && (await regain(status, data))) return send(item);
    signedOut = true;
    tell({ key: item.key, state: "waiting", why: say("signin_title") });
    return false;
  }
  if (status === 0 || status === 408 || status === 429 || status >= 500) {
    if (status === CRASHED) {
      Object.assign(item, { crashes: (item.crashes ?? 0) + 1, why });
      if ((await waiting()).some(({ key }) => key === item.key)) await keepAgain(item);  // else taken off meanwhile
    }
    tell({ key: item.key, state: "waiting", why: stopped(item) || why });
    return status !== 0;
  }
  await forget(item.key);
  tell({ key: item.key, state: "refused", why });
  return true;
}

async function sendAll() {
  const tried = new Set();
  for (;;) {
    const item = (await waiting()).find((one) => !tried.has(one.key) && !stopped(one));
    if (!item || !navigator.onLine) return;
    tried.add(item.key);
    if (!(await send(item))) return;
  }
}

/** Sends what waits, one after the other, in one window of this browser; and again after a while. */
export async function pump() {
  if (busy) return;
  busy = true;
  signedOut = false;
  clearTimeout(timer);
  try {
    if (navigator.locks) await navigator.locks.request("anju-outbox", { ifAvailable: true }, (lock) => lock && sendAll());
    else await sendAll();
  } finally {
    busy = false;
    const left = (await waiting()).some((item) => !stopped(item));
    failures = left ? failures + 1 : 0;
    if (left && !signedOut) timer = setTimeout(pump, pause(failures));
  }
}

function pumpSoon() {
  failures = 0;
  pump();
}

/** Somebody asks for another try of all, those too that were given up. */
export async function retry() {
  for (const item of await waiting()) if (stopped(item)) await keepAgain({ ...item, crashes: 0 });
  pumpSoon();
}

window.addEventListener("online", pumpSoon);
window.addEventListener("anju:signed-in", pumpSoon);
