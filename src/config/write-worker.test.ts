import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from './parse-config.ts';
import { setWorker } from './write-worker.ts';

const shape = { executors: 1, cores: 2, memoryMiB: 4096 };
const odd = { executors: 2, cores: 3, memoryMiB: 3520 };
const job = "name: a # the name\njobs:\n    b: {main: src/b.py,  args: ['x']}  # odd spacing stays\n";

/** What follows the job in the text, before and after. */
const cases: readonly (readonly [what: string, before: string, after: string])[] = [
  ['no spark', '', 'spark:\n  worker: { executors: 1, cores: 2, memory: 4GiB }\n'],
  [
    'auto, with a comment behind it',
    'spark:\n  workers: 3\n  worker:   auto   # settled once\n  conf: { spark.a: "1" }\n',
    'spark:\n  workers: 3\n  worker:   { executors: 1, cores: 2, memory: 4GiB }   # settled once\n  conf: { spark.a: "1" }\n',
  ],
  [
    'a mapping in one line',
    'spark:\n  worker: {cores: 1, memory: 2g} # small\n# the end\n',
    'spark:\n  worker: { executors: 1, cores: 2, memory: 4GiB } # small\n# the end\n',
  ],
  [
    'a mapping in lines of its own',
    'spark:\n  worker:\n    executors: 3 # each\n    memory: 9GiB # of the container\n    cores: 1\n  workers: 2\n',
    'spark:\n  worker:\n    executors: 1 # each\n    memory: 4GiB # of the container\n    cores: 2\n  workers: 2\n',
  ],
  [
    'spark without a worker',
    'spark:\n    # how many\n    workers: 2\n',
    'spark:\n    # how many\n    worker: { executors: 1, cores: 2, memory: 4GiB }\n    workers: 2\n',
  ],
  [
    'spark in one line',
    'spark: { workers: 2 }\n',
    'spark: { worker: { executors: 1, cores: 2, memory: 4GiB }, workers: 2 }\n',
  ],
  ['spark without anything', 'spark: {}\n', 'spark: { worker: { executors: 1, cores: 2, memory: 4GiB } }\n'],
];

test('the worker is written, and nothing else changes', () => {
  for (const [what, before, after] of cases) {
    assert.equal(setWorker(job + before, shape), job + after, what);
    // Windows' line ends stay as well.
    const [windows, written] = [job + before, job + after].map((text) => text.replaceAll('\n', '\r\n'));
    assert.equal(setWorker(windows ?? '', shape), written, `${what}, CRLF`);
    assert.deepEqual(parseConfig(setWorker(job + before, odd), 'sparkplug.yaml').spark.worker, odd, what);
  }
});

test('written twice changes nothing the second time', () => {
  for (const [what, before] of cases) {
    const once = setWorker(job + before, odd);
    assert.equal(setWorker(once, odd), once, what);
  }
});

test('what cannot be spliced is written anew, with its comments and values', () => {
  for (const spark of [
    'spark:\n# nothing yet\n',
    'spark:\n  worker:\n    cores: 1\n    memory: 2GiB # of all\n',
    'spark:\n  worker: &w { executors: 1, cores: 1, memory: 2GiB }\n',
  ]) {
    const text = setWorker(job + spark, odd);
    assert.deepEqual(parseConfig(text, 'sparkplug.yaml').spark.worker, odd, text);
    assert.match(text, /# the name\n/);
  }
});
