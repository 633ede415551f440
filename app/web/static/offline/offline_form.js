/** What is typed while there is no line: kept in this browser, put back, and sent when the line is there. */
import { account } from "../frame/http.js";
import { dropRow, keepRow, rowOf } from "../form/local.js";

/**
 * @returns {{keep(version, values, wanted), drop(), kept()}} `kept` resolves to {version, values, wanted}
 *   or nothing; `wanted`: it was to be saved, and not only kept
 */
export function localDraft(url) {
  const key = `${account} ${url}`;
  return {
    /** True once it is kept. */
    keep: (version, values, wanted) => keepRow("forms", { key, account, version, values, wanted }).then(() => true, () => false),
    drop: () => dropRow("forms", key).catch(() => {}),
    kept: () => rowOf("forms", key).catch(() => null),
  };
}

/** On a phone this form can be opened again without a line (worker.js). */
export async function keepForm() {
  if (!("serviceWorker" in navigator) || !matchMedia("(pointer: coarse)").matches) return;
  const { serviceWorker: worker } = navigator;
  const seen = Boolean(worker.controller);
  try {
    await worker.register("/worker.js");
  } catch {
    return;  // a browser that keeps nothing: the form works all the same, while there is a line
  }
  const { active } = await worker.ready;
  worker.addEventListener("message", ({ data }) => {
    if (data === "kept") document.documentElement.dataset.offline = "ready";
  });
  const files = performance.getEntriesByType("resource").map(({ name }) => name)
    .filter((name) => name.startsWith(`${location.origin}/static/`));
  active.postMessage({ files: [...new Set(files)], page: seen ? null : location.pathname });
}
