/** What this browser keeps by itself until the server has it, in IndexedDB: photos, forms. */
const NAME = "anju";
const VERSION = 1;
let opened = null;

function open() {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, VERSION);
    request.addEventListener("upgradeneeded", () => {
      for (const store of ["photos", "forms"]) request.result.createObjectStore(store, { keyPath: "key" });
    });
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () => reject(request.error));
  });
  return opened;
}

async function ask(store, mode, question) {
  const transaction = (await open()).transaction(store, mode);
  const request = question(transaction.objectStore(store));
  return new Promise((resolve, reject) => {
    transaction.addEventListener("complete", () => resolve(request.result));
    transaction.addEventListener("abort", () => reject(transaction.error));
    transaction.addEventListener("error", () => reject(transaction.error));
  });
}

/** Stores are "photos" and "forms"; a row has a `key`, and the `account` that it belongs to. */
export const keepRow = (store, row) => ask(store, "readwrite", (rows) => rows.put(row));
export const dropRow = (store, key) => ask(store, "readwrite", (rows) => rows.delete(key));
export const rowOf = (store, key) => ask(store, "readonly", (rows) => rows.get(key));

export async function rowsOf(store, account) {
  const rows = await ask(store, "readonly", (all) => all.getAll());
  return rows.filter((row) => row.account === account);
}

/** A key that no other browser makes; crypto.randomUUID is missing where there is no https. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
