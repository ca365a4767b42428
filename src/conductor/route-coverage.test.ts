// The table of routes and what the two processes register: neither has one that the other lacks.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { routeTable } from '../api/route-table.ts';
import { registerSchedulerRoutes, type SchedulerDesk } from '../api/scheduler-routes.ts';
import { createApp } from '../api/web-app.ts';
import { startTestWeb } from './web-server.fixture.ts';

/** What is REST, and for programs: not the dashboard's files, Spark's own pages, and talk between the processes. */
const published = /^\/(api\/|metrics$|healthz$)/;

interface Registered {
  readonly method: string;
  readonly path: string;
}

function compare(registered: readonly Registered[], processes: readonly string[]): void {
  const listed = routeTable.filter(({ answeredBy }) => processes.includes(answeredBy));
  const text = ({ method, path }: Registered): string => `${method} ${path}`;
  const real = registered.filter(({ path }) => published.test(path)).map(text);
  assert.deepEqual([...new Set(real)].sort(), listed.map(text).sort());
}

test('web registers the whole table, its own part and the scheduler’s', async () => {
  const web = await startTestWeb();
  try {
    compare(web.app.registeredRoutes, ['web', 'scheduler', 'each']);
  } finally {
    await web.close();
  }
});

test('the scheduler registers its part of the table', () => {
  const app = createApp({ log: () => undefined, admit: () => undefined });
  registerSchedulerRoutes(app, {} as SchedulerDesk);
  compare(app.registeredRoutes, ['scheduler', 'each']);
});
