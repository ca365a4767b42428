import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { surviveUnreadOutput } from './unread-output.ts';

function exitsAfter(stream: 'stdout' | 'stderr', code: string): readonly number[] {
  const streams = { stdout: new EventEmitter(), stderr: new EventEmitter() };
  const exits: number[] = [];
  surviveUnreadOutput(streams, (exit) => exits.push(exit));
  streams[stream].emit('error', Object.assign(new Error(`write ${code}`), { code }));
  return exits;
}

test('a command whose output nobody reads ends quietly; unread messages end nothing', () => {
  assert.deepEqual(exitsAfter('stdout', 'EPIPE'), [0]);
  assert.deepEqual(exitsAfter('stderr', 'EPIPE'), []);
});

test('output that cannot be written for another cause is a failure', () => {
  assert.deepEqual(exitsAfter('stdout', 'ENOSPC'), [1]);
  assert.deepEqual(exitsAfter('stderr', 'ENOSPC'), [1]);
});
