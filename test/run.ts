// `npm test`: everything, from nothing. What the tests call, static checks and unit tests, then the engine, then one
// cluster for all end to end tests. Its last line counts what passed and failed; without Docker it fails, it never skips.
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import pWaitFor from 'p-wait-for';
import { chromium } from 'playwright-core';
import { removeTestMachines } from './e2e/support/machine.ts';
import { removeSharedCluster } from './e2e/support/shared-cluster.ts';
import { repository } from './e2e/support/sparkplug.ts';
import { explainStuckEngine } from './e2e/support/stuck-engine.ts';

interface Counts {
  passed: number;
  failed: number;
}

const total: Counts = { passed: 0, failed: 0 };
const sparkplug = join(repository, 'bin', 'sparkplug.js');
const artifacts = join(repository, 'test', 'artifacts');

/**
 * End to end files in their order: what later ones build on comes first. Those of several machines take the most memory,
 * so they come before the cluster that stays up for the others.
 */
const endToEnd = [
  'machine-add',
  'machines',
  'faults',
  'cluster',
  'jobs',
  'results',
  'files',
  'closed',
  'images',
  'service',
  'service-faults',
  'dashboard',
  'history',
  'geopredict',
  'reshape',
  'interrupted',
  'by-hand',
  'registry',
  'systemd',
  'agent',
  'aws-boot',
];

const endToEndFile = (name: string) => `test/e2e/${name}.test.ts`;

/** A file that takes longer hangs: on a machine of two cores the longest of `npm test` takes two thirds of it. */
const fileLimitMs = 15 * 60_000;
/** Those with a command of their own wait for what takes HDFS minutes. */
const longFileLimitMs = 30 * 60_000;

