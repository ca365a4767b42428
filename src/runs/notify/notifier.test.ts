import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { postWebhook, type WebhookAnswer, type WebhookPost } from '../../adapters/webhook/post-webhook.ts';
import { type JobDefinition, Notification, type NotifyTarget, type RunState } from '../../api/schemas.ts';
import { createChangeSignal } from '../change-signal.ts';
import { timestamp } from '../clock.ts';
import { defineRunRecord } from '../define-run.fixture.ts';
import { createFakeClock, defineJob, type FakeClock, settle } from '../run-bench.fixture.ts';
import { recordRunEnd } from '../run-end.ts';
import { createCounterStore } from '../state/counter-store.ts';
import { openDatabase } from '../state/database.ts';
import { createOutboxStore } from '../state/outbox-store.ts';
import { createRunStore, type RunRecord } from '../state/run-store.ts';
import { deliverNotifications, type NotifierParts, notifyDelayMs } from './notifier.ts';

const answered = (status: number, retryAfterMs: number | null = null): WebhookAnswer => ({
  kind: 'answered',
  status,
  retryAfterMs,
});
const silent: WebhookAnswer = { kind: 'silent', reason: 'no answer within 10 s' };
const target: NotifyTarget = { url: 'https://hooks.example.com/very-secret-path', secret: null };

interface Options {
  readonly file?: string;
  readonly clock?: FakeClock;
  readonly post?: NotifierParts['post'];
  readonly secrets?: Readonly<Record<string, Uint8Array>>;
}

/** A scheduler's part that notifies, over a database of its own or an earlier one's. */
function open(options: Options = {}) {
  const file = options.file ?? join(mkdtempSync(join(tmpdir(), 'sparkplug-notify-')), 'state.db');
  const clock = options.clock ?? createFakeClock();
  const database = openDatabase(file);
  const changes = createChangeSignal();
  const counters = createCounterStore(database);
  const outbox = createOutboxStore(database, changes);
  const runs = createRunStore(database, changes, recordRunEnd({ counters, outbox, project: () => 'demo' }));
  const shutdown = new AbortController();
  const posts: WebhookPost[] = [];
  const answers: WebhookAnswer[] = [];
  const events: string[] = [];
  const post: NotifierParts['post'] = async (one, how) => {
    posts.push(one);
    if (options.post !== undefined) return options.post(one, how);
    return answers.shift() ?? answered(204);
  };
  const delivering = deliverNotifications({
    outbox,
    counters,
    changes,
    clock,
    version: '1.2.3',
    post,
    readSecret: (name) => options.secrets?.[name] ?? null,
    record: (kind, message) => events.push(`${kind}: ${message}`),
    shutdown: shutdown.signal,
  });
  delivering.catch(() => undefined);
  return {
    file,
    clock,
    runs,
    outbox,
    counters,
    posts,
    answers,
    events,
    run: (id: string, state: RunState, job: Partial<JobDefinition>, changed: Partial<RunRecord> = {}) => {
      const at = timestamp(clock);
      runs.insert(defineRunRecord(defineJob('predict', job), { id, queuedAt: at, startedAt: at }), null);
      return runs.update(id, { state, finishedAt: timestamp(clock), ...changed });
    },
    stop: async () => {
      shutdown.abort(new Error('the scheduler stops'));
      await assert.rejects(delivering, /the scheduler stops/);
      database.close();
    },
  };
}

const failure = { code: 'RUN_FAILED', message: 'the job exited with code 3', hint: 'sparkplug runs logs predict-1' };

