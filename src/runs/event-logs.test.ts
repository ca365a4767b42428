import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEventLogs, eventLogFolder } from './event-logs.ts';

function open(wanted: boolean, answers: boolean) {
  const asked: string[] = [];
  const ask = async (what: string): Promise<void> => {
    asked.push(what);
    if (!answers) throw new Error('safe mode');
  };
  const hdfs = {
    makeFolders: (path: string) => ask(`make ${path}`),
    list: async function* () {},
    remove: async (path: string) => {
      await ask(`remove ${path}`);
      return true;
    },
  };
  return { asked, logs: createEventLogs(hdfs, () => wanted) };
}
const { signal } = new AbortController();

test('the folder is made before a driver writes there', async () => {
  const { asked, logs } = open(true, true);
  assert.equal(await logs.prepare(signal), true);
  assert.deepEqual(asked, [`make ${eventLogFolder}`]);
});

test('without HDFS, or where nobody wants a history, a driver goes without', async () => {
  assert.equal(await open(true, false).logs.prepare(signal), false);
  const { asked, logs } = open(false, true);
  assert.equal(await logs.prepare(signal), false);
  assert.deepEqual(asked, []);
});

test('what HDFS does not remove is told', async () => {
  await assert.rejects(open(true, false).logs.remove(['app-20260301120000-0001'], signal), /safe mode/);
});
