// The command line as a program, without Docker: parsing, exit codes, shapes of JSON.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, watch } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('../..', import.meta.url));
/** Bundled, it starts in a fraction of the time; inside the repository, so that it finds the templates. */
const bundle = join(repository, 'node_modules', '.cache', `sparkplug-cli-${process.pid}`);
const entry = join(bundle, 'cli.js');

interface Outcome {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

let folder = '';

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sparkplug-cli-'));
  const script: string = new URL('../../scripts/build.mjs', import.meta.url).href;
  const { bundleInto }: { bundleInto: (dir: string, names: readonly string[]) => Promise<void> } = await import(script);
  await bundleInto(bundle, ['cli']);
});

after(async () => {
  await rm(folder, { recursive: true, force: true });
  await rm(bundle, { recursive: true, force: true });
});

interface Place {
  readonly cwd?: string | undefined;
  readonly path?: string;
}

function start(args: readonly string[], { cwd = folder, path = '/nowhere' }: Place = {}): ChildProcess {
  const env = {
    PATH: path,
    HOME: folder,
    XDG_CONFIG_HOME: join(folder, 'config'),
    NO_COLOR: '1',
  };
  return spawn(process.execPath, ['--disable-warning=ExperimentalWarning', entry, ...args], { cwd, env });
}

function sparkplug(args: readonly string[], options: { readonly cwd?: string; readonly input?: string } = {}) {
  return new Promise<Outcome>((resolve, reject) => {
    const child = start(args, { cwd: options.cwd });
    let stdout = '';
    let stderr = '';
    child.stdout?.on('data', (chunk) => {
      stdout += chunk;
    });
    child.stderr?.on('data', (chunk) => {
      stderr += chunk;
    });
    child.stdin?.end(options.input ?? '');
    child.on('error', reject);
    child.on('close', (exitCode) => resolve({ exitCode, stdout, stderr }));
  });
}

async function project(name: string, text: string): Promise<string> {
  const dir = join(folder, name);
  await mkdir(join(dir, 'src'), { recursive: true });
  await writeFile(join(dir, 'sparkplug.yaml'), text);
  await writeFile(join(dir, 'src', 'job.py'), '');
  return dir;
}

const oneJob = 'name: one\njobs:\n  job: { main: src/job.py }\n';

test('help lists every verb; each has an example', async () => {
  const { exitCode, stdout } = await sparkplug(['--help']);
  assert.equal(exitCode, 0);
  const verbs = [...stdout.matchAll(/^ {2}([a-z]+)(?: |$)/gm)].map(([, verb]) => verb ?? '');
  const expected = [
    'new',
    'doctor',
    'plan',
    'tune',
    'up',
    'down',
    'status',
    'open',
    'logs',
    'exec',
    'run',
    'runs',
    'scale',
    'machine',
    'schedule',
    'results',
    'hdfs',
    'images',
    'lab',
    'aws',
    'secret',
    'token',
    'version',
  ];
  assert.deepEqual(
    verbs.filter((verb) => verb !== 'help'),
    expected,
  );
  const helps = await Promise.all(expected.map((verb) => sparkplug([verb, '--help'])));
  for (const [index, help] of helps.entries()) {
    assert.equal(help.exitCode, 0, expected[index]);
    assert.match(help.stdout, /Examples:\n {2}\$ sparkplug /, expected[index]);
  }
});

