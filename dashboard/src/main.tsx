// The dashboard's entry: styles, theme, the page.
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { hasCode } from './api.ts';
import { App } from './app.tsx';
import { sessionKey } from './session.tsx';
import { applyTheme, readTheme } from './theme.ts';
import './styles/base.css';
import './styles/shell.css';
import './styles/controls.css';
import './styles/content.css';
import './styles/charts.css';

applyTheme(readTheme());

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 2_000,
      // What is asked again every few seconds needs no further tries, and a refusal stays one.
      retry: false,
      refetchOnWindowFocus: true,
    },
  },
});
// An ended session is noticed by whatever is asked next, and told by the one place that shows it.
queries.getQueryCache().subscribe(({ type, query }) => {
  if (type !== 'updated' || query.state.status !== 'error' || query.queryKey[0] === sessionKey[0]) return;
  if (hasCode(query.state.error, 'AUTH_REQUIRED')) void queries.invalidateQueries({ queryKey: sessionKey });
});

const root = document.getElementById('root');
if (root === null) throw new Error('the page has no #root');
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <App />
    </QueryClientProvider>
  </StrictMode>,
);
