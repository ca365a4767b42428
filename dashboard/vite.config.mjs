// How the dashboard is built: static files with hashed names, no request to any other host.
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const here = fileURLToPath(new URL('.', import.meta.url));

export default defineConfig({
  root: here,
  base: '/',
  logLevel: 'warn',
  build: {
    outDir: fileURLToPath(new URL('../dist/dashboard', import.meta.url)),
    emptyOutDir: true,
    assetsDir: 'assets',
    // A data: address would be the one thing that the content security policy has to be opened for.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    manifest: true,
    target: 'es2022',
    reportCompressedSize: false,
    license: false,
    rolldownOptions: {
      // Directives for server components, which there are none of here.
      checks: { moduleLevelDirective: false },
    },
  },
});
