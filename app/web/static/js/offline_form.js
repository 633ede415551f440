/** What is typed while there is no line: kept in this browser, put back, and sent when the line is there. */
import { account } from "./http.js";
import { dropRow, keepRow, rowOf } from "./local.js";

/** @returns {{keep(version, values), drop(), kept()}} `kept` resolves to {version, values} or nothing */
export function localDraft(url) {
  const key = `${account} ${url}`;
  return {
    /** True once it is kept. */
    keep: (version, values) => keepRow("forms", { key, account, version, values }).then(() => true, () => false),
    drop: () => dropRow("forms", key).catch(() => {}),
    kept: () => rowOf("forms", key).catch(() => null),
  };
}

/** On a phone this form can be opened again without a line (worker.js). */
export async function keepForm() {
  if (!("serviceWorker" in navigator) || !matchMedia("(pointer: coarse)").matches) return;
  await navigator.serviceWorker.register("/worker.js");
  const { active } = await navigator.serviceWorker.ready;
  navigator.serviceWorker.addEventListener("message", ({ data }) => {
    if (data === "kept") document.documentElement.dataset.offline = "ready";
  });
  const files = performance.getEntriesByType("resource").map(({ name }) => name)
    .filter((name) => name.startsWith(`${location.origin}/static/`));
  active.postMessage({ files: [...new Set(files)], page: location.pathname });
}