/** Runs test files with node:test, one after another, and adds what they counted. A crash counts as a failure. */
async function runTests(
  title: string,
  files: readonly string[],
  concurrency: number,
  limitMs = fileLimitMs,
): Promise<void> {
  console.log(`\n── ${title}`);
  const startedAt = performance.now();
  const folder = await mkdtemp(join(tmpdir(), 'sparkplug-counts-'));
  const countsFile = join(folder, 'counts');
  await writeFile(countsFile, '');
  const running = execa(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      '--test',
      `--test-concurrency=${concurrency}`,
      `--test-reporter=${join(repository, 'test', 'counting-reporter.ts')}`,
      ...files,
    ],
    // Words and file names of programs are compared, in whatever language and locale this machine is.
    { cwd: repository, stdio: 'inherit', reject: false, env: { SPARKPLUG_COUNTS: countsFile, LC_ALL: 'C.UTF-8' } },
  );
  const limit = setTimeout(() => {
    console.log(`✖ ${title} did not end within ${limitMs / 60_000} min`);
    // node:test leaves the file's own process behind, which would go on under the next file's feet.
    endTree(running.pid);
  }, limitMs);
  const { exitCode } = await running;
  clearTimeout(limit);
  const counted = (await readFile(countsFile, 'utf8')).split('\n').filter(Boolean);
  const counts = counted.map((line) => JSON.parse(line) as Counts);
  const before = total.failed;
  for (const { passed, failed } of counts) {
    total.passed += passed;
    total.failed += failed;
  }
  if (exitCode !== 0 && total.failed === before) total.failed += 1;
  console.log(`   ${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
}

/** Ends a process and all that came of it. */
function endTree(root: number | undefined): void {
  const parents = new Map(
    readdirSync('/proc').flatMap((pid) => (/^\d+$/.test(pid) ? [[Number(pid), parentOf(pid)]] : [])),
  );
  const tree = root === undefined ? [] : [root];
  for (const parent of tree) for (const [pid, its] of parents) if (its === parent) tree.push(pid);
  for (const pid of tree) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended with the one above it.
    }
  }
}

/** Null for a process that has ended meanwhile. */
function parentOf(pid: string): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold anything, spaces too.
    return Number(stat.slice(stat.lastIndexOf(')')).split(' ')[2]);
  } catch {
    return null;
  }
}

/**
 * A file that fails with an engine that is deadlocked says nothing of the product: why the engine waits is printed, it is
 * restarted as a user would, and the file runs again. Any other failure stands.
 */
async function runEndToEnd(name: string): Promise<void> {
  const before = { ...total };
  const files = [endToEndFile(name)];
  const limitMs = endToEnd.includes(name) ? fileLimitMs : longFileLimitMs;
  await runTests(name, files, 1, limitMs);
  if (total.failed === before.failed) return;
  await mkdir(artifacts, { recursive: true });
  if (!(await explainStuckEngine(artifacts))) return;
  Object.assign(total, before);
  if (!(await check('the engine is restarted', process.execPath, [sparkplug, 'doctor', '--fix', '--yes']))) return;
  await removeLeftovers();
  await runTests(`${name} again`, files, 1, limitMs);
}

/** One command that must succeed, counted as one test. */
async function check(title: string, command: string, args: readonly string[]): Promise<boolean> {
  const startedAt = performance.now();
  const result = await execa(command, args, { cwd: repository, reject: false, all: true, preferLocal: true });
  const passed = result.exitCode === 0;
  total[passed ? 'passed' : 'failed'] += 1;
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  console.log(`${passed ? '✔' : '✖'} ${title} (${seconds} s)`);
  if (!passed) console.log(result.all);
  return passed;
}

/** Programs that tests call and a machine may lack: package of Debian and Ubuntu → POSIX sh that finds what it has. */
type Needs = Readonly<Record<string, string>>;

const unitNeeds: Needs = {
  'openssh-client': 'command -v ssh',
  // For schemathesis and moto, each in an environment of its own.
  'python3-venv': 'python3 -c "import ensurepip"',
};
const endToEndNeeds: Needs = {
  curl: 'command -v curl',
  iproute2: 'command -v ip',
  procps: 'command -v pgrep',
};

/** Installs what is missing and a browser, all at once; who is not root is told what to install. */
async function ensureNeeds(needs: Needs): Promise<boolean> {
  const browsers = `command -v chromium || command -v google-chrome || [ -x '${chromium.executablePath()}' ]`;
  const script = `
    missing= browser=
    ${Object.entries(needs)
      .map(([name, isThere]) => `${isThere} >/dev/null 2>&1 || missing="$missing ${name}"`)
      .join('\n')}
    { ${browsers}; } >/dev/null 2>&1 || browser=chromium
    [ -n "$missing$browser" ] || exit 0
    if [ "$(id -u)" != 0 ]; then
      echo "error: programs that the tests call are missing; as root they are installed"
      echo "  fix: sudo apt-get update && sudo apt-get install --no-install-recommends$missing $browser"
      exit 1
    fi
    # A mirror that fails is not fatal as long as the packages can be had.
    apt-get update -qq
    # Ubuntu's Chromium is a snap, which a test cannot drive: there it is Playwright's own.
    if [ -n "$browser" ] && [ -z "$(apt-cache show chromium 2>/dev/null)" ]; then
      playwright-core install --with-deps --no-shell chromium || exit 1
      browser=
    fi
    set -- $missing $browser
    [ $# = 0 ] || DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@"`;
  return await check('what the tests call is there', 'sh', ['-c', script]);
}

/** Keeps what the engine knows, for reading after a failure. */
async function keepArtifacts(): Promise<void> {
  await mkdir(artifacts, { recursive: true });
  for (const [name, args] of [
    ['containers.txt', ['ps', '-a', '--no-trunc']],
    ['services.txt', ['service', 'ls']],
    ['disk.txt', ['system', 'df']],
  ] as const) {
    const { all } = await execa('docker', args, { reject: false, all: true, timeout: 60_000 });
    await writeFile(join(artifacts, name), all);
  }
}

/**
 * Removes what an interrupted test run left: a daemon that starts again brings its Swarm services back, and their names
 * would be taken. Only projects that the tests make, by their names.
 */
async function removeLeftovers(): Promise<void> {
  await removeTestMachines();
  const docker = async (...args: readonly string[]) => (await execa('docker', args)).stdout.split('\n').filter(Boolean);
  const format = '{{index .Spec.Labels "sparkplug.project"}} {{index .Spec.Labels "com.docker.stack.namespace"}}';
  const ids = await docker('service', 'ls', '-q', '--filter', 'label=sparkplug.project');
  const owners = ids.length === 0 ? [] : await docker('service', 'inspect', '--format', format, ...ids);
  for (const owner of new Set(owners.filter((line) => /^e2e(-[a-z-]+)?-[0-9a-z]{6} /.test(line)))) {
    const [project = '', namespace = ''] = owner.split(' ');
    console.log(`removing what an earlier test run left: ${project}`);
    await execa('docker', ['stack', 'rm', namespace]);
    const isGone = async () =>
      (await docker('ps', '-aq', '--filter', `label=sparkplug.project=${project}`)).length === 0;
    await pWaitFor(isGone, { interval: 500, timeout: 60_000 });
    for (const volume of await docker('volume', 'ls', '-q', '--filter', `label=sparkplug.project=${project}`)) {
      await execa('docker', ['volume', 'rm', volume], { reject: false });
    }
  }
}

const demo = [sparkplug, '-C', join(repository, 'examples', 'geopredict')];

/** `npm run demo` may have left its cluster running, which takes half of a machine: true when it was stopped, data kept. */
async function stopDemo(): Promise<boolean> {
  const { stdout } = await execa(process.execPath, [...demo, 'down', '--yes', '-o', 'json']);
  const { stopped } = JSON.parse(stdout) as { stopped: readonly string[] };
  if (stopped.length > 0)
    console.log('the demo’s cluster is stopped until the end: its memory is needed, its data stays');
  return stopped.length > 0;
}

/** Counted: what a test run leaves behind, a user's `down` would leave too. */
async function clearSharedCluster(): Promise<void> {
  try {
    await removeSharedCluster();
  } catch (error) {
    total.failed += 1;
    console.log('✖ the shared cluster is removed\n', error);
  }
}

const onlyUnit = process.argv.includes('--unit');
/** For work on one file: the shared cluster stays up. */
const keep = process.argv.includes('--keep');
const chosen = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));

