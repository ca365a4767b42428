// The published versions on web's volume: one folder per run, made whole by one rename, never changed after.
import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { SparkPlugError } from '../../errors.ts';

const StoredResult = z.object({
  name: z.string(),
  key: z.string().nullable(),
  unique: z.boolean(),
  rows: z.number().int(),
  columns: z.array(z.object({ name: z.string(), type: z.string() })),
  /** Relative to the version's folder. */
  files: z.array(z.string()),
  partitioned: z.boolean(),
});
export type StoredResult = z.infer<typeof StoredResult>;

const Manifest = z.object({
  run: z.string(),
  job: z.string(),
  publishedAt: z.string(),
  results: z.array(StoredResult),
});
/** What one run published. */
export type Manifest = z.infer<typeof Manifest>;

/** A folder under work: nobody sees it before `commit`. */
export interface Draft {
  readonly folder: string;
  commit(manifest: Manifest): Promise<void>;
  discard(): Promise<void>;
}

export interface VersionStore {
  readonly folder: string;
  manifest(run: string): Promise<Manifest | null>;
  draft(run: string): Promise<Draft>;
  /** Runs `work` on the version's folder, which stays until it is done. RESULT_VERSION_GONE when there is none. */
  read<T>(run: string, work: (manifest: Manifest, folder: string) => Promise<T>): Promise<T>;
  /** Removes versions for good once their last reader has left; unknown ones are passed over. */
  remove(runs: readonly string[]): Promise<void>;
}

const draftPrefix = '.draft-';
const manifestFile = 'manifest.json';

/** Opens the folder and removes what a killed process left half-made. */
export async function openVersionStore(folder: string): Promise<VersionStore> {
  await mkdir(folder, { recursive: true });
  for (const name of await readdir(folder)) {
    if (name.startsWith(draftPrefix)) await rm(join(folder, name), { recursive: true, force: true });
  }
  const readers = new Map<string, Set<Promise<unknown>>>();
  const manifests = new Map<string, Manifest>();
  const gone = new Set<string>();

  const manifest = async (run: string): Promise<Manifest | null> => {
    if (gone.has(run) || !isRunId(run)) return null;
    const known = manifests.get(run) ?? (await readManifest(join(folder, run)));
    if (known !== null) manifests.set(run, known);
    return known;
  };

  return {
    folder,
    manifest,
    draft: (run) => createDraft(folder, run, () => gone.delete(run)),
    read: async (run, work) => {
      const found = await manifest(run);
      if (found === null || gone.has(run)) throw versionGone(run);
      const reading = work(found, join(folder, run));
      const active = readers.get(run) ?? new Set();
      readers.set(run, active.add(reading));
      try {
        return await reading;
      } finally {
        active.delete(reading);
      }
    },
    remove: async (runs) => {
      for (const run of runs.filter(isRunId)) {
        gone.add(run);
        manifests.delete(run);
        await Promise.allSettled(readers.get(run) ?? []);
        readers.delete(run);
        await rm(join(folder, run), { recursive: true, force: true });
      }
    },
  };
}

/** Names that are safe as a folder. */
export function isRunId(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(text);
}

async function createDraft(folder: string, run: string, published: () => void): Promise<Draft> {
  if (!isRunId(run)) throw new SparkPlugError('REQUEST_INVALID', 'the run id is no usable name', { met: run });
  const draft = join(folder, `${draftPrefix}${run}-${randomBytes(4).toString('hex')}`);
  await mkdir(draft);
  return {
    folder: draft,
    commit: async (manifest) => {
      await writeFile(join(draft, manifestFile), JSON.stringify(manifest), { flush: true });
      await syncFolders(draft);
      // A version that is there is complete, and another attempt of the same publication changes nothing.
      await rename(draft, join(folder, run)).catch(async (error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
        await rm(draft, { recursive: true, force: true });
      });
      await syncFolder(folder);
      published();
    },
    discard: () => rm(draft, { recursive: true, force: true }),
  };
}

async function readManifest(folder: string): Promise<Manifest | null> {
  try {
    return Manifest.parse(JSON.parse(await readFile(join(folder, manifestFile), 'utf8')));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

/** Directory entries reach the disk only when the directory itself is synced. */
async function syncFolders(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isDirectory()) await syncFolder(join(entry.parentPath, entry.name));
  }
  await syncFolder(folder);
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function versionGone(run: string): SparkPlugError {
  return new SparkPlugError('RESULT_VERSION_GONE', `no results of run ${run} are kept`, {
    place: 'run',
    met: run,
    hint: 'sparkplug runs list shows the runs that are kept',
  });
}