test('a failure is told with everything that its reader needs', async () => {
  const bench = open();
  bench.run('predict-1', 'failed', { onFailure: target }, { failure });
  await settle();
  const [post] = bench.posts;
  assert.equal(post?.url, target.url);
  const body = Notification.parse(JSON.parse(post?.body ?? ''));
  assert.deepEqual(
    { ...body, queuedAt: '', startedAt: '', finishedAt: '' },
    {
      version: 1,
      event: 'run.failed',
      project: 'demo',
      job: 'predict',
      run: 'predict-1',
      state: 'failed',
      trigger: 'rest',
      queuedAt: '',
      startedAt: '',
      finishedAt: '',
      durationSeconds: 0,
      attempts: 0,
      failure,
      results: {},
      link: '/runs/predict-1',
    },
  );
  assert.equal(post?.headers['x-sparkplug-event'], 'run.failed');
  assert.equal(post?.headers['x-sparkplug-signature'], undefined);
  assert.equal(bench.outbox.count(), 0);
  assert.deepEqual(bench.events, ['notify: run.failed of predict-1 was told to hooks.example.com']);
  assert.deepEqual(bench.counters.list('notifications'), [{ labels: { outcome: 'delivered' }, value: 1 }]);
  await bench.stop();
});

test('a success carries its results; only the target of what happened is called, and a cancelled run calls nobody', async () => {
  const bench = open();
  const both = {
    onFailure: { ...target, url: 'https://f.example/' },
    onSuccess: { ...target, url: 'https://s.example/' },
  };
  bench.run('predict-1', 'succeeded', both, { published: { predictions: 3 } });
  bench.run('predict-2', 'cancelled', both);
  bench.run('predict-3', 'failed', {});
  await settle();
  assert.deepEqual(
    bench.posts.map(({ url }) => url),
    ['https://s.example/'],
  );
  assert.deepEqual(JSON.parse(bench.posts[0]?.body ?? '').results, { predictions: 3 });
  await bench.stop();
});

