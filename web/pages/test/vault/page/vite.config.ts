// As the pages are built (../../../vite.config.ts), of a page that only tests open.
import { defineConfig } from "vite";

export default defineConfig({
  root: new URL(".", import.meta.url).pathname,
  publicDir: new URL("../../../public", import.meta.url).pathname,
  logLevel: "warn",
  build: { target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false }, emptyOutDir: true },
  worker: { format: "es" },
});
