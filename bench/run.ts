// `npm run bench`: SparkPlug beside a stack written by hand, interleaved pairs, the same images, heaps and jobs; JSON kept.
import { cp, mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import pWaitFor from 'p-wait-for';
import { containerOf, docker } from '../test/e2e/support/docker.ts';
import { mustRun, mustRunJson, repository } from '../test/e2e/support/sparkplug.ts';

interface Pair {
  readonly sparkplugSeconds: number;
  readonly byHandSeconds: number;
}
interface Row {
  readonly name: string;
  readonly what: string;
  readonly goal: number;
  readonly pairs: readonly Pair[];
  readonly medianSparkplugSeconds: number;
  readonly medianByHandSeconds: number;
  /** Median of the pairs' ratios: below 1, SparkPlug is faster. */
  readonly ratio: number;
}
interface Situation {
  readonly folder: string;
  readonly sparkImage: string;
  readonly hdfsImage: string;
  /** Heap of one executor as SparkPlug derives it, used by both sides. */
  readonly executorHeapMiB: number;
  readonly projectId: string;
}

const pairsWanted = Number(process.argv.find((argument) => argument.startsWith('--pairs='))?.slice(8) ?? 5);
const byHand = join(repository, 'bench', 'handwritten');
const namespace = 'bench-by-hand';

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low, high] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]];
  if (low === undefined || high === undefined) throw new Error('no values');
  return (low + high) / 2;
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return (performance.now() - startedAt) / 1000;
}

/** Measures pairs, the side that goes first changing each time. */
async function measure(
  name: string,
  what: string,
  goal: number,
  sparkplugSide: () => Promise<number>,
  byHandSide: () => Promise<number>,
): Promise<Row> {
  const pairs: Pair[] = [];
  for (let number = 0; number < pairsWanted; number += 1) {
    let sparkplugSeconds: number;
    let byHandSeconds: number;
    if (number % 2 === 0) {
      sparkplugSeconds = await sparkplugSide();
      byHandSeconds = await byHandSide();
    } else {
      byHandSeconds = await byHandSide();
      sparkplugSeconds = await sparkplugSide();
    }
    pairs.push({ sparkplugSeconds, byHandSeconds });
    console.log(
      `  ${name} ${number + 1}: sparkplug ${sparkplugSeconds.toFixed(1)} s, by hand ${byHandSeconds.toFixed(1)} s`,
    );
  }
  return {
    name,
    what,
    goal,
    pairs,
    medianSparkplugSeconds: median(pairs.map((pair) => pair.sparkplugSeconds)),
    medianByHandSeconds: median(pairs.map((pair) => pair.byHandSeconds)),
    ratio: median(pairs.map((pair) => pair.sparkplugSeconds / pair.byHandSeconds)),
  };
}

/** Stack deployed → both workers alive at the master → the job's right answer. */
async function launchByHand(situation: Situation): Promise<number> {
  const memory = `${situation.executorHeapMiB}m`;
  const environment = { SPARK_IMAGE: situation.sparkImage, HDFS_IMAGE: situation.hdfsImage, WORKER_MEMORY: memory };
  const taken = await seconds(async () => {
    await execa('docker', ['stack', 'deploy', '--resolve-image', 'never', '-c', join(byHand, 'stack.yml'), namespace], {
      env: environment,
    });
    await pWaitFor(async () => (await aliveWorkersByHand()) === 2, { interval: 250, timeout: 120_000 });
    await runByHand(situation, 'round_trip.py', 'ROUND TRIP OK');
  });
  await docker('stack', 'rm', namespace);
  await pWaitFor(
    async () => {
      const left = await docker('ps', '-aq', '--filter', `label=com.docker.stack.namespace=${namespace}`);
      const networks = await docker('network', 'ls', '-q', '--filter', `label=com.docker.stack.namespace=${namespace}`);
      return left === '' && networks === '';
    },
    { interval: 250, timeout: 120_000 },
  );
  return taken;
}

async function aliveWorkersByHand(): Promise<number> {
  const id = await docker('ps', '-q', '--filter', `label=com.docker.swarm.service.name=${namespace}_spark-master`);
  if (id === '') return 0;
  const ask =
    "import json,urllib.request as u; print(json.load(u.urlopen('http://spark-master:8080/json/'))['aliveworkers'])";
  const { stdout } = await execa('docker', ['exec', id, 'python3', '-c', ask], { reject: false });
  return Number(stdout || 0);
}

async function runByHand(situation: Situation, job: string, expected: string): Promise<void> {
  const memory = `${situation.executorHeapMiB}m`;
  const mounts = [
    '-v',
    `${join(byHand, 'conf')}:/conf:ro`,
    '-v',
    `${join(repository, 'bench', 'project', 'src')}:/jobs:ro`,
  ];
  const out = await docker(
    ...['run', '--rm', '--network', `${namespace}_sp`, ...mounts, '-e', `WORKER_MEMORY=${memory}`],
    ...['--entrypoint', 'tini', situation.sparkImage, '--', '/conf/submit.sh', `/jobs/${job}`],
  );
  if (!out.includes(expected)) throw new Error(`by hand: ${out}`);
}

