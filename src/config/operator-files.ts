// What another computer of the same operator needs to take a project over: token, secrets, SSH key, the project's state.
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type ProjectState, parseProjectState } from './project-state.ts';
import { machineKeyFile, secretFolder, userFolder } from './user-folder.ts';
import { writeAtomically } from './write-atomically.ts';

export interface OperatorFiles {
  readonly state: ProjectState;
  /** Texts in base64 by name: `token`, `key`, `secrets/spark_auth`. */
  readonly files: Readonly<Record<string, string>>;
}

const fileMode = 0o600;
const folderMode = 0o700;

/** All that is there. */
export async function readOperatorFiles(state: ProjectState): Promise<OperatorFiles> {
  const secrets = await readdir(secretFolder(state.id)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const names = ['token', 'key', ...secrets.toSorted().map((name) => `secrets/${name}`)];
  const files: Record<string, string> = {};
  for (const name of names) {
    const content = await readFile(fileOf(state.id, name)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    });
    if (content !== null) files[name] = content.toString('base64');
  }
  return { state, files };
}

/** Puts them where this computer looks for them, for nobody else's eyes. */
export async function writeOperatorFiles({ state, files }: OperatorFiles): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    const file = fileOf(state.id, name);
    await mkdir(dirname(file), { recursive: true, mode: folderMode });
    await writeAtomically(file, Buffer.from(content, 'base64'), fileMode);
  }
}

export function renderOperatorFiles({ state, files }: OperatorFiles): string {
  return JSON.stringify({ state, files });
}

/** @throws Error where the text is none of `renderOperatorFiles` */
export function parseOperatorFiles(text: string): OperatorFiles {
  const { state, files } = JSON.parse(text) as {
    readonly state: unknown;
    readonly files: Readonly<Record<string, string>>;
  };
  for (const name of Object.keys(files)) {
    if (!/^(?:token|key|secrets\/[A-Za-z0-9][A-Za-z0-9_.-]*)$/.test(name)) throw new Error(`a strange file: ${name}`);
  }
  return { state: parseProjectState(state), files };
}

function fileOf(projectId: string, name: string): string {
  return name === 'key' ? machineKeyFile(projectId) : join(userFolder(projectId), name);
}