test('wrong use ends with 2 and says how it is right', async () => {
  const cases: readonly [readonly string[], RegExp][] = [
    [['open', 'nowhere'], /error USAGE: .*cluster, runs, schedules, results, files, events, spark/],
    [['token', 'add', 'x'], /error USAGE: .*--scope/],
    [['token', 'add', 'x', '--scope', 'all'], /error USAGE: .*admin, run, read/],
    [['token', 'add', 'x', '--scope', 'read', '--expires', '30'], /error USAGE: .*12h or 30d/],
    [['frobnicate'], /error USAGE: unknown command 'frobnicate'/],
    [['up', '--frob'], /error USAGE: unknown option '--frob'/],
    [['logs', '--tail', 'x'], /error USAGE: .*--tail.*all/],
    [['runs', 'logs', 'x', '-f', '--source', 'driver'], /error USAGE: .*--follow.* cannot be used with .*--source/],
    [['exec', 'web'], /error USAGE: the command to run is missing\n {2}fix: sparkplug exec web -- ls -l/],
    [['exec'], /error USAGE: missing required argument 'component'/],
    [['status', '--', 'x'], /error USAGE: `status` takes nothing after --/],
    [['run', 'job', 'more'], /error USAGE: too many arguments/],
    [['-o', 'xml', 'status'], /error USAGE: .*text, json/],
    [['--set', 'x', 'plan'], /error USAGE: .*spark\.workers=2/],
    [['new', 'a-name-of-twenty-five-let'], /error USAGE: this is no name for a project/],
    [['plan', '--machine', '4c8g', '--compose', 'out'], /error USAGE: --machine and --compose exclude each other/],
    [['new', 'Not_A_Name'], /error USAGE: this is no name for a project\n {2}at name \(met: Not_A_Name\)\n {2}fix: /],
  ];
  for (const [args, pattern] of cases) {
    const { exitCode, stdout, stderr } = await sparkplug(args);
    assert.equal(exitCode, 2, `${args.join(' ')}: ${stderr}`);
    assert.match(stderr, pattern);
    assert.equal(stdout, '');
  }
});

test('what is wrong with flags of `aws` is said before anybody is asked', async () => {
  const dir = await project('bought', 'name: bought\n');
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['aws', 'up', '--region', 'nowhere'], /error AWS_NO_REGION: [\s\S]*met: nowhere/],
    [['aws', 'scale'], /error USAGE: missing required argument 'sizes'/],
    [['aws', 'up', '--disk', '3'], /error USAGE: .*10/],
    [['aws', 'upp'], /error USAGE: /],
  ];
  for (const [args, pattern] of cases) {
    const { exitCode, stderr } = await sparkplug(args, { cwd: dir });
    assert.equal(exitCode, 2, `${args.join(' ')}: ${stderr}`);
    assert.match(stderr, pattern);
  }
});

test('without a project the folder is named; in JSON the error is on standard output as well', async () => {
  const empty = await mkdtemp(join(folder, 'empty-'));
  const { exitCode, stdout, stderr } = await sparkplug(['-o', 'json', 'status'], { cwd: empty });
  assert.equal(exitCode, 2);
  assert.match(stderr, /^error PROJECT_MISSING: /);
  assert.equal(JSON.parse(stdout).error.code, 'PROJECT_MISSING');
});

test('all problems of a project file are listed, each with its place, and the exit code is 2', async () => {
  const dir = await project('broken', 'name: Bad_Name\nfrobs: 3\njobs:\n  job: { main: src/none.py }\n');
  const { exitCode, stderr } = await sparkplug(['plan', '--machine', '4c8g'], { cwd: dir });
  assert.equal(exitCode, 2);
  assert.match(stderr, /^error CONFIG_INVALID: /);
  for (const word of ['Bad_Name', 'frobs', 'src/none.py']) assert.match(stderr, new RegExp(word));
});

test('plan for thought machines: the documented JSON, from a sub-folder, without Docker', async () => {
  const dir = await project('thought', oneJob);
  const { exitCode, stdout, stderr } = await sparkplug(
    ['plan', '--machine', '8c16g', '--machine', '4c8g*2', '-o', 'json'],
    {
      cwd: join(dir, 'src'),
    },
  );
  assert.equal(exitCode, 0, stderr);
  const plan = JSON.parse(stdout);
  assert.equal(plan.machines.length, 3);
  assert.deepEqual(Object.keys(plan.worker), ['executors', 'cores', 'memoryMiB', 'heapMiB']);
  for (const machine of plan.machines) {
    for (const key of ['name', 'cores', 'memoryMiB', 'workers', 'datanodes', 'limitedBy'])
      assert.ok(key in machine, key);
    assert.deepEqual(Object.keys(machine.left), ['cores', 'memoryMiB']);
  }
  const workers = plan.machines.map((machine: { workers: number }) => machine.workers);
  assert.equal(
    plan.totalWorkers,
    workers.reduce((sum: number, count: number) => sum + count, 0),
  );
  assert.equal(plan.changes, null);
});

