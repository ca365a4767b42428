import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LogOptions, ServiceInspect, TaskInspect } from '../adapters/docker/docker.ts';
import { labels } from '../engine/labels.ts';
import type { Clock } from '../runs/clock.ts';
import { createComponentLogs } from './component-logs.ts';

const at = (second: number) => `2026-03-01T12:00:0${second}.000000000Z`;

/** One service whose containers, newest first, wrote these lines; those of `elsewhere` are on another machine. */
function createFake(containers: Record<string, string[]>, elsewhere: readonly string[] = []) {
  const calls: (readonly [string, string, LogOptions])[] = [];
  const answer = (how: string, container: string) =>
    async function* (id: string, options: LogOptions = {}) {
      calls.push([how, id, options]);
      yield* containers[container] ?? [];
    };
  const docker = {
    services: async () =>
      [
        {
          id: 's1',
          name: 'x_web',
          image: 'i',
          limits: { cores: 0, memoryMiB: 0 },
          replicas: 1,
          labels: { [labels.service]: 'web', [labels.component]: 'web' },
        },
      ] as unknown as ServiceInspect[],
    tasks: async () =>
      Object.keys(containers).map((containerId, index) => ({
        id: `task-of-${containerId}`,
        serviceId: 's1',
        containerId: containerId === 'none' ? null : containerId,
        labels: {},
        createdAt: `${9 - index}`,
      })) as unknown as TaskInspect[],
    inspectContainer: async (id: string) => (elsewhere.includes(id) ? null : ({ id } as never)),
    logs: (id: string, options?: LogOptions) => answer('logs', id)(id, options),
    taskLogs: (id: string, options?: LogOptions) => answer('taskLogs', id.replace('task-of-', ''))(id, options),
  };
  /** What happens between two looks. */
  let meanwhile: () => void = () => undefined;
  const clock: Clock = {
    now: () => 0,
    wait: async () => meanwhile(),
  };
  const logs = createComponentLogs({ docker, projectId: 'x', clock });
  const between = (work: () => void): void => {
    meanwhile = work;
  };
  return { logs, calls, containers, between };
}

const never = new AbortController().signal;

async function linesOf(lines: AsyncIterable<{ line: string }>): Promise<string[]> {
  const found: string[] = [];
  for await (const { line } of lines) found.push(line);
  return found;
}

test('the newest container that there was is read, its times apart from its lines', async () => {
  const fake = createFake({
    none: [],
    c2: [`${at(1)} first: 1`, `${at(2)} `, 'a word of the client'],
    c1: [`${at(0)} old`],
  });
  assert.deepEqual(await linesOf(await fake.logs.read('web', 7, never)), ['first: 1', '']);
  const [call] = fake.calls;
  assert.deepEqual([call?.[0], call?.[1], call?.[2].tail, call?.[2].timestamps], ['logs', 'c2', 7, true]);
});

test('a container on another machine of the Swarm is read by its task', async () => {
  const fake = createFake({ c1: [`${at(1)} there`] }, ['c1']);
  assert.deepEqual(await linesOf(await fake.logs.read('web', 7, never)), ['there']);
  assert.deepEqual([fake.calls[0]?.[0], fake.calls[0]?.[1]], ['taskLogs', 'task-of-c1']);
});

test('a component that there is not is told so before anything is sent', async () => {
  const fake = createFake({ c1: [] });
  await assert.rejects(fake.logs.read('nowhere', 7, never), { code: 'COMPONENT_UNKNOWN' });
  await assert.rejects(fake.logs.follow('nowhere', { tail: 7, after: null }, never), { code: 'COMPONENT_UNKNOWN' });
});

test('following goes on with the container that comes next, and leaves out what the reader has', async () => {
  const fake = createFake({ c1: [`${at(1)} one`, `${at(2)} two`] });
  const stop = new AbortController();
  fake.between(() => {
    if (fake.containers.c2 !== undefined) {
      stop.abort();
      return;
    }
    delete fake.containers.c1;
    fake.containers.c2 = [`${at(2)} two`, `${at(3)} three`];
  });
  const lines = await fake.logs.follow('web', { tail: 7, after: at(1) }, stop.signal);
  assert.deepEqual(await linesOf(lines), ['two', 'three']);
  assert.deepEqual(
    fake.calls.map(([, id, { since, tail, follow }]) => [id, since, tail, follow]),
    [
      ['c1', at(1), undefined, true],
      ['c2', at(2), undefined, true],
    ],
  );
});

test('only so many are read at once; a place is given back by the end, and by a reader who leaves before the beginning', async () => {
  const fake = createFake({ c1: [`${at(1)} one`] });
  const leave = new AbortController();
  const open = await Promise.all(Array.from({ length: 15 }, () => fake.logs.read('web', 1, leave.signal)));
  const last = await fake.logs.read('web', 1, never);
  await assert.rejects(fake.logs.read('web', 1, never), { code: 'RATE_LIMITED' });
  assert.deepEqual(await linesOf(last), ['one']);
  const again = await fake.logs.read('web', 1, never);
  await assert.rejects(fake.logs.read('web', 1, never), { code: 'RATE_LIMITED' });
  leave.abort();
  assert.equal(open.length, 15);
  await fake.logs.read('web', 1, never);
  await linesOf(again);
});
