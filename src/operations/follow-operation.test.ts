import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClusterStatus, Operation, Step } from '../api/schemas.ts';
import { SparkPlugError } from '../errors.ts';
import type { ProgressEvent } from '../progress.ts';
import type { DesiredState } from '../stack/desired-state.ts';
import { reportSteps, submitAndFollow } from './follow-operation.ts';

const step = (text: string, state: Step['state'], durationMs: number | null = null): Step => ({
  text,
  cause: 'asked for',
  state,
  durationMs,
});

const desired = {} as DesiredState;

const operation = (state: Operation['state'], steps: Step[], failure: Operation['failure'] = null): Operation => ({
  id: 'op-1',
  kind: 'apply',
  state,
  revision: 2,
  steps,
  failure,
  startedAt: '2026-01-01T00:00:00Z',
  finishedAt: null,
});

/** Submits to a cluster that is at `earlier` operations, one after another, when that is tried. */
async function submit(operations: readonly Operation[] | 'unchanged', earlier: readonly string[] = []) {
  const events: ProgressEvent[] = [];
  const ahead = [...earlier];
  const api = {
    desiredState: async () => ({ revision: 1 + earlier.length - ahead.length, desired }),
    submitDesiredState: async (_: DesiredState, { ifMatch }: { ifMatch?: number }) => {
      if (ahead.length > 0) throw new SparkPlugError('CLUSTER_BUSY', 'an operation is changing the cluster');
      // What it was before it was waited for: another one's change meanwhile is refused by the cluster.
      assert.equal(ifMatch, 1);
      return operations === 'unchanged'
        ? ({ kind: 'unchanged', revision: 1 } as const)
        : ({ kind: 'accepted', operation: 'op-1' } as const);
    },
    clusterStatus: async () => ({ operation: ahead[0] ?? null }) as ClusterStatus,
    async *followOperation(id: string) {
      if (id === ahead[0]) {
        yield operation('running', [step('drain', 'running')]);
        ahead.shift();
        yield operation('failed', [step('drain', 'failed', 1)]);
      } else if (operations !== 'unchanged') yield* operations;
    },
  };
  const { signal } = new AbortController();
  const report = (event: ProgressEvent) => events.push(event);
  const changed = await submitAndFollow({ api, desired, now: false, report, signal });
  return { changed, events };
}

test('nothing to do is no change', async () => {
  assert.deepEqual(await submit('unchanged'), { changed: false, events: [] });
});

test('each step is told once, at its start and at its end, also when states were missed', async () => {
  const { changed, events } = await submit([
    operation('running', [step('deploy', 'running'), step('wait', 'pending')]),
    operation('running', [step('deploy', 'done', 1500), step('wait', 'running')]),
    operation('succeeded', [step('deploy', 'done', 1500), step('wait', 'done', 10)]),
  ]);
  assert.ok(changed);
  assert.deepEqual(
    events.map((event) => `${event.kind} ${'step' in event ? event.step : ''}`),
    ['step-started deploy', 'step-done deploy', 'step-started wait', 'step-done wait'],
  );
  const missed: ProgressEvent[] = [];
  reportSteps([], [step('quick', 'done', 5), step('left out', 'skipped')], (event) => missed.push(event));
  assert.deepEqual(
    missed.map((event) => event.kind),
    ['step-started', 'step-done'],
  );
});

test('what the cluster is at already is waited for, however it ends, and then it is submitted', async () => {
  const { changed, events } = await submit([operation('succeeded', [step('deploy', 'done', 5)])], ['op-7', 'op-8']);
  assert.ok(changed);
  assert.deepEqual(
    events.map((event) => `${event.kind} ${'step' in event ? event.step : ''}`),
    [
      'step-started wait for operation op-7',
      'step-done wait for operation op-7',
      'step-started wait for operation op-8',
      'step-done wait for operation op-8',
      'step-started deploy',
      'step-done deploy',
    ],
  );
});

test('a failed operation is the error that the scheduler gives', async () => {
  const failure = { code: 'NO_ROOM', message: 'no room for one worker', hint: 'a larger machine' };
  await assert.rejects(submit([operation('failed', [step('deploy', 'failed', 1)], failure)]), {
    code: 'NO_ROOM',
    message: 'no room for one worker',
    hint: 'a larger machine',
  });
  const unknown = { code: 'FROM_THE_FUTURE', message: 'x', hint: null };
  await assert.rejects(submit([operation('failed', [], unknown)]), {
    code: 'OPERATION_FAILED',
    met: 'FROM_THE_FUTURE',
  });
  await assert.rejects(submit([operation('cancelled', [])]), { code: 'OPERATION_FAILED', message: /cancelled/ });
});
