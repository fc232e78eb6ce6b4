import { defineConfig } from "vitest/config";

// `npm run dev` shows the page of these sources with the data of a running server.
const server = process.env.TASKYARD_SERVER ?? "http://127.0.0.1:8008";
const forwarded = "^/([a-z_]+\\.[a-z_0-9]+|events/stream|files/.*|openapi.json|reference|healthz)$";

export default defineConfig({
  // Relative, so that the page works below any address: index.html has a <base>.
  base: "./",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../src/taskyard/server/ui",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false },
    // Strict content security: no data: address of a font or a script.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 300,
  },
  worker: { format: "es" },
  server: { proxy: { [forwarded]: { target: server, changeOrigin: false } } },
  test: { environment: "happy-dom", include: ["src/**/*.test.{ts,tsx}"] },
});
