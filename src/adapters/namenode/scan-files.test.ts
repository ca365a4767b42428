import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseFsck, type ScannedFile } from './scan-files.ts';

async function* linesOf(text: string): AsyncGenerator<string> {
  yield* text.split('\n');
}

async function parse(text: string): Promise<ScannedFile[]> {
  const files: ScannedFile[] = [];
  for await (const file of parseFsck(linesOf(text))) files.push(file);
  return files;
}

const answer = `FSCK started by sparkplug (auth:SIMPLE) from /10.0.1.5 for path / at Thu Nov 26 18:58:48 UTC 2026

/ <dir>
/empty 0 bytes, replicated: replication=3, 0 block(s):  OK

/data/a file, with commas 900 bytes, replicated: replication=2, 2 block(s):  OK
0. BP-4-10.0.1.2-17:blk_1_1001 len=500 Live_repl=2  [DatanodeInfoWithStorage[10.0.1.6:9866,DS-e5,DISK](LIVE), DatanodeInfoWithStorage[10.0.1.3:9866,DS-9f,DISK](DECOMMISSIONING)]
1. BP-4-10.0.1.2-17:blk_2_1002 len=400 MISSING!

/log 7 bytes, replicated: replication=1, 1 block(s), OPENFORWRITE:  OK
0. BP-4-10.0.1.2-17:blk_3_1003 len=7 Expected_repl=1 [DatanodeInfoWithStorage[10.0.1.7:9866,DS-aa,DISK]]

Status: HEALTHY
FSCK ended at Thu Nov 26 18:58:48 UTC 2026 in 10 milliseconds
`;

test('files with their blocks and who holds them', async () => {
  assert.deepEqual(await parse(answer), [
    { path: '/empty', replication: 3, open: false, blocks: [] },
    {
      path: '/data/a file, with commas',
      replication: 2,
      open: false,
      blocks: [
        {
          bytes: 500,
          replicas: [
            { address: '10.0.1.6:9866', state: 'LIVE' },
            { address: '10.0.1.3:9866', state: 'DECOMMISSIONING' },
          ],
        },
        { bytes: 400, replicas: [] },
      ],
    },
    {
      path: '/log',
      replication: 1,
      open: true,
      blocks: [{ bytes: 7, replicas: [{ address: '10.0.1.7:9866', state: 'LIVE' }] }],
    },
  ]);
});

test('an answer that breaks off is no list of files', async () => {
  const half = answer.slice(0, answer.indexOf('/log'));
  await assert.rejects(parse(half), { code: 'HDFS_FAILED' });
});
