// Writes the vault's service worker beside its page: what it keeps are the built files that the page can come to load, each
// found by its name in another, under a name that follows from their content.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";

const built = new URL("../../build/web/", import.meta.url);
const read = (name) => readFileSync(new URL(name, built));

const assets = ["assets", "vault"].flatMap((folder) =>
  readdirSync(new URL(`${folder}/`, built)).filter((name) => /\.(js|css)$/.test(name)).map((name) => `${folder}/${name}`));
const found = new Set(["vault/index.html"]);
for (const each of found) {
  const text = read(each).toString("latin1");
  for (const name of assets) if (text.includes(name.slice(name.indexOf("/") + 1))) found.add(name);
}
const files = [...found, "icon.svg", "vault/manifest.webmanifest", "vault/icon-192.png"].sort();
const digest = createHash("sha256");
for (const each of files) digest.update(`${each} `).update(createHash("sha256").update(read(each)).digest());
// What the edge says with each file is kept with it.
digest.update(readFileSync(new URL("../../web_edge/headers.py", import.meta.url)));
const keeps = files.map((each) => (each === "vault/index.html" ? "/vault/" : `/${each}`));
const script = readFileSync(new URL("sw.js", import.meta.url), "utf8")
  .replace('"FILES"', JSON.stringify(keeps))
  .replace('"VERSION"', JSON.stringify(digest.digest("hex").slice(0, 16)));
writeFileSync(new URL("vault/sw.js", built), script);
