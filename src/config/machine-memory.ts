// What this computer remembers of the machines it added over SSH: .sparkplug/machines.json, never committed.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { SparkPlugError } from '../errors.ts';
import { writeAtomically } from './write-atomically.ts';

const machineSchema = z.object({
  /** `user@host`, as OpenSSH takes it. */
  destination: z.string().min(1),
  /** Null: OpenSSH's own choice. */
  port: z.number().int().min(1).max(65_535).nullable(),
  /** Absolute path of the private key; null: whatever OpenSSH finds. */
  identityFile: z.string().min(1).nullable(),
  hostname: z.string(),
  /** Swarm's id; null where its joining was interrupted. */
  nodeId: z.string().min(1).nullable(),
  /** Whose certificate and log-in it was given; null for none. */
  registry: z.string().min(1).nullable(),
});

/** How a machine is reached that was added over SSH, and what it was given. */
export type RememberedMachine = Readonly<z.output<typeof machineSchema>>;

const fileSchema = z.object({ machines: z.array(machineSchema) });

/** In the order they were added. @throws SparkPlugError PROJECT_STATE_DAMAGED */
export async function readMachineMemory(projectDir: string): Promise<readonly RememberedMachine[]> {
  const file = fileOf(projectDir);
  try {
    return fileSchema.parse(JSON.parse(await readFile(file, 'utf8'))).machines;
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return [];
    throw new SparkPlugError('PROJECT_STATE_DAMAGED', 'The list of machines that were added over SSH cannot be read.', {
      place: file,
      hint: 'Delete the file: then `machine remove` prints what to run on a machine instead of doing it there.',
      cause,
    });
  }
}

/** Whole or not at all. The folder is there: the project has its id by then. */
export async function writeMachineMemory(projectDir: string, machines: readonly RememberedMachine[]): Promise<void> {
  await writeAtomically(fileOf(projectDir), `${JSON.stringify({ machines }, null, 2)}\n`, 0o644);
}

function fileOf(projectDir: string): string {
  return path.join(projectDir, '.sparkplug', 'machines.json');
}
