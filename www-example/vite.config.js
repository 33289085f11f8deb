import { defineConfig } from "vite";

const TOKENS = "http://127.0.0.1:5173";

export default defineConfig({
  // The wasm must stay beside its loader.
  optimizeDeps: { exclude: ["alo-chat"] },
  server: {
    port: 5174,
    strictPort: true,
    // Tokens come from server.mjs, which runs beside the development server and takes only its own page.
    proxy: {
      "/api": { target: TOKENS, changeOrigin: true, headers: { origin: TOKENS, "sec-fetch-site": "same-origin" } },
    },
  },
  build: {
    target: "es2022",
    cssTarget: ["chrome123", "firefox128", "safari17.5"],
    // No data: URLs and no polyfill: the page's policy is strict.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
