import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CommanderError } from 'commander';
import { SparkPlugError } from '../errors.ts';
import { describeError, errorAsJson, exitCodeOf, Interrupted, nameFullDisk } from './exit-codes.ts';

test('every kind of end has its exit code', () => {
  assert.equal(exitCodeOf(new SparkPlugError('NO_ROOM', 'x')), 1);
  assert.equal(exitCodeOf(new SparkPlugError('CONFIG_INVALID', 'x')), 2);
  assert.equal(exitCodeOf(new SparkPlugError('CLUSTER_NOT_UP', 'x')), 3);
  assert.equal(exitCodeOf(new Interrupted()), 130);
  assert.equal(exitCodeOf(new CommanderError(1, 'commander.unknownOption', 'x')), 2);
  assert.equal(exitCodeOf(new CommanderError(0, 'commander.helpDisplayed', 'x')), 0);
  assert.equal(exitCodeOf(new Error('a bug')), 1);
});

test('an error says code, message, place, value and fix, and lists all problems', () => {
  const error = new SparkPlugError('CONFIG_INVALID', '2 problems', {
    place: 'sparkplug.yaml',
    met: 'x',
    hint: 'correct them',
    problems: [
      { place: 'jobs.a.main', met: 'b.py', message: 'there is no such file', hint: 'create it' },
      { place: 'name', message: 'is missing' },
    ],
  });
  assert.deepEqual(describeError(error), [
    'error CONFIG_INVALID: 2 problems',
    '  at sparkplug.yaml (met: x)',
    '  jobs.a.main: there is no such file (met: b.py)',
    '    fix: create it',
    '  name: is missing',
    '  fix: correct them',
  ]);
  assert.deepEqual(Object.keys(errorAsJson(error)), ['code', 'message', 'place', 'met', 'hint', 'problems']);
});

test('a bug keeps its trace', () => {
  const lines = describeError(new TypeError('x is not a function'));
  assert.equal(lines[0], 'bug: x is not a function');
  assert.ok(lines.some((line) => line.includes('exit-codes.test.ts')));
});

test('a full disk of this computer is named, every other error stays what it is', () => {
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', path: '/tmp/x' });
  const named = nameFullDisk(full);
  assert.ok(named instanceof SparkPlugError);
  assert.deepEqual([named.code, named.place, named.exitCode], ['DISK_FULL', '/tmp/x', 1]);
  const others = [new TypeError('a bug'), new SparkPlugError('NO_ROOM', 'x'), 'text'];
  for (const error of others) assert.equal(nameFullDisk(error), error);
});
