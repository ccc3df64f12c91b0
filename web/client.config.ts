import { defineConfig } from 'vite';

/** The client of the API alone, as one module with a name that stays: `web/dist/client.js`. Built after the page. */
export default defineConfig({
  publicDir: false,
  build: {
    target: ['chrome123', 'firefox122', 'safari17.5'],
    lib: { entry: 'src/client/client.ts', formats: ['es'], fileName: () => 'client.js' },
    // For people to read and copy.
    minify: false,
    emptyOutDir: false,
    reportCompressedSize: false,
  },
});
