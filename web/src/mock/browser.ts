/** Starts the mock server in a service worker, so that pages can be worked on without a Lodge. */

import { setupWorker } from 'msw/browser';
import { handlers } from './handlers.ts';

export async function startMock() {
  await setupWorker(...handlers).start({ onUnhandledRequest: 'bypass', quiet: true });
}
