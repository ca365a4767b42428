// Which page an address shows, and who may see it. Pages are loaded when they are first opened.
import { lazy, type ReactNode, Suspense, useEffect } from 'react';
import { Redirect, Route, Switch } from 'wouter';
import { hasCode } from './api.ts';
import { Loading, Page } from './components/page.tsx';
import { ProblemView } from './components/problem-view.tsx';
import { PlainPage, Shell } from './components/shell.tsx';
import { LoginPage, SessionEnded } from './pages/login-page.tsx';
import { SessionProvider, useSessionQuery } from './session.tsx';

const ClusterPage = lazy(() => import('./pages/cluster-page.tsx').then((module) => ({ default: module.ClusterPage })));
const RunsPage = lazy(() => import('./pages/runs-page.tsx').then((module) => ({ default: module.RunsPage })));
const RunPage = lazy(() => import('./pages/run-page.tsx').then((module) => ({ default: module.RunPage })));
const SchedulesPage = lazy(() =>
  import('./pages/schedules-page.tsx').then((module) => ({ default: module.SchedulesPage })),
);
const ResultsPage = lazy(() => import('./pages/results-page.tsx').then((module) => ({ default: module.ResultsPage })));
const ResultPage = lazy(() => import('./pages/result-page.tsx').then((module) => ({ default: module.ResultPage })));
const FilesPage = lazy(() => import('./pages/files-page.tsx').then((module) => ({ default: module.FilesPage })));
const EventsPage = lazy(() => import('./pages/events-page.tsx').then((module) => ({ default: module.EventsPage })));

export function App() {
  return (
    <Switch>
      <Route path="/login" component={LoginPage} />
      <Route>
        <Guarded>
          <Shell>
            <Suspense fallback={<Loading what="the page" />}>
              <Pages />
            </Suspense>
          </Shell>
        </Guarded>
      </Route>
    </Switch>
  );
}

function Pages() {
  return (
    <Switch>
      <Route path="/" component={ClusterPage} />
      <Route path="/cluster">
        <Redirect to="/" replace />
      </Route>
      <Route path="/runs" component={RunsPage} />
      <Route path="/runs/:id">{({ id }) => <RunPage key={id} id={id} />}</Route>
      <Route path="/schedules" component={SchedulesPage} />
      <Route path="/results" component={ResultsPage} />
      <Route path="/results/:name">{({ name }) => <ResultPage key={name} name={name} />}</Route>
      <Route path="/files/*?" component={FilesPage} />
      <Route path="/events" component={EventsPage} />
      <Route>
        <Page title="There is no such page">
          <p>The address names no page of the dashboard.</p>
        </Page>
      </Route>
    </Switch>
  );
}

/** Lets a logged-in reader through. */
function Guarded({ children }: { readonly children: ReactNode }) {
  const { data, error, refetch } = useSessionQuery();
  useEffect(() => {
    if (error !== null) document.title = 'SparkPlug';
  }, [error]);
  // An answer that fails while the session was known keeps the page: the page itself tells what is away.
  if (error !== null && (hasCode(error, 'AUTH_REQUIRED') || data === undefined)) {
    if (hasCode(error, 'AUTH_REQUIRED')) return <SessionEnded wasLoggedIn={data !== undefined} />;
    return (
      <PlainPage title="SparkPlug">
        <ProblemView error={error} onRetry={() => void refetch()} />
      </PlainPage>
    );
  }
  if (data === undefined) return <Loading what="the dashboard" />;
  return <SessionProvider session={data}>{children}</SessionProvider>;
}
