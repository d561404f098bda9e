import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// The gateway serves index.html at /graphiql and everything else below /graphiql/.
export default defineConfig({
  base: "/graphiql/",
  plugins: [react()],
  build: {
    outDir: "../gateway/ui",
    emptyOutDir: true,
    // GraphiQL's editor is one big piece by nature; nothing else is loaded with it.
    chunkSizeWarningLimit: 5000,
    reportCompressedSize: false,
    rolldownOptions: {
      onwarn(warning, warn) {
        // React's compiler runtime says "use no memo" to a compiler that has long done its work.
        if (warning.code !== "MODULE_LEVEL_DIRECTIVE") warn(warning);
      },
    },
  },
});
