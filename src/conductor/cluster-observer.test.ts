import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClusterStatus } from '../api/schemas.ts';
import { createFakeClock, settle } from '../runs/run-bench.fixture.ts';
import { createClusterObserver, type ObserverParts } from './cluster-observer.ts';
import { parseMetrics } from './parse-metrics.fixture.ts';

function open(changes: Partial<ObserverParts> = {}) {
  const clock = createFakeClock();
  const observer = createClusterObserver({
    status: async () => ({ ready: true, components: [] }) as unknown as ClusterStatus,
    removals: () => 0,
    survey: async () => assert.fail('nobody asked for machines'),
    probes: { namenode: async () => null, master: async () => null },
    readContainers: async () => [],
    store: { countOperations: () => [] },
    samples: { add: () => undefined, since: () => [] },
    counters: { list: () => [] },
    outbox: { count: () => 0 },
    runs: { unfinished: () => [] },
    jobs: () => ['predict'],
    version: '1.2.3',
    clock,
    shutdown: new AbortController().signal,
    ...changes,
  });
  return { clock, observer };
}

const engineUp = (text: string): number | undefined => parseMetrics(text).get('sparkplug_engine_up')?.samples[0]?.value;

test('a silent engine costs a scrape its limit and no more, and is told as away', async () => {
  let asked = 0;
  const { clock, observer } = open({
    status: () => {
      asked += 1;
      return new Promise(() => undefined);
    },
  });
  let text: string | null = null;
  const scrape = observer.desk.metrics().then((answer) => {
    text = answer;
  });
  void observer.desk.metrics();
  await clock.advance(3_999);
  assert.equal(text, null);
  await clock.advance(1);
  await scrape;
  assert.equal(engineUp(text ?? ''), 0);
  assert.equal(asked, 1);
});

test('an engine that refuses is away at once', async () => {
  const { observer } = open({ status: () => Promise.reject(new Error('no')) });
  assert.equal(engineUp(await observer.desk.metrics()), 0);
});

test('several who scrape within a second share an answer', async () => {
  let asked = 0;
  const { clock, observer } = open({
    probes: {
      namenode: async () => {
        asked += 1;
        return null;
      },
      master: async () => null,
    },
  });
  const texts = await Promise.all([observer.desk.metrics(), observer.desk.metrics()]);
  await settle();
  assert.equal(texts[0], texts[1]);
  await clock.advance(1_000);
  await observer.desk.metrics();
  assert.equal(asked, 2);
  assert.equal(engineUp(texts[0]), 1);
});
