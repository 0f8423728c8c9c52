// How the dashboard is built. The server's build script passes `--outDir`; everything else
// (base path, hashed names under static/, no inlined assets because of the content security
// policy) is fixed here.
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";
import { firstLoadBudget } from "./budget.ts";

export default defineConfig({
  base: "/",
  plugins: [svelte(), firstLoadBudget({ page: "src/pages/Overview.svelte", maxBytes: 120_000 })],
  build: {
    // The first browsers with light-dark(), which the design tokens are written in.
    target: ["chrome123", "firefox128", "safari17.5"],
    // Not "assets": that is a page of the dashboard.
    assetsDir: "static",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    emptyOutDir: true,
    reportCompressedSize: false,
    rolldownOptions: { checks: { pluginTimings: false } },
  },
  server: { proxy: { "/api": "http://127.0.0.1:8000", "/health": "http://127.0.0.1:8000" } },
  // Vitest resolves Svelte's server build without this.
  ...(process.env["VITEST"] ? { resolve: { conditions: ["browser"] } } : {}),
  test: { environment: "node", include: ["src/**/*.test.ts"], restoreMocks: true },
});
