import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeClock, settle } from '../runs/run-bench.fixture.ts';
import { keepGoing } from './keep-going.ts';

test('work that fails is begun again after a minute, and ends with the shutdown', async () => {
  const clock = createFakeClock();
  const stop = new AbortController();
  const heard: string[] = [];
  let begun = 0;
  const work = async (): Promise<never> => {
    begun += 1;
    throw new Error(`failure ${begun}`);
  };
  const onFailure = (error: unknown): void => void heard.push(String(error));
  const going = keepGoing(work, { clock, shutdown: stop.signal, onFailure });
  await settle();
  assert.equal(begun, 1);
  await clock.advance(60_000);
  assert.deepEqual(heard, ['Error: failure 1', 'Error: failure 2']);
  stop.abort(new Error('over'));
  await going;
  await clock.advance(600_000);
  assert.equal(begun, 2);
});

test('a failure that the shutdown causes is not told', async () => {
  const stop = new AbortController();
  const work = async (): Promise<never> => {
    stop.abort(new Error('over'));
    throw stop.signal.reason;
  };
  await keepGoing(work, {
    clock: createFakeClock(),
    shutdown: stop.signal,
    onFailure: (error) => assert.fail(String(error)),
  });
});
