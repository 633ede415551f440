/**
 * On phones: a form that was opened can be opened again without a line. Everything comes from the network
 * while there is one; what is kept is used only when there is none, a form for some hours. Signing out, and
 * another account's signing in, delete all of it (leaving.js, shell.js).
 */
const STATIC = "anju-static";
const PAGES = "anju-pages";
const FORM = /^\/[a-z_]+\/[0-9a-f-]{36}\/edit$/;
const OFFLINE = ["/offline", "/static/offline/offline.js"];
const KEPT = "X-Kept-At";
const LONGEST = 12 * 3600 * 1000;
const MOST = 30;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

async function keepPage(request, response) {
  const pages = await caches.open(PAGES);
  if (response.status >= 500) return;
  if (!response.ok || response.redirected) {  // signed out, or not to be seen any more
    await pages.delete(request);
    return;
  }
  const headers = new Headers(response.headers);
  headers.set(KEPT, String(Date.now()));
  await pages.put(request, new Response(await response.blob(), { status: 200, headers }));
  const kept = await pages.keys();
  await Promise.all(kept.slice(0, Math.max(0, kept.length - MOST)).map((old) => pages.delete(old)));
}

async function keptPage(request) {
  const kept = await (await caches.open(PAGES)).match(request);
  return kept && Date.now() - Number(kept.headers.get(KEPT)) < LONGEST ? kept : null;
}

async function form(event) {
  try {
    const response = await fetch(event.request);
    event.waitUntil(keepPage(event.request.url, response.clone()));
    return response;
  } catch (error) {
    const kept = (await keptPage(event.request.url)) ?? (await caches.match(OFFLINE[0]));
    if (kept) return kept;
    throw error;
  }
}

async function otherPage(event) {
  try {
    return await fetch(event.request);
  } catch (error) {
    const offline = await caches.match(OFFLINE[0]);
    if (offline) return offline;
    throw error;
  }
}

async function file(event) {
  const kept = await caches.open(STATIC);
  try {
    const response = await fetch(event.request);
    if (response.ok) event.waitUntil(kept.put(event.request, response.clone()));
    return response;
  } catch (error) {
    const found = await kept.match(event.request);
    if (found) return found;
    throw error;
  }
}

self.addEventListener("fetch", (event) => {
  const { method, mode, url } = event.request;
  const { origin, pathname } = new URL(url);
  if (method !== "GET" || origin !== self.location.origin) return;
  if (pathname.startsWith("/static/")) event.respondWith(file(event));
  else if (mode === "navigate") event.respondWith(FORM.test(pathname) ? form(event) : otherPage(event));
});

async function keepFiles(files) {
  const kept = await caches.open(STATIC);
  const known = await Promise.all(files.map((file) => kept.match(file)));
  await kept.addAll(files.filter((_file, n) => !known[n]));
}

/**
 * A form's page tells what it consists of: {files: [addresses], page}; answers when all is kept. `page` is
 * its own address where it came past this worker, which had not begun yet.
 */
self.addEventListener("message", (event) => {
  const { files, page } = event.data;
  event.waitUntil((async () => {
    await keepFiles([...OFFLINE, ...files]);
    if (page) await keepPage(page, await fetch(page, { credentials: "same-origin" }));
    event.source.postMessage("kept");
  })().catch(() => {}));  // without a line there is nothing to keep
});
