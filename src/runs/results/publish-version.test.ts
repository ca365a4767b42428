import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { openParquetDatabase, type ParquetDatabase } from '../../adapters/duckdb/parquet-database.ts';
import type { Hdfs, HdfsEntry } from '../../adapters/hdfs/webhdfs.ts';
import { type ErrorCode, SparkPlugError } from '../../errors.ts';
import { parquetOf } from './parquet.fixture.ts';
import { createPublisher } from './publish-version.ts';
import { openVersionStore, type VersionStore } from './version-store.ts';

let folder: string;
let database: ParquetDatabase;
let store: VersionStore;
let content: Buffer;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sparkplug-publish-'));
  store = await openVersionStore(join(folder, 'results'));
  database = await openParquetDatabase({
    folder: store.folder,
    temporaryFolder: join(folder, 'duckdb'),
    memoryMiB: 64,
  });
  content = await parquetOf('SELECT 1 AS a');
});
after(async () => {
  database.close();
  await rm(folder, { recursive: true });
});

const withCode = (code: ErrorCode) => (error: unknown) => error instanceof SparkPlugError && error.code === code;
const request = (run: string) => ({
  run,
  job: 'j',
  results: [{ name: 'r', path: '/r', key: null, unique: true, notBeforeMs: 0 }],
});

/** One Parquet file; `open` fails as told, once per error. */
function hdfsFailing(errors: Error[], broken = false): Hdfs {
  const entry: HdfsEntry = {
    path: '/r',
    name: 'r',
    kind: 'file',
    bytes: content.length,
    replication: 1,
    owner: 'o',
    modifiedMs: 1,
  };
  const refuse = () => Promise.reject(new Error('not asked for'));
  return {
    status: async () => entry,
    list: async function* () {
      yield entry;
    },
    open: async () => {
      const error = errors.shift();
      if (error !== undefined) throw error;
      return Readable.from([broken ? content.subarray(0, 50) : content]);
    },
    usage: refuse,
    create: refuse,
    makeFolders: refuse,
    remove: refuse,
    rename: refuse,
    close: async () => undefined,
  };
}

describe('publishing from an HDFS that is away', () => {
  it('is tried again until it is back', async () => {
    const away = (): SparkPlugError => new SparkPlugError('HDFS_AWAY', 'away');
    const publish = createPublisher({ hdfs: hdfsFailing([away(), away()]), database, store, retryPauseMs: 1 });
    const { published } = await publish(request('back'));
    assert.deepEqual(published, [{ name: 'r', rows: 1, columns: [{ name: 'a', type: 'INTEGER' }] }]);
  });

  it('ends with its error, and leaves nothing', async () => {
    const publish = createPublisher({ hdfs: hdfsFailing([], true), database, store, retryMs: 5, retryPauseMs: 1 });
    await assert.rejects(publish(request('short')), withCode('HDFS_AWAY'));
    assert.deepEqual(
      (await readdir(store.folder)).filter((name) => name.includes('short')),
      [],
    );
  });

  it('says when the disk is full, and leaves nothing', async () => {
    const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    const publish = createPublisher({ hdfs: hdfsFailing([full]), database, store });
    await assert.rejects(publish(request('full')), withCode('DISK_FULL'));
    assert.deepEqual(
      (await readdir(store.folder)).filter((name) => name.includes('full')),
      [],
    );
  });
});

describe('the version store', () => {
  it('removes what a killed process left half-made', async () => {
    const draft = await store.draft('killed');
    await openVersionStore(store.folder);
    await assert.rejects(readdir(draft.folder), { code: 'ENOENT' });
  });

  it('keeps a version until its last reader has left', async () => {
    const publish = createPublisher({ hdfs: hdfsFailing([]), database, store });
    await publish(request('read'));
    let finish: () => void = () => undefined;
    let reading: Promise<string[]> | undefined;
    await new Promise<void>((started) => {
      reading = store.read('read', (_manifest, version) => {
        started();
        return new Promise((resolve) => {
          finish = () => resolve(readdir(version));
        });
      });
    });
    const removing = store.remove(['read']);
    const later = store.read('read', () => Promise.resolve());
    await assert.rejects(later, withCode('RESULT_VERSION_GONE'));
    finish();
    assert.deepEqual((await reading)?.sort(), ['manifest.json', 'r']);
    await removing;
    assert.deepEqual((await readdir(store.folder)).includes('read'), false);
  });
});
