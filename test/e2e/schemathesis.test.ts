// The whole API against its own description: schemathesis makes requests from the served document, right and wrong ones,
// and every answer must be one that the document names. Needs no Docker; the first time it needs the Python registry.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { execa } from 'execa';
import { routeTable } from '../../src/api/route-table.ts';
import { writeExpectedStatuses } from '../api/expected-statuses.ts';
import { repository } from './support/sparkplug.ts';

const version = '4.32.5';
/** Made once for this version and used again. */
const environment = join(
  process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'),
  'sparkplug',
  `schemathesis-${version}`,
);
/** The same requests in every run. */
const seed = 4;
const examplesPerRoute = 25;
const timeoutMs = 180_000;

async function installSchemathesis(): Promise<string> {
  const program = join(environment, 'bin', 'schemathesis');
  if (existsSync(program)) return program;
  await execa('python3', ['-m', 'venv', '--clear', environment]);
  const pip = join(environment, 'bin', 'pip');
  try {
    await execa(pip, ['install', '--quiet', `schemathesis==${version}`]);
  } catch (error) {
    await rm(environment, { recursive: true });
    throw error;
  }
  return program;
}

test('schemathesis finds nothing', { timeout: timeoutMs + 300_000 }, async () => {
  const program = await installSchemathesis();
  const folder = await mkdtemp(join(tmpdir(), 'sparkplug-schemathesis-'));
  const server = spawn(process.execPath, [join(repository, 'test', 'api', 'serve-bench.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const [url] = (await once(createInterface({ input: server.stdout }), 'line')) as [string];
    const config = join(folder, 'schemathesis.toml');
    const common = await readFile(join(repository, 'test', 'api', 'schemathesis.toml'), 'utf8');
    await writeFile(config, `${common}\n${writeExpectedStatuses(routeTable)}`);
    const { exitCode, all } = await execa(
      program,
      [
        ['--config-file', config],
        ['run', `${url}/api/openapi.json`],
        ['--header', 'Authorization: Bearer token-of-admin'],
        ['--checks', 'all', '--phases', 'examples,coverage,fuzzing,stateful', '--mode', 'all'],
        ['--max-examples', String(examplesPerRoute), '--seed', String(seed)],
        ['--request-timeout', '10', '--continue-on-failure', '--no-color'],
      ].flat(),
      { cwd: folder, all: true, reject: false, timeout: timeoutMs },
    );
    assert.equal(exitCode, 0, all);
  } finally {
    server.kill();
    await rm(folder, { recursive: true, force: true });
  }
});
