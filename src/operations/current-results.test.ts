import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import pWaitFor from 'p-wait-for';
import type { ResultInfo } from '../api/schemas.ts';
import { createCurrentResults } from './current-results.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sparkplug-current-'));
});
after(() => rm(folder, { recursive: true }));

function version(number: number): ResultInfo {
  const run = `run-${number}`;
  const publishedAt = '2026-01-01T00:00:00Z';
  return { name: 'r', job: 'j', run, version: number, rows: 1, key: null, unique: true, publishedAt, columns: [] };
}

describe('current results', () => {
  it('are never older than the question', async () => {
    let answer = 1;
    let questions = 0;
    const answers: (() => void)[] = [];
    const fetchList = (): Promise<ResultInfo[]> => {
      questions += 1;
      const list = [version(answer)];
      return new Promise((resolve) => answers.push(() => resolve(list)));
    };
    const current = await createCurrentResults(fetchList, join(folder, 'a.json'));
    const first = current.list();
    await pWaitFor(() => questions === 1);
    answer = 2;
    const later = [current.list(), current.list(), current.list()];
    answers[0]?.();
    await pWaitFor(() => questions === 2);
    answers[1]?.();
    assert.equal((await first)[0]?.version, 1);
    for (const list of await Promise.all(later)) assert.equal(list[0]?.version, 2);
    assert.equal(questions, 2);
  });

  it('are remembered in memory and on disk', async () => {
    const file = join(folder, 'b.json');
    let away = false;
    const fetchList = async (): Promise<ResultInfo[]> => {
      if (away) throw new Error('away');
      return [version(3)];
    };
    const current = await createCurrentResults(fetchList, file);
    assert.equal((await current.list())[0]?.version, 3);
    await pWaitFor(async () => (await readFile(file, 'utf8').catch(() => '')) !== '');
    away = true;
    assert.equal((await current.list())[0]?.version, 3);
    const restarted = await createCurrentResults(fetchList, file);
    assert.equal((await restarted.list())[0]?.version, 3);
  });

  it('do not keep a reader waiting for a scheduler that hangs', async () => {
    const file = join(folder, 'c.json');
    await writeFile(file, JSON.stringify({ results: [version(4)] }));
    const current = await createCurrentResults(() => new Promise(() => undefined), file);
    assert.equal((await current.list())[0]?.version, 4);
  });

  it('are empty before the first answer, also with a damaged file', async () => {
    const file = join(folder, 'd.json');
    await writeFile(file, '{"resul');
    const current = await createCurrentResults(() => Promise.reject(new Error('away')), file);
    assert.deepEqual(await current.list(), []);
  });
});
