// What the conductor's programs leave outside their bundles: Node itself and DuckDB, for the engine's processor.
import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { withFileLock } from '../adapters/host/file-lock.ts';
import { pathExists } from '../adapters/host/path-exists.ts';
import { runProgram } from '../adapters/host/run-program.ts';
import { makeCacheFolder } from '../adapters/host/user-folders.ts';
import { SparkPlugError } from '../errors.ts';
import { type FileTree, listTree } from './file-tree.ts';

/** npm's names for processors. */
const npmCpus: Readonly<Record<string, string>> = { amd64: 'x64', arm64: 'arm64' };
const manifests = ['package.json', 'package-lock.json'] as const;

/**
 * The installed modules, from the cache where they were installed before.
 * @param recipeFolder holds the package.json and package-lock.json
 * @param arch of the engine, `amd64` or `arm64`
 * @throws SparkPlugError IMAGE_BUILD_FAILED
 */
export async function installConductorModules(
  recipeFolder: string,
  arch: string,
  signal?: AbortSignal,
): Promise<FileTree> {
  const cpu = npmCpus[arch];
  if (cpu === undefined) {
    throw new SparkPlugError('IMAGE_BUILD_FAILED', 'there is no conductor for this kind of processor', {
      met: arch,
      hint: 'use an engine on amd64 or arm64',
    });
  }
  const lockText = await readFile(join(recipeFolder, 'package-lock.json'));
  const key = `${createHash('sha256').update(lockText).digest('hex').slice(0, 12)}-${cpu}`;
  const cache = await makeCacheFolder('conductor-modules');
  const installed = join(cache, key);
  await withFileLock(join(await makeCacheFolder('locks'), `conductor-modules-${key}`), async () => {
    if (!(await pathExists(installed))) await install(recipeFolder, cpu, cache, installed, signal);
  });
  return listTree(join(installed, 'node_modules'), (path, isFolder) => isUnneeded(path, isFolder, cpu));
}

/** Installed aside and renamed, so that an interrupted install leaves nothing that looks whole. */
async function install(
  recipe: string,
  cpu: string,
  cache: string,
  target: string,
  signal?: AbortSignal,
): Promise<void> {
  const folder = await mkdtemp(join(cache, 'new-'));
  try {
    for (const name of manifests) await copyFile(join(recipe, name), join(folder, name));
    await mkdir(join(folder, 'node_modules'));
    const { exitCode, stdout, stderr, found } = await runProgram(
      'npm',
      ['ci', '--omit=dev', '--os=linux', `--cpu=${cpu}`, '--libc=glibc', '--ignore-scripts', '--no-audit', '--no-fund'],
      { cwd: folder, signal },
    );
    if (!found) throw new SparkPlugError('IMAGE_BUILD_FAILED', 'npm is not installed', { hint: 'apt-get install npm' });
    if (exitCode !== 0) throw describeFailure(`${stdout}\n${stderr}`);
    // npm before 10 has no --cpu and installs for this computer's own.
    if (!(await pathExists(join(folder, 'node_modules', `node-linux-${cpu}`, 'bin', 'node')))) {
      throw new SparkPlugError('IMAGE_BUILD_FAILED', `npm installed no Node for linux ${cpu}`, {
        hint: 'npm install -g npm',
      });
    }
    await rename(folder, target);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function describeFailure(output: string): SparkPlugError {
  const lines = output.split('\n').filter((line) => /^npm (?:error|ERR!)/.test(line));
  return new SparkPlugError(
    'IMAGE_BUILD_FAILED',
    `npm could not install the conductor's packages: ${lines.slice(0, 3).join('; ')}`,
    {
      hint: 'check the network and `npm config get registry`, then run the command again',
    },
  );
}

/** Headers, manuals and other processors' programs would double the image. */
function isUnneeded(path: string, isFolder: boolean, cpu: string): boolean {
  const [first = '', second = ''] = path.split('/');
  if (path === '.bin' || path === '.package-lock.json') return true;
  if (first.startsWith('node-linux-') || first.startsWith('node-bin-')) {
    if (first !== `node-linux-${cpu}`) return true;
    return isFolder && second !== '' && second !== 'bin';
  }
  if (first === '@duckdb' && second.startsWith('node-bindings-')) return second !== `node-bindings-linux-${cpu}`;
  return false;
}
