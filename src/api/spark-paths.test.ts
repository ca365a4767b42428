import assert from 'node:assert/strict';
import { test } from 'node:test';
import { historyPath, resolveSparkPath } from './spark-paths.ts';

const app = 'app-20261122223208-0000';
const worker = 'worker-20261122223201-10.90.4.9-40089';

/** In one line: who is asked for what, and what stands before it. */
function say(path: string): string {
  const target = resolveSparkPath(path);
  if (target === null) return 'none';
  if (target.kind === 'redirect') return `→ ${target.path}`;
  const { ui, path: asked, prefix } = target.kind === 'executor-log' ? target.page : target;
  return `${target.kind === 'executor-log' ? 'log ' : ''}${ui.kind} ${asked} below ${prefix}`;
}

test('each page of Spark has one component that answers it', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['/spark/master/', 'master / below /spark/master'],
    ['/spark/master', '→ /spark/master/'],
    ['/spark/master/app/', 'master /app/ below /spark/master'],
    [`/spark/master/proxy/${worker}/static/webui.js`, `master /proxy/${worker}/static/webui.js below /spark/master`],
    [`/spark/master/proxy/${worker}/logPage/`, `log master /proxy/${worker}/logPage/ below /spark/master`],
    [`/spark/driver/${app}`, `→ /spark/driver/${app}/`],
    [`/spark/driver/${app}/stages/stage/`, `driver /stages/stage/ below /spark/driver/${app}`],
    ['/spark/', 'history / below /spark'],
    ['/spark/history', '→ /spark/history/'],
    ['/spark/history/', 'history / below /spark'],
    [`/spark/history/${app}/jobs/`, `history /history/${app}/jobs/ below /spark`],
    ['/spark/static/webui.js', 'history /static/webui.js below /spark'],
    ['/spark/api/v1/applications', 'history /api/v1/applications below /spark'],
  ];
  for (const [path, expected] of cases) assert.equal(say(path), expected, path);
});

test('the history server stands where its pages find the application in their address', () => {
  assert.equal(say(`/spark/history/history/${app}/jobs/`), `→ /spark/history/${app}/jobs/`);
  assert.equal(historyPath(app, '/'), `/spark/history/${app}/jobs/`);
  assert.equal(historyPath(app, '/stages/'), `/spark/history/${app}/stages/`);
});

test("the master is not asked to pass on to a driver: the address would be the application's own word", () => {
  assert.equal(say(`/spark/master/proxy/${app}`), `→ /spark/driver/${app}`);
  assert.equal(say(`/spark/master/proxy/${app}/jobs/`), `→ /spark/driver/${app}/jobs/`);
  assert.equal(say('/spark/master/proxy/evil.example/x'), '→ /spark/driver/evil.example/x');
  assert.equal(say('/spark/driver/evil.example/x'), 'none');
});

test('what is no page of Spark, what hides where it leads, what ends something or tells an environment is refused', () => {
  const refused = [
    '/spark/other/',
    '/spark/driver/',
    '/spark/driver/app-1/',
    `/spark/driver/${app}:4040/`,
    `/spark/driver/${app}/../../master/`,
    `/spark/driver/${app}/%2e%2E/x`,
    `/spark/driver/${app}/a%2Fb/%252e%252e/x`,
    `/spark/driver/${app}/%5c%5cevil.example`,
    `/spark/driver/${app}/%zz`,
    `/spark/driver/${app}/jobs/job/kill/`,
    '/spark/master/app/kill/',
    `/spark/master/proxy/${worker}/json/`,
    '/spark/master/%6ason',
    '/spark/history/../../etc',
  ];
  for (const path of refused) assert.equal(say(path), 'none', path);
});
