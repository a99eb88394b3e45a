import { CSPProvider } from '@base-ui/react/csp-provider';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { queries } from './api/session.ts';
import { router } from './routes.tsx';
import { Hints } from './ui/Hint.tsx';
import { applyTheme } from './ui/theme.ts';
import { Toasts } from './ui/toast.tsx';
import './ui/tokens.css';
import './ui/base.css';
import './ui/ui.css';

applyTheme();

if (import.meta.env.MODE === 'mock') {
  const { startMock } = await import('./mock/browser.ts');
  await startMock();
}

const root = document.getElementById('root');
if (!root) throw new Error('index.html holds no element `root`');

createRoot(root).render(
  <StrictMode>
    <CSPProvider disableStyleElements>
      <QueryClientProvider client={queries}>
        <RouterProvider router={router} />
        <Toasts />
        <Hints />
      </QueryClientProvider>
    </CSPProvider>
  </StrictMode>,
);