test('plan as text explains every machine; --set and -C beat file and folder', async () => {
  const dir = await project('text', oneJob);
  const args = ['-C', dir, '--set', 'spark.workers=1', 'plan', '--machine', '8c16g'];
  const { exitCode, stdout, stderr } = await sparkplug(args);
  assert.equal(exitCode, 0, stderr);
  assert.match(stdout, /MACHINE +STATE +CORES +MEMORY/);
  assert.match(stdout, /total: 1 workers, 1 DataNodes/);
});

test('tune shows every candidate; --apply writes the best one into the file and keeps the rest of it', async () => {
  const text = `${oneJob}spark:\n  worker: auto # for now\n`;
  const dir = await project('tune', text);
  const machines = ['--machine', '2c8g', '--machine', '4c8g', '--machine', '8c16g'];
  const shown = await sparkplug(['tune', ...machines], { cwd: dir });
  assert.equal(shown.exitCode, 0, shown.stderr);
  assert.match(shown.stdout, /WORKER +machine-1 +machine-2 +machine-3 +WORKERS +CORES USED +MEMORY LEFT/);
  assert.match(shown.stdout, /^\* +1 × 2 cores, [\d.]+ GiB +1 +2 +4 +7 +14 of 14 .*best: most cores in use$/m);
  assert.match(shown.stdout, /1 × 1 core, .* as many cores in smaller, more numerous executors$/m);
  assert.match(shown.stdout, /1 × 3 cores, .* does not fit machine-1, which has 2 cores$/m);
  assert.match(shown.stdout, /next: sparkplug tune --apply$/m);
  const applied = await sparkplug(['tune', '--apply', '-o', 'json', ...machines], { cwd: dir });
  const report = JSON.parse(applied.stdout);
  assert.deepEqual([report.applied, report.next, report.best.coresUsed], [true, ['sparkplug up'], 14]);
  const { executors, cores, memoryMiB } = report.best;
  const worker = `{ executors: ${executors}, cores: ${cores}, memory: ${memoryMiB}MiB }`;
  assert.equal(await readFile(join(dir, 'sparkplug.yaml'), 'utf8'), text.replace('auto', worker));
  const again = await sparkplug(['tune', '--apply', ...machines], { cwd: dir });
  assert.match(again.stdout, /^now +1 × 2 cores/m);
  assert.match(again.stdout, /sparkplug\.yaml has it already$/m);
});

test('without the docker client up says so in one line', async () => {
  const dir = await project('no-docker', oneJob);
  const { exitCode, stderr } = await sparkplug(['status', '--context', 'elsewhere'], { cwd: dir });
  assert.equal(exitCode, 3, stderr);
  const noDocker = await sparkplug(['plan'], { cwd: dir });
  assert.match(noDocker.stderr, /^error DOCKER_MISSING: /);
});

test('a cluster that was never up ends with 3 and names the command that makes it', async () => {
  const dir = await project('never-up', oneJob);
  for (const args of [
    ['status'],
    ['results'],
    ['runs'],
    ['schedule'],
    ['hdfs', 'ls', '/'],
    ['logs'],
    ['exec', 'web', '--', 'ls'],
  ]) {
    const { exitCode, stderr } = await sparkplug(args, { cwd: dir });
    assert.equal(exitCode, 3, `${args}: ${stderr}`);
    assert.match(stderr, /^error CLUSTER_NOT_UP: .*\n {2}fix: sparkplug up\n$/);
  }
});

test('a job that is not in the file is refused with those that are', async () => {
  const dir = await project('jobs', 'name: jobs\njobs:\n  a: { main: src/job.py }\n  b: { main: src/job.py }\n');
  const unknown = await sparkplug(['run', 'c'], { cwd: dir });
  assert.equal(unknown.exitCode, 2);
  assert.match(
    unknown.stderr,
    /error JOB_UNKNOWN: .*\n {2}at jobs \(met: c\)\n {2}fix: sparkplug run a \| sparkplug run b/,
  );
  const unnamed = await sparkplug(['run'], { cwd: dir });
  assert.match(unnamed.stderr, /error JOB_UNKNOWN: the project has several jobs/);
});

