/** Before an account signs out: nothing of its households stays in this browser. */
import { account } from "./http.js";
import { dropRow, rowsOf } from "../form/local.js";
import { drop, waiting } from "../offline/outbox.js";
import { confirmed } from "./shell.js";
import { say } from "./words.js";

/** Resolves to false where somebody would rather wait for what has not been sent yet. */
export async function leave() {
  const files = await waiting();
  if (files.length && !(await confirmed(say("sign_out_waiting", { n: files.length })))) return false;
  for (const { key } of files) await drop(key);
  for (const { key } of await rowsOf("forms", account).catch(() => [])) await dropRow("forms", key);
  if ("caches" in window) for (const name of await caches.keys()) await caches.delete(name);
  return true;
}
