// Several pages, each a file of its own, into build/web. Nothing is inlined: the pages' policy allows no data:
// addresses and no inline script, and each file that may be kept for ever has its content's hash in its name.
import { defineConfig } from "vite";

const page = (name: string): string => new URL(`./${name}`, import.meta.url).pathname;

export default defineConfig({
  root: page("."),
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  worker: { format: "es" },
  build: {
    outDir: "../../build/web",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      input: {
        start: page("index.html"),
        chain: page("chain/index.html"),
        counter: page("counter/index.html"),
      },
    },
  },
});
