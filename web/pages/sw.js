// The vault's page without a network. It keeps the page's own files, all of one build, and answers for these alone: calls of
// the service, and whatever else the page's server has, go to the network as if this were not there.
const FILES = "FILES";
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
  event.respondWith(
    caches
      .open(KEPT)
      .then((cache) => cache.match(pathname))
      .then((kept) => kept ?? fetch(event.request)),
  );
});
