// Several pages, each a file of its own, into build/web. Nothing is inlined: the pages' policy allows no data:
// addresses and no inline script, and each file that may be kept for ever has its content's hash in its name.
import { defineConfig } from "vite";

const page = (name: string): string => new URL(`./${name}`, import.meta.url).pathname;

export default defineConfig({
  root: page("."),
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  worker: {
    format: "es",
    rolldownOptions: {
      output: {
        // Beside the vault's page, so that its service worker answers for it.
        entryFileNames: "vault/[name]-[hash].js",
        // What every vault needs is one file, whatever else is loaded later: many small ones are a tenth larger, compressed.
        codeSplitting: { groups: [{ name: "engine", test: /\/src\/vault\/engine\.ts$/ }] },
      },
    },
  },
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
        centre: page("centre/index.html"),
        vault: page("vault/index.html"),
      },
    },
  },
});