test('a receiver of its own: 500, silence, then 200, with one delivery id and a fresh signature each time', async () => {
  const received: { id: unknown; signature: string; body: string }[] = [];
  const statuses = [500, 503, 200];
  const server = createServer(async (request, response) => {
    const body = await text(request);
    const { 'x-sparkplug-delivery': id, 'x-sparkplug-signature': signature } = request.headers;
    received.push({ id, signature: String(signature), body });
    response.writeHead(statuses[received.length - 1] ?? 200).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/`;
  let posted = Promise.withResolvers<void>();
  const bench = open({
    secrets: { hook_key: Buffer.from('k3y') },
    post: async (post, how) => {
      const answer = await postWebhook(post, how);
      posted.resolve();
      return answer;
    },
  });
  bench.run('predict-1', 'failed', { onFailure: { url, secret: 'hook_key' } }, { failure });
  for (const delayMs of [0, notifyDelayMs(1), notifyDelayMs(2)]) {
    await bench.clock.advance(delayMs);
    await posted.promise;
    posted = Promise.withResolvers();
    await settle();
  }
  assert.equal(received.length, 3);
  assert.equal(new Set(received.map(({ id }) => id)).size, 1);
  for (const { signature, body } of received) {
    const [, time, digest] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(signature) ?? [];
    assert.equal(digest, createHmac('sha256', 'k3y').update(`${time}.${body}`).digest('hex'));
  }
  assert.equal(new Set(received.map(({ signature }) => signature)).size, 3);
  assert.deepEqual(bench.events, [
    `notify: run.failed of predict-1 could not be told to ${new URL(url).host} yet: it answered 500; it is tried again for about an hour`,
    `notify: run.failed of predict-1 was told to ${new URL(url).host}`,
  ]);
  await bench.stop();
  server.close();
});

test('silence is tried again for about an hour, then given up with an event that does not show the path', async () => {
  const bench = open({ post: async () => silent });
  bench.run('predict-1', 'failed', { onFailure: target });
  await bench.clock.advance(50 * 60_000);
  assert.equal(bench.outbox.count(), 1);
  await bench.clock.advance(20 * 60_000);
  assert.equal(bench.outbox.count(), 0);
  assert.equal(bench.posts.length, 11);
  assert.equal(
    bench.events.at(-1),
    'problem: run.failed of predict-1 was not told to hooks.example.com: no answer within 10 s, 11 attempts',
  );
  assert.deepEqual(bench.counters.list('notifications'), [{ labels: { outcome: 'failed' }, value: 1 }]);
  await bench.clock.advance(24 * 3_600_000);
  assert.equal(bench.posts.length, 11);
  await bench.stop();
});

test('a refusal and a redirect are final, too many requests are not', async () => {
  for (const [status, tries] of [
    [400, 1],
    [404, 1],
    [301, 1],
    [410, 1],
    [429, 2],
    [502, 2],
  ] as const) {
    const bench = open();
    bench.answers.push(answered(status));
    bench.run('predict-1', 'failed', { onFailure: target });
    await bench.clock.advance(60_000);
    assert.equal(bench.posts.length, tries, String(status));
    assert.equal(bench.outbox.count(), 0);
    await bench.stop();
  }
});

test('the pause that the receiver asks for is kept, but never longer than a quarter of an hour', async () => {
  const bench = open();
  bench.answers.push(answered(429, 120_000), answered(503, 999_999_000));
  bench.run('predict-1', 'failed', { onFailure: target });
  await bench.clock.advance(119_000);
  assert.equal(bench.posts.length, 1);
  await bench.clock.advance(1_000);
  assert.equal(bench.posts.length, 2);
  await bench.clock.advance(15 * 60_000);
  assert.equal(bench.posts.length, 3);
  await bench.stop();
});

test('one that hangs does not hold up the others', async () => {
  const bench = open({
    post: (post) =>
      post.url.includes('hang') ? new Promise<WebhookAnswer>(() => undefined) : Promise.resolve(answered(200)),
  });
  bench.run('predict-1', 'failed', { onFailure: { ...target, url: 'https://hang.example/' } });
  await settle();
  bench.run('predict-2', 'failed', { onFailure: target });
  await settle();
  assert.deepEqual(
    bench.posts.map(({ url }) => url),
    ['https://hang.example/', target.url],
  );
  assert.equal(bench.outbox.count(), 1);
});

test('a scheduler that is killed forgets nothing: its successor sends the same delivery again', async () => {
  const first = open({ post: (_post, { signal }) => untilAborted(signal) });
  first.run('predict-1', 'failed', { onFailure: target });
  await settle();
  await first.stop();
  const second = open({ file: first.file, clock: first.clock });
  await settle();
  const id = 'x-sparkplug-delivery';
  assert.equal(second.posts[0]?.headers[id], first.posts[0]?.headers[id]);
  assert.equal(second.posts[0]?.body, first.posts[0]?.body);
  assert.equal(second.outbox.count(), 0);
  await second.stop();
});

test('the end of a run and its notification are one transaction', async () => {
  const bench = open();
  const database = openDatabase(bench.file);
  database.exec("CREATE TRIGGER broken BEFORE INSERT ON outbox BEGIN SELECT RAISE(ABORT, 'no room'); END");
  assert.throws(() => bench.run('predict-1', 'failed', { onFailure: target }), /no room/);
  assert.equal(bench.runs.get('predict-1')?.state, 'queued');
  assert.deepEqual(bench.counters.list('runs'), []);
  database.close();
  await bench.stop();
});

test('without its secret nothing is sent', async () => {
  const bench = open();
  bench.run('predict-1', 'failed', { onFailure: { ...target, secret: 'hook_key' } });
  await settle();
  assert.equal(bench.posts.length, 0);
  assert.match(bench.events.at(-1) ?? '', /was not told to hooks\.example\.com: the secret hook_key is not set/);
  await bench.stop();
});

test('a run is counted and told once, however often it is changed after its end', async () => {
  const bench = open();
  bench.run('predict-1', 'failed', { onFailure: target }, { startedAt: null });
  bench.runs.update('predict-1', { waiting: null });
  bench.runs.update('predict-1', { state: 'failed' });
  await settle();
  assert.equal(bench.posts.length, 1);
  assert.deepEqual(bench.counters.list('runs'), [{ labels: { job: 'predict', state: 'failed' }, value: 1 }]);
  assert.deepEqual(bench.counters.list('run_seconds'), []);
  await bench.stop();
});

test('a clock that is set back delays nothing for longer than a pause', async () => {
  const bench = open();
  bench.answers.push(answered(500));
  bench.run('predict-1', 'failed', { onFailure: target });
  await settle();
  await bench.stop();
  const later = open({ file: bench.file, clock: { ...createFakeClock(), now: () => 0 } });
  await settle();
  assert.equal(later.posts.length, 1);
  await later.stop();
});

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
