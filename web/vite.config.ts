import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

export default defineConfig(({ mode }) => ({
  plugins: [react()],
  // The mock's service worker must not travel with the console that is shipped.
  publicDir: mode === 'mock' ? 'public-mock' : 'public',
  build: {
    target: 'es2023',
    manifest: true,
    // Fonts and pictures stay files: the page's policy allows no data: addresses but for pictures.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  test: { environment: 'happy-dom', include: ['src/**/*.test.{ts,tsx}'] },
}));
