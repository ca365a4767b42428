import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SparkPlugError } from '../errors.ts';
import type { ProgressEvent } from '../progress.ts';
import { createFakeClock, settle } from '../runs/run-bench.fixture.ts';
import { drainWorkers, giveUpMs, restartWorkers } from './drain-workers.ts';

/** Workers with executors; `answer` tells how many one has left. */
function open(answer: (worker: string) => number | null, present: readonly string[] = ['spark-worker-2']) {
  const clock = createFakeClock();
  const [shutdown, abort] = [new AbortController(), new AbortController()];
  const signals: string[] = [];
  const events: ProgressEvent[] = [];
  let refusals = 0;
  /** So many times the agent on its machine is silent. */
  const refuse = (times: number): void => {
    refusals = times;
  };
  const drain = () =>
    drainWorkers(
      {
        host: {
          signal: async (service, signal) => {
            refusals -= 1;
            if (refusals >= 0) throw silent();
            signals.push(`${signal} ${service}`);
            return present.includes(service) ? 'sent' : 'absent';
          },
        },
        runningExecutors: async (worker) => answer(worker),
        clock,
        shutdown: shutdown.signal,
      },
      {
        workers: ['spark-worker-2'],
        report: (event) => void events.push(event),
        signal: AbortSignal.any([abort.signal, shutdown.signal]),
      },
    );
  return { clock, shutdown, abort, signals, events, drain, refuse };
}

test('asked by SIGPWR, it is gone without executors only', async () => {
  let left = 2;
  const { clock, signals, events, drain } = open(() => left);
  let done = false;
  const work = drain().then(() => {
    done = true;
  });
  await clock.advance(30_000);
  assert.equal(done, false);
  left = 0;
  await clock.advance(1_000);
  await work;
  assert.deepEqual(signals, ['PWR spark-worker-2']);
  assert.deepEqual(events, [
    {
      kind: 'step-progress',
      step: 'drain spark-worker-2',
      detail: '2 executors finish their tasks and move their blocks',
    },
  ]);
});

test('one that has no container has nothing to give; one that falls silent neither', async () => {
  const absent = open(() => 7, []);
  await absent.drain();
  const silent = open(() => null);
  const work = silent.drain();
  await silent.clock.advance(25_000);
  await work;
});

test('after ten minutes the cluster goes on without it, with a warning', async () => {
  const { clock, events, drain } = open(() => 1);
  const work = drain();
  await clock.advance(giveUpMs + 1_000);
  await work;
  assert.deepEqual(events.at(-1), {
    kind: 'warning',
    text: 'spark-worker-2 still has 1 executors after 10 min: their tasks are done again elsewhere',
  });
});

test('cancelled, the worker starts anew; a restart of the scheduler leaves it decommissioned', async () => {
  const cancelled = open(() => 1);
  const work = cancelled.drain();
  work.catch(() => undefined);
  await settle();
  cancelled.abort.abort(new Error('cancelled'));
  await assert.rejects(work, /cancelled/);
  assert.deepEqual(cancelled.signals, ['PWR spark-worker-2', 'TERM spark-worker-2']);
  const stopped = open(() => 1);
  const interrupted = stopped.drain();
  interrupted.catch(() => undefined);
  await settle();
  stopped.shutdown.abort(new Error('the scheduler stops'));
  await assert.rejects(interrupted, /stops/);
  assert.deepEqual(stopped.signals, ['PWR spark-worker-2']);
});

const silent = () => new SparkPlugError('AGENT_AWAY', 'the agent on box does not answer');

test('one whose machine went is not waited for, and an agent that is back in time is heard', async () => {
  const gone = open(() => 3);
  gone.refuse(Number.POSITIVE_INFINITY);
  const work = gone.drain();
  await gone.clock.advance(25_000);
  await work;
  assert.deepEqual(gone.signals, []);
  assert.deepEqual(gone.events, [
    {
      kind: 'warning',
      text: 'spark-worker-2 cannot be told to hand over what it holds, the agent on box does not answer: its tasks are done again elsewhere',
    },
  ]);
  const late = open(() => 0);
  late.refuse(4);
  const heard = late.drain();
  await late.clock.advance(25_000);
  await heard;
  assert.deepEqual([late.signals, late.events], [['PWR spark-worker-2'], []]);
});

test('cancelled, one that cannot be told does not keep the others from starting anew', async () => {
  const told: string[] = [];
  const host = {
    signal: async (service: string) => {
      if (service === 'spark-worker-1') throw silent();
      told.push(service);
      return 'sent' as const;
    },
  };
  assert.deepEqual(await restartWorkers(host, ['spark-worker-1', 'spark-worker-2']), ['spark-worker-1']);
  assert.deepEqual(told, ['spark-worker-2']);
});
