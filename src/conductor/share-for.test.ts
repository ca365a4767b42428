import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeClock, settle } from '../runs/run-bench.fixture.ts';
import { shareFor } from './share-for.ts';

test('one question serves all who ask while it is open or fresh', async () => {
  const clock = createFakeClock();
  const answers: PromiseWithResolvers<number>[] = [];
  const ask = shareFor(clock, 1000, () => {
    const answer = Promise.withResolvers<number>();
    answers.push(answer);
    return answer.promise;
  });
  const first = ask();
  await clock.advance(60_000);
  const second = ask();
  assert.equal(answers.length, 1);
  answers[0]?.resolve(7);
  assert.deepEqual(await Promise.all([first, second]), [7, 7]);
  void ask();
  assert.equal(answers.length, 2);
  answers[1]?.resolve(8);
  await settle();
  await clock.advance(999);
  assert.equal(await ask(), 8);
  await clock.advance(1);
  void ask();
  assert.equal(answers.length, 3);
});

test('a failure is told to all who share it and asked anew', async () => {
  let asked = 0;
  const ask = shareFor(createFakeClock(), 1000, async () => {
    asked += 1;
    if (asked === 1) throw new Error('away');
    return asked;
  });
  const both = await Promise.allSettled([ask(), ask()]);
  assert.deepEqual(
    both.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  assert.equal(await ask(), 2);
});

test('what is known to have changed is asked anew, also while the earlier question is open', async () => {
  let version = 0;
  const answers: PromiseWithResolvers<number>[] = [];
  const ask = shareFor(
    createFakeClock(),
    1000,
    () => {
      const answer = Promise.withResolvers<number>();
      answers.push(answer);
      return answer.promise;
    },
    () => version,
  );
  const before = ask();
  version = 1;
  const after = ask();
  answers[1]?.resolve(2);
  answers[0]?.reject(new Error('away'));
  await assert.rejects(before, /away/);
  assert.deepEqual([await after, await ask(), answers.length], [2, 2, 2]);
});
