// Fills app/web/static/vendor/ (never committed) from node_modules: scripts as published, Tabler's CSS
// cut down to the classes that our templates and scripts name, a sprite of the icons that they name, and
// ECharts with only the charts of tools/echarts.mjs. Does nothing when no input changed since last time.
//
//   classes  a class that only JavaScript libraries or the database compose belongs in KEEP below
//   icons    icon("home") in a template or icon="home" in Python puts <symbol id="home"> into icons.svg
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const modules = join(root, "node_modules");
const out = join(root, "app/web/static/vendor");
const stamp = join(out, ".stamp");

const COPIES = {
  "htmx.js": "htmx.org/dist/htmx.min.js",
  "leaflet.css": "leaflet/dist/leaflet.css",
};

// Set while a page runs, so no template names them.
const KEEP = {
  standard: [/^htmx-/, /^is-(in)?valid$/, "active", "disabled", "show"],
  greedy: [/data-bs-theme/],
};

/** Files below app/ whose words may be class or icon names. */
function sources() {
  return readdirSync(join(root, "app"), { recursive: true })
    .filter((name) => /\.(html|js|py)$/.test(name) && !/(^|[\\/])(vendor|__pycache__)[\\/]/.test(name))
    .sort()
    .map((name) => ({ name, raw: readFileSync(join(root, "app", name), "utf8") }));
}

function digest(pages) {
  const hash = createHash("sha256");
  for (const file of ["package-lock.json", "tools/vendor.mjs", "tools/echarts.mjs"]) {
    hash.update(readFileSync(join(root, file)));
  }
  for (const { name, raw } of pages) hash.update(name).update(raw);
  return hash.digest("hex");
}

function words(content) {
  return [...(content.match(/[\w-]+/g) ?? []), ...(content.match(/[\w-]+(?:[:/.][\w-]+)+/g) ?? [])];
}

async function purgedTabler(pages, esbuild) {
  const { PurgeCSS } = await import("purgecss");
  // Templates and scripts name classes; Python does so only where views and registers are declared.
  const content = pages
    .filter(({ name }) => !name.endsWith(".py") || /^(web|admin|modules|kernel[\\/]reports|kernel[\\/]households[\\/]register)/.test(name))
    .map(({ name, raw }) => ({ raw, extension: name.split(".").pop() }));
  const css = readFileSync(join(modules, "@tabler/core/dist/css/tabler.css"), "utf8");
  const [purged] = await new PurgeCSS().purge({
    content, css: [{ raw: css }], safelist: KEEP, defaultExtractor: words, keyframes: true,
  });
  return (await esbuild.transform(purged.css, { loader: "css", minify: true, legalComments: "none" })).code;
}

function sprite(pages) {
  const names = new Set();
  for (const { raw } of pages) {
    for (const [, name] of raw.matchAll(/\bicon(?:\(|\s*=\s*|:\s*)["'](?!fa-)([a-z0-9-]+)["']/g)) names.add(name);
  }
  const symbols = [...names].sort().map((name) => {
    const file = join(modules, "@tabler/icons/icons/outline", `${name}.svg`);
    if (!existsSync(file)) throw new Error(`no Tabler icon is called "${name}"`);
    const body = readFileSync(file, "utf8").replace(/<!--[\s\S]*?-->/g, "");
    const inner = body.match(/<svg[^>]*>([\s\S]*)<\/svg>/)[1].replace(/\s*\n\s*/g, "");
    return `<symbol id="${name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" ` +
      `stroke-linecap="round" stroke-linejoin="round">${inner}</symbol>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("\n")}</svg>\n`;
}

const pages = sources();
const wanted = digest(pages);
if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) process.exit(0);

const esbuild = await import("esbuild");
rmSync(out, { recursive: true, force: true }); // what is no longer copied must not lie about
mkdirSync(out, { recursive: true });
for (const [target, source] of Object.entries(COPIES)) {
  const text = readFileSync(join(modules, source), "utf8").replace(/\/[/*][#@] sourceMappingURL=.*$/m, "");
  writeFileSync(join(out, target), text);
}
writeFileSync(join(out, "tabler.css"), await purgedTabler(pages, esbuild));
writeFileSync(join(out, "icons.svg"), sprite(pages));
await esbuild.build({
  entryPoints: [join(root, "tools/echarts.mjs")], outfile: join(out, "echarts.js"), bundle: true,
  minify: true, format: "iife", globalName: "echarts", target: "es2018", legalComments: "none",
  logLevel: "warning",
});
// A module of its own: only a page that opens a map loads it.
await esbuild.build({
  entryPoints: [join(modules, "leaflet/dist/leaflet-src.esm.js")], outfile: join(out, "leaflet.js"),
  minify: true, format: "esm", target: "es2018", legalComments: "none", logLevel: "warning",
});
writeFileSync(stamp, wanted);
