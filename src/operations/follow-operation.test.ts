import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Operation, Step } from '../api/schemas.ts';
import type { ProgressEvent } from '../progress.ts';
import type { DesiredState } from '../stack/desired-state.ts';
import { reportSteps, submitAndFollow } from './follow-operation.ts';

const step = (text: string, state: Step['state'], durationMs: number | null = null): Step => ({
  text,
  cause: 'asked for',
  state,
  durationMs,
});

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

async function submit(operations: readonly Operation[] | 'unchanged') {
  const events: ProgressEvent[] = [];
  const api = {
    submitDesiredState: async () =>
      operations === 'unchanged'
        ? ({ kind: 'unchanged', revision: 1 } as const)
        : ({ kind: 'accepted', operation: 'op-1' } as const),
    async *followOperation() {
      if (operations !== 'unchanged') yield* operations;
    },
  };
  const { signal } = new AbortController();
  const desired = {} as DesiredState;
  const report = (event: ProgressEvent) => events.push(event);
  const changed = await submitAndFollow({ api, desired, basedOn: 1, now: false, report, signal });
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