/** `up` of a stopped project whose images are there → the job's right answer. */
async function launchSparkplug(situation: Situation): Promise<number> {
  const taken = await seconds(async () => {
    await mustRun(situation.folder, ['up', '--yes']);
    const outcome = await mustRun(situation.folder, ['run', 'round_trip']);
    if (!outcome.all.includes('ROUND TRIP OK')) throw new Error(outcome.all);
  });
  await mustRun(situation.folder, ['down', '--yes']);
  return taken;
}

/** `spark-submit` as Spark ships it, in a container of SparkPlug's own cluster, with the cluster's secret. */
async function submitOnCluster(situation: Situation, job: string, expected: string): Promise<number> {
  const driver = await containerOf(situation.projectId, 'spark-driver');
  const script = `
    set -e; umask 077; properties=$(mktemp)
    grep -v -e defaultJavaOptions /etc/spark/spark-defaults.conf > $properties
    echo "spark.authenticate.secret $(cat /run/secrets/spark_auth)" >> $properties
    address=$(getent hosts "$(hostname)" | awk '{print $1}' | head -1)
    /opt/spark/bin/spark-submit --properties-file $properties --conf spark.driver.host=$address \
      --conf spark.driver.bindAddress=0.0.0.0 /opt/app/code/src/${job}.py`;
  return await seconds(async () => {
    const out = await docker('exec', driver, 'sh', '-c', script);
    if (!out.includes(expected)) throw new Error(out);
  });
}

async function prepare(): Promise<Situation> {
  const folder = await mkdtemp(join(tmpdir(), 'sparkplug-bench-'));
  await cp(join(repository, 'bench', 'project'), folder, { recursive: true });
  await mustRun(folder, ['doctor', '--fix', '--yes']);
  const up = (await mustRunJson(folder, ['up'], { timeoutMs: 900_000 })) as { projectId: string };
  const plan = (await mustRunJson(folder, ['plan'])) as { worker: { heapMiB: number } };
  await mustRun(folder, ['run', 'round_trip']);
  const imageOf = async (service: string) =>
    (await docker('inspect', '-f', '{{.Config.Image}}', await containerOf(up.projectId, service))).trim();
  return {
    folder,
    sparkImage: await imageOf('spark-master'),
    hdfsImage: await imageOf('namenode'),
    executorHeapMiB: plan.worker.heapMiB,
    projectId: up.projectId,
  };
}

const submitted = [
  { job: 'trivial', what: 'a trivial PySpark job', goal: 0.75 },
  // What makes short jobs fast must not make long ones slow.
  { job: 'computing', what: 'a quarter of a minute of computing', goal: 1 },
];
const only = process.argv.find((argument) => argument.startsWith('--only='))?.slice(7);
const isWanted = (name: string) => only === undefined || only === name;
const situation = await prepare();
const rows: Row[] = [];
for (const { job, what, goal } of submitted) {
  if (!isWanted(`${job}-job`)) continue;
  rows.push(
    await measure(
      `${job}-job`,
      `${what}: \`sparkplug run\` against \`spark-submit\` in a container of the same cluster`,
      goal,
      async () => await seconds(async () => await mustRun(situation.folder, ['run', job])),
      async () => await submitOnCluster(situation, job, `${job.toUpperCase()} OK`),
    ),
  );
}
await mustRun(situation.folder, ['down', '--yes']);
if (isWanted('warm-up-to-first-job')) {
  rows.push(
    await measure(
      'warm-up-to-first-job',
      'images there, cluster stopped: launch to the right answer of a first job that writes and reads HDFS',
      0.75,
      async () => await launchSparkplug(situation),
      async () => await launchByHand(situation),
    ),
  );
}
const machine = { cores: cpus().length, memoryGiB: Math.round(totalmem() / 2 ** 30), node: process.version };
const results = join(repository, 'bench', 'results');
await mkdir(results, { recursive: true });
for (const row of rows) {
  const report = { measuredAt: new Date().toISOString(), machine, rows: [row] };
  await writeFile(join(results, `${row.name}.json`), `${JSON.stringify(report, null, 2)}\n`);
  const medians = `${row.medianSparkplugSeconds.toFixed(1)} s against ${row.medianByHandSeconds.toFixed(1)} s by hand`;
  console.log(`${row.name}: ${medians}, ratio ${row.ratio.toFixed(2)} (aim ≤ ${row.goal})`);
}

// Last: a volume that is still let go of costs no measurement.
await mustRun(situation.folder, ['down', '--volumes', '--yes']);
const volumesByHand = await docker('volume', 'ls', '-q', '--filter', `label=com.docker.stack.namespace=${namespace}`);
for (const volume of volumesByHand.split('\n').filter(Boolean)) await docker('volume', 'rm', volume);
