// Everything that needs no Docker: formatter, linter, types, unused code, and the unit tests beside the code.
import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';

export interface Counts {
  readonly passed: number;
  readonly failed: number;
}

const root = fileURLToPath(new URL('..', import.meta.url));

interface Check {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
}

const module = (path: string) => join(root, 'node_modules', path);
const checks: readonly Check[] = [
  { name: 'biome: format and lint', command: [process.execPath, module('@biomejs/biome/bin/biome'), 'check', '.'] },
  { name: 'tsc: types', command: [process.execPath, module('typescript/bin/tsc'), '-p', '.'] },
  { name: 'knip: unused code', command: [process.execPath, module('knip/bin/knip.js')] },
];

function runCheck(check: Check): Promise<boolean> {
  const [program, ...args] = check.command;
  const startedAt = performance.now();
  return new Promise((resolve) => {
    let output = '';
    const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    const collect = (chunk: Buffer) => {
      output += chunk;
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.on('error', (error) => {
      output += error.message;
    });
    child.on('close', (code) => {
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
      if (code !== 0) process.stdout.write(output);
      process.stdout.write(`${code === 0 ? '✔' : '✖'} ${check.name} (${seconds} s)\n`);
      resolve(code === 0);
    });
  });
}

function runTests(): Promise<Counts> {
  const files = globSync(['src/**/*.test.ts', 'test/*.test.ts', 'examples/**/*.test.ts'], { cwd: root });
  return new Promise((resolve, reject) => {
    const stream = run({ files: files.map((file) => join(root, file)), cwd: root, concurrency: true });
    stream.on('test:summary', (summary) => {
      if (summary.file !== undefined) return;
      const { passed, tests } = summary.counts;
      resolve({ passed, failed: tests - passed });
    });
    stream.on('error', reject);
    stream.compose(spec).pipe(process.stdout);
  });
}

/** Runs checks and unit tests, printing as it goes. A test that is skipped or cancelled counts as failed. */
export async function runUnitTests(): Promise<Counts> {
  const passedChecks = [];
  for (const check of checks) passedChecks.push(await runCheck(check));
  const tests = await runTests();
  const passed = passedChecks.filter((ok) => ok).length;
  return { passed: passed + tests.passed, failed: checks.length - passed + tests.failed };
}

if (import.meta.main) {
  const { passed, failed } = await runUnitTests();
  process.on('exit', () => process.stdout.write(`${passed} passed, ${failed} failed\n`));
  process.exitCode = failed === 0 ? 0 : 1;
}