test('a secret comes from standard input, is listed without its value, and goes', async () => {
  const dir = await project(
    'secrets',
    'name: secrets\njobs:\n  job: { main: src/job.py, secrets: [password, other] }\n',
  );
  const set = await sparkplug(['secret', 'set', 'password', '-o', 'json'], { cwd: dir, input: 'marker-4711\n' });
  assert.equal(set.exitCode, 0, set.stderr);
  assert.deepEqual(JSON.parse(set.stdout), { name: 'password', changed: true, applied: false });
  assert.doesNotMatch(set.stdout + set.stderr, /marker-4711/);
  const list = await sparkplug(['secret', 'list', '-o', 'json'], { cwd: dir });
  assert.deepEqual(JSON.parse(list.stdout).secrets, [
    { name: 'other', set: false, jobs: ['job'] },
    { name: 'password', set: true, jobs: ['job'] },
  ]);
  const { id } = JSON.parse(await readFile(join(dir, '.sparkplug', 'project.json'), 'utf8'));
  const file = join(folder, 'config', 'sparkplug', id, 'secrets', 'password');
  assert.equal(await readFile(file, 'utf8'), 'marker-4711');
  const gone = await sparkplug(['secret', 'rm', 'password', '-o', 'json'], { cwd: dir });
  assert.deepEqual(JSON.parse(gone.stdout), { name: 'password', removed: true });
});

test('new makes a project whose plan works, and touches nothing that is there', async () => {
  const made = await sparkplug(['new', 'fresh', '-o', 'json']);
  assert.equal(made.exitCode, 0, made.stderr);
  const { dir, next } = JSON.parse(made.stdout);
  assert.ok(next.includes('sparkplug up'));
  assert.match(await readFile(join(dir, 'sparkplug.yaml'), 'utf8'), /^name: fresh$/m);
  const plan = await sparkplug(['plan', '--machine', '2c4g'], { cwd: dir });
  assert.equal(plan.exitCode, 0, plan.stderr);
  const again = await sparkplug(['new', 'fresh']);
  assert.equal(again.exitCode, 1);
  assert.match(again.stderr, /^error FILE_EXISTS: /);
});

test('the GeoPredict template is the example, under the new name', async () => {
  const made = await sparkplug(['new', 'shop', '--template', 'geopredict', '-o', 'json']);
  assert.equal(made.exitCode, 0, made.stderr);
  const { dir } = JSON.parse(made.stdout);
  assert.ok((await readdir(join(dir, 'src'))).includes('predict.py'));
  const plan = await sparkplug(['plan', '--machine', '4c8g'], { cwd: dir });
  assert.equal(plan.exitCode, 0, plan.stderr);
});

test('down without a cluster has nothing to do', async () => {
  const dir = await project('down', oneJob);
  const { exitCode, stdout } = await sparkplug(['down', '--volumes', '-o', 'json'], { cwd: dir });
  assert.equal(exitCode, 0);
  assert.deepEqual(JSON.parse(stdout).stopped, []);
});

test('an interruption ends with 130, also while Docker does not answer, and says how to go on where that is possible', async () => {
  const dir = await project('interrupted', oneJob);
  const commands = [['plan'], ['images', 'rm', '--yes'], ['images', 'build'], ['-C', dir, 'up', '--no-build']];
  const said = await Promise.all(commands.map((args) => interrupt(dir, args)));
  assert.deepEqual(said, [
    'interrupted\n',
    'interrupted\n',
    'interrupted: run the same command again, it goes on where it stopped\n',
    'interrupted: what the cluster has begun goes on; run the same command again for the rest\n',
  ]);
});

/** Interrupts a command as soon as it waits for Docker; returns what it said. */
async function interrupt(dir: string, args: readonly string[]): Promise<string> {
  const programs = await mkdtemp(join(folder, 'programs-'));
  const called = join(programs, 'called');
  await writeFile(join(programs, 'docker'), `#!/bin/sh\n: > ${called}\nexec sleep 60\n`, { mode: 0o755 });
  const isCalled = new Promise<void>((resolve) => {
    const watcher = watch(programs, () => {
      if (!existsSync(called)) return;
      watcher.close();
      resolve();
    });
  });
  const child = start(args, { cwd: dir, path: `${programs}:/usr/bin:/bin` });
  let stderr = '';
  child.stderr?.on('data', (chunk) => {
    stderr += chunk;
  });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  await isCalled;
  child.kill('SIGINT');
  assert.equal(await ended, 130);
  return stderr;
}
