// What the project's folder remembers about its cluster: .sparkplug/project.json, never committed.
import { randomInt } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { SparkPlugError } from '../errors.ts';
import { createAtomically, writeAtomically } from './write-atomically.ts';

/** Project ids: a name and six characters in base 36. They stand in names of volumes, secrets and folders. */
const projectIdPattern = /^[a-z](?:[a-z0-9]|-(?=[a-z0-9])){0,23}-[0-9a-z]{6}$/;

const trustSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('plain') }),
  z.object({
    kind: z.literal('tls'),
    /** SHA-256 of the certificate, in pairs with colons. */
    fingerprint: z.string().regex(/^[0-9A-F]{2}(?::[0-9A-F]{2}){31}$/),
    /** Host name in a certificate of the user's own; null for one that SparkPlug made. */
    host: z.string().min(1).nullable(),
  }),
]);

/** How the published port is spoken to, and what it must show before it is told the token. */
export type WebTrust = Readonly<z.output<typeof trustSchema>>;

const stateSchema = z.object({
  id: z.string().regex(projectIdPattern),
  /** Published port of `web`; null before the first `up`. */
  webPort: z.number().int().min(1).max(65_535).nullable().default(null),
  /** Published port of the registry; null until the Swarm has several machines, and kept from then on. */
  registryPort: z.number().int().min(1).max(65_535).nullable().default(null),
  /** The present way first; while an `up` is changing it, the one before as well. */
  webTrust: z
    .array(trustSchema)
    .min(1)
    .default([{ kind: 'plain' }]),
  /** Docker context selected for the project; null for Docker's own choice. */
  context: z.string().min(1).nullable().default(null),
  /** Where DataNodes stood at the last `down`: their volumes are there. */
  datanodes: z.array(z.object({ ordinal: z.number().int().min(1), machineName: z.string().min(1) })).default([]),
  /** Where the machines of `aws up` are; null without any. */
  aws: z
    .object({
      account: z.string().regex(/^\d{12}$/),
      region: z.string().min(1),
      /** The user's own private key for them; null: the project's. */
      identityFile: z.string().min(1).nullable().default(null),
    })
    .nullable()
    .default(null),
  /** What `worker: auto` came to at the first `up`; it outlives the cluster. Null before. */
  workerShape: z
    .object({ executors: z.number().int().min(1), cores: z.number().int().min(1), memoryMiB: z.number().int().min(1) })
    .nullable()
    .default(null),
});

/** What is left out when it is written gets its default. */
export type ProjectState = Readonly<z.output<typeof stateSchema>>;

/** A new id: the project's name and six random characters, so that equal names never meet. */
export function createProjectId(name: string): string {
  const characters = Array.from({ length: 6 }, () => randomInt(36).toString(36));
  return `${name}-${characters.join('')}`;
}

/** True for what `createProjectId` makes: safe in paths and names. */
export function isProjectId(text: string): boolean {
  return projectIdPattern.test(text);
}

/**
 * The state of the project in `projectDir`, null where it has none yet.
 * @throws SparkPlugError PROJECT_STATE_DAMAGED
 */
export async function readProjectState(projectDir: string): Promise<ProjectState | null> {
  const file = stateFile(projectDir);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw damaged(file, error);
  });
  if (text === null) return null;
  try {
    return stateSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw damaged(file, cause);
  }
}

/** A state as JSON has it. @throws Error for anything else */
export function parseProjectState(value: unknown): ProjectState {
  return stateSchema.parse(value);
}

/** Writes the state, whole or not at all, and keeps Git from seeing it. */
export async function writeProjectState(projectDir: string, state: z.input<typeof stateSchema>): Promise<void> {
  const file = stateFile(projectDir);
  await mkdir(path.dirname(file), { recursive: true });
  await createAtomically(path.join(path.dirname(file), '.gitignore'), '*\n', 0o644);
  await writeAtomically(file, `${JSON.stringify(stateSchema.parse(state), null, 2)}\n`, 0o644);
}

function stateFile(projectDir: string): string {
  return path.join(projectDir, '.sparkplug', 'project.json');
}

function damaged(file: string, cause: unknown): SparkPlugError {
  const hint =
    'Restore it: `{"id": "…"}`, where the id is the label `sparkplug.project` of its volumes ' +
    '(`docker volume ls --filter label=sparkplug.project`). If the project never had a cluster, delete the file.';
  return new SparkPlugError('PROJECT_STATE_DAMAGED', 'The project file of this folder’s cluster cannot be read.', {
    place: file,
    hint,
    cause,
  });
}
