import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { advanceCursor, cursorAt, linesAfter, openRunLog } from './run-log.ts';

const newFile = (): string => join(mkdtempSync(join(tmpdir(), 'sparkplug-log-')), 'logs', 'run.log');

test('what was written behind the known position is cut off and written again', () => {
  const file = newFile();
  const first = openRunLog(file, { bytes: 0, lines: 0 });
  first.append('one');
  const known = first.position;
  first.append('two');
  first.close();
  appendFileSync(file, 'hal');
  const second = openRunLog(file, known);
  second.append('two');
  second.close();
  assert.equal(readFileSync(file, 'utf8'), 'one\ntwo\n');
  assert.deepEqual(second.position, { bytes: 8, lines: 2 });
});

test('a log never grows past its cap, says so once, and stays closed when opened again', () => {
  const file = newFile();
  const log = openRunLog(file, { bytes: 0, lines: 0 }, 100);
  for (let line = 0; line < 50; line += 1) log.append('0123456789');
  log.close();
  const again = openRunLog(file, log.position, 100);
  again.append('more');
  again.close();
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  assert.equal(lines.length, 10);
  assert.match(lines.at(-1) ?? '', /has reached 100 bytes/);
});

test('the cursor skips the lines it has, even several of one moment', async () => {
  const at = (second: number, text: string) => ({ timestamp: `2026-03-01T12:00:0${second}.000000000Z`, text });
  const all = [at(1, 'a'), at(2, 'b'), at(2, 'c'), at(2, 'd'), at(3, 'e')];
  let cursor = cursorAt('2026-03-01T12:00:00.500Z');
  for (const line of all.slice(0, 3)) cursor = advanceCursor(cursor, line);
  assert.deepEqual(cursor, { timestamp: '2026-03-01T12:00:02.000000000Z', repeated: 2 });
  const rest: string[] = [];
  async function* source() {
    yield* all;
  }
  for await (const { text } of linesAfter(cursor, source())) rest.push(text);
  assert.deepEqual(rest, ['d', 'e']);
});

test('a cursor sorts as Docker writes time', () => {
  assert.equal(cursorAt('2026-03-01T12:00:00.500Z').timestamp, '2026-03-01T12:00:00.500000000Z');
  assert.ok(cursorAt('2026-03-01T12:00:00.500Z').timestamp < '2026-03-01T12:00:00.500000001Z');
});
