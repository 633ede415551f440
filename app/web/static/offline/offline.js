/** The page without a line: the forms that can be opened all the same. */
const list = document.querySelector("[data-offline-forms]");

async function draw() {
  const pages = await caches.open("anju-pages");
  for (const request of await pages.keys()) {
    const page = new DOMParser().parseFromString(await (await pages.match(request)).text(), "text/html");
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = request.url;
    link.textContent = page.querySelector("h1")?.textContent ?? page.title;
    item.append(link);
    list.append(item);
  }
  document.querySelector("[data-offline-none]").hidden = list.children.length > 0;
}

if ("caches" in window) draw();
window.addEventListener("online", () => fetch("/health").then(() => location.reload(), () => {}));
