import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const apiUrl = 'http://localhost:8000';

export default defineConfig({
  plugins: [
    react(),
    {
      name: 'config-in-development',
      configureServer(server) {
        server.middlewares.use('/config.json', (_request, response) => {
          response.setHeader('content-type', 'application/json');
          response.end(JSON.stringify({ apiUrl }));
        });
      },
    },
  ],
  // Relative, so that the page also works below a path.
  base: './',
  build: {
    target: ['chrome123', 'firefox122', 'safari17.5'],
    // A strict CSP refuses data: addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    emptyOutDir: true,
  },
  server: { host: 'localhost', port: 3000, strictPort: true },
});
