// The vault's page without a network. It keeps the page's own files, all of one build, and answers for these alone: calls of
// the service, and whatever else the page's server has, go to the network as if this were not there.
const FILES = "FILES";
const PAGE = "/vault/";
const KEPT = `zk-vault-${"VERSION"}`;

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(KEPT).then((cache) => cache.addAll(FILES.map((each) => new Request(each, { cache: "reload" })))));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches.keys().then((names) =>
      Promise.all(names.filter((name) => name.startsWith("zk-vault-") && name !== KEPT).map((name) => caches.delete(name))),
    ),
  );
});

self.addEventListener("fetch", (event) => {
  const { pathname, origin, search } = new URL(event.request.url);
  if (event.request.method !== "GET" || origin !== location.origin || search !== "" || !FILES.includes(pathname)) return;
  // The page itself is the server's newest where there is a network: what was mended in it waits for nobody.
  if (pathname === PAGE) event.respondWith(fetch(event.request).catch(() => kept(pathname)));
  else event.respondWith(kept(pathname).then((found) => found ?? fetch(event.request)));
});

const kept = (pathname) => caches.open(KEPT).then((cache) => cache.match(pathname));