/** Without Docker; the Python and npm registries are asked the first time. */
async function runUnitTests(): Promise<void> {
  await check('formatted and linted', 'biome', ['check', '.']);
  await check('types', 'tsc', ['-p', '.']);
  await check('types of the dashboard', 'tsc', ['-p', 'dashboard']);
  await check('nothing unused', 'knip', []);
  await runTests('unit tests', ['src/**/*.test.ts', 'test/*.test.ts', 'dashboard/src/*.test.ts'], 2);
  await runTests(
    'the REST API, and AWS played',
    ['schemathesis', 'slow-readers', 'aws-images', 'aws'].map(endToEndFile),
    1,
  );
  await runTests('the dashboard in a browser', ['dashboard/test/*.test.ts'], 1);
}

async function runEndToEndTests(names: readonly string[]): Promise<void> {
  if (!(await check('the engine is set up', process.execPath, [sparkplug, 'doctor', '--fix', '--yes']))) return;
  await removeLeftovers();
  const pausesDemo = await stopDemo();
  for (const name of names) await runEndToEnd(name);
  if (total.failed > 0) await keepArtifacts();
  if (!keep) await clearSharedCluster();
  if (pausesDemo) await check('the demo’s cluster is up again', process.execPath, [...demo, 'up', '--yes']);
}

if (await ensureNeeds(onlyUnit ? unitNeeds : { ...unitNeeds, ...endToEndNeeds })) {
  if (chosen.length === 0) await runUnitTests();
  if (!onlyUnit) await runEndToEndTests(chosen.length > 0 ? chosen : endToEnd);
}

console.log(`\n${total.passed} passed, ${total.failed} failed`);
process.exit(total.failed === 0 ? 0 : 1);
