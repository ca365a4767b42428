import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { type AttemptLimiter, createAttemptLimiter } from './attempt-limiter.ts';

let now: number;
let limiter: AttemptLimiter;
beforeEach(() => {
  now = 1_000_000_000;
  limiter = createAttemptLimiter({ now: () => now });
});

function fail(peer: string, times: number): void {
  for (let time = 0; time < times; time += 1) limiter.noteFailure(peer);
}

describe('the limiter of attempts', () => {
  it('doubles the wait from the tenth failure on, up to a minute', () => {
    fail('10.0.0.1', 9);
    assert.equal(limiter.waitMs('10.0.0.1'), 0);
    fail('10.0.0.1', 1);
    assert.equal(limiter.waitMs('10.0.0.1'), 1000);
    now += 600;
    assert.equal(limiter.waitMs('10.0.0.1'), 400);
    fail('10.0.0.1', 3);
    assert.equal(limiter.waitMs('10.0.0.1'), 8000);
    fail('10.0.0.1', 5000);
    assert.equal(limiter.waitMs('10.0.0.1'), 60_000);
    assert.equal(limiter.waitMs('10.0.0.2'), 0);
  });

  it('forgets after a quarter of an hour, and when the clock was set back', () => {
    fail('10.0.0.1', 20);
    now += 15 * 60_000;
    fail('10.0.0.1', 1);
    assert.equal(limiter.waitMs('10.0.0.1'), 0);
    fail('10.0.0.1', 20);
    now -= 86_400_000;
    assert.equal(limiter.waitMs('10.0.0.1'), 0);
  });

  it('knows an IPv4 address in either form, an IPv6 network by its /64, and whoever has none', () => {
    fail('::ffff:10.0.0.1', 10);
    assert.equal(limiter.waitMs('10.0.0.1'), 1000);
    fail('2001:db8::1', 10);
    assert.equal(limiter.waitMs('2001:db8::2'), 1000);
    assert.equal(limiter.waitMs('2001:db8:1::1'), 0);
    limiter.noteFailure(undefined);
    assert.equal(limiter.waitMs('nonsense'), 0);
  });

  it('remembers a bounded number of addresses, those that failed last', () => {
    fail('10.0.0.1', 10);
    fail('10.0.0.2', 10);
    for (let index = 0; index < 9999; index += 1) {
      limiter.noteFailure(`172.16.${Math.floor(index / 250)}.${index % 250}`);
      if (index === 5000) fail('10.0.0.2', 1);
    }
    assert.equal(limiter.waitMs('10.0.0.1'), 0);
    assert.equal(limiter.waitMs('10.0.0.2'), 2000);
  });
});
