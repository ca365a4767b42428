// Jobs on the real cluster: what reaches them, how they end, and what is known of them afterwards.
import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import pWaitFor from 'p-wait-for';
import { containerOf, docker } from './support/docker.ts';
import { ask, lastRunOf, type SharedCluster, secretMarker, sha256, sharedCluster } from './support/shared-cluster.ts';
import { mustRun, mustRunJson, sparkplug } from './support/sparkplug.ts';

let cluster: SharedCluster;
before(async () => {
  cluster = await sharedCluster();
});

describe('a job that works', () => {
  it('streams its log, ends with 0, and stands in the history with its image', async () => {
    const outcome = await mustRun(cluster.folder, ['run', 'count']);
    assert.match(outcome.all, /COUNTED 1000/);
    const run = await lastRunOf(cluster, 'count');
    assert.equal(run.state, 'succeeded');
    assert.equal(run.exitCode, 0);
    assert.match(run.imageDigest ?? '', /^sha256:[0-9a-f]{64}$/);
    const log = await mustRun(cluster.folder, ['runs', 'logs', run.id]);
    assert.match(log.stdout, /COUNTED 1000/);
  });

  it('gets its arguments, environment, secret and packages, on driver and executors, without being root', async () => {
    const outcome = await mustRun(cluster.folder, ['run', 'settings']);
    const line = outcome.all.split('\n').find((text) => text.includes('SETTINGS {')) ?? '';
    assert.deepEqual(JSON.parse(line.slice(line.indexOf('{'))), {
      args: ['first', 'second word'],
      mode: 'full',
      driver: `${sha256(secretMarker)} 0.9.0`,
      executor: `${sha256(secretMarker)} 0.9.0`,
      gomp: [true, true],
      jvm: ['org.postgresql.Driver', 'PostgreSQL JDBC Driver 42.7.8', 'CoarseGrainedExecutorBackend'],
      user: 10001,
    });
  });

  it('takes arguments after -- in place of the file’s', async () => {
    assert.match((await mustRun(cluster.folder, ['run', 'arguments'])).all, /ARGUMENTS \["of", "the file"\]/);
    assert.match((await mustRun(cluster.folder, ['run', 'arguments', '--', 'other'])).all, /ARGUMENTS \["other"\]/);
  });

  it('may be a jar', async () => {
    const outcome = await mustRun(cluster.folder, ['run', 'jvm', '--', 'a', 'b']);
    assert.match(outcome.all, /JVM COUNTED 1000 a,b/);
  });

  it('shows its stages while it runs', async () => {
    const started = (await mustRunJson(cluster.folder, ['run', 'stages', '--detach', '--', '6'])) as { id: string };
    let seen = 0;
    await pWaitFor(
      async () => {
        const run = (await (await ask(cluster, `/api/v1/runs/${started.id}`)).json()) as Awaited<
          ReturnType<typeof lastRunOf>
        >;
        seen = Math.max(seen, run.progress?.stagesDone ?? 0);
        return ['succeeded', 'failed', 'cancelled'].includes(run.state);
      },
      { interval: 250, timeout: 90_000 },
    );
    assert.ok(seen >= 1, `stages seen done while running: ${seen}`);
    assert.equal((await lastRunOf(cluster, 'stages')).state, 'succeeded');
  });

  it('is retried after failures, as attempts of one run', async () => {
    const outcome = await sparkplug(cluster.folder, ['hdfs', 'rm', '-r', '/flaky']);
    assert.ok([0, 1].includes(outcome.exitCode));
    await mustRun(cluster.folder, ['run', 'flaky']);
    const run = await lastRunOf(cluster, 'flaky');
    assert.deepEqual(
      run.attempts.map((attempt) => attempt.exitCode),
      [1, 1, 0],
    );
  });

  it('goes on while the scheduler dies and comes back, and loses no line of its log', async () => {
    const started = (await mustRunJson(cluster.folder, ['run', 'stages', '--detach', '--', '12'])) as { id: string };
    await pWaitFor(async () => (await logOf(started.id)).includes('STAGES BEGIN'), { interval: 250, timeout: 60_000 });
    await docker('kill', '--signal', 'KILL', await containerOf(cluster.projectId, 'scheduler'));
    await pWaitFor(async () => (await stateOf(started.id)) === 'succeeded', { interval: 500, timeout: 90_000 });
    const rounds = (await logOf(started.id)).split('\n').filter((line) => /ROUND|STAGES/.test(line));
    assert.deepEqual(
      rounds.map((line) => line.replace(/^.*?(ROUND \d|STAGES \w+).*$/, '$1')),
      ['STAGES BEGIN', 'ROUND 0', 'ROUND 1', 'ROUND 2', 'ROUND 3', 'STAGES END'],
    );
  });
});

describe('a job that does not work', () => {
  it('that throws passes its exit code and shows its traceback', async () => {
    const outcome = await sparkplug(cluster.folder, ['run', 'throws']);
    assert.equal(outcome.exitCode, 1);
    assert.match(outcome.all, /ValueError: the marker of a job that throws/);
    assert.equal((await lastRunOf(cluster, 'throws')).failure?.code, 'RUN_FAILED');
  });

  it('that exits non-zero passes just that code', async () => {
    assert.equal((await sparkplug(cluster.folder, ['run', 'exits'])).exitCode, 7);
  });

  it('that hangs is ended at its timeout', async () => {
    const outcome = await sparkplug(cluster.folder, ['run', 'hangs']);
    assert.notEqual(outcome.exitCode, 0);
    assert.equal((await lastRunOf(cluster, 'hangs')).failure?.code, 'RUN_TIMED_OUT');
  });

  it('that is cancelled ends as cancelled, and the next run works', async () => {
    const started = (await mustRunJson(cluster.folder, ['run', 'stages', '--detach', '--', '120'])) as { id: string };
    await pWaitFor(async () => (await logOf(started.id)).includes('STAGES BEGIN'), { interval: 250, timeout: 60_000 });
    await mustRun(cluster.folder, ['runs', 'cancel', started.id]);
    await pWaitFor(async () => (await stateOf(started.id)) === 'cancelled', { interval: 250, timeout: 30_000 });
    await mustRun(cluster.folder, ['run', 'count']);
  });

  it('that can never get executors is told why within seconds', async () => {
    const startedAt = performance.now();
    const outcome = await sparkplug(cluster.folder, ['run', 'greedy']);
    assert.notEqual(outcome.exitCode, 0);
    const { failure } = await lastRunOf(cluster, 'greedy');
    assert.equal(failure?.code, 'RUN_CANNOT_GET_EXECUTORS');
    assert.match(failure?.message ?? '', /64|65536/);
    // The driver's start takes most of it; refused is what is refused for 3 s.
    const tookMs = performance.now() - startedAt;
    assert.ok(tookMs < 25_000, `${tookMs} ms`);
  });

  it('that writes no result fails, although it exited with 0', async () => {
    assert.notEqual((await sparkplug(cluster.folder, ['run', 'no_result'])).exitCode, 0);
    assert.equal((await lastRunOf(cluster, 'no_result')).failure?.code, 'RESULT_MISSING');
  });

  it('that dies with half a result publishes nothing', async () => {
    assert.notEqual((await sparkplug(cluster.folder, ['run', 'half_result'])).exitCode, 0);
    assert.equal((await lastRunOf(cluster, 'half_result')).failure?.code, 'RESULT_INCOMPLETE');
    assert.equal((await ask(cluster, '/api/v1/results/half')).status, 404);
  });

  it('that writes something else than Parquet is told so', async () => {
    assert.notEqual((await sparkplug(cluster.folder, ['run', 'not_parquet'])).exitCode, 0);
    assert.equal((await lastRunOf(cluster, 'not_parquet')).failure?.code, 'RESULT_NOT_PARQUET');
  });

  it('whose file is missing is refused before anything is built', async () => {
    const outcome = await sparkplug(cluster.folder, ['run', 'count', '--set', 'jobs.count.main=src/away.py']);
    assert.equal(outcome.exitCode, 2);
    assert.match(outcome.stderr, /src\/away\.py/);
  });

  it('that is unknown is refused with the names there are', async () => {
    const outcome = await sparkplug(cluster.folder, ['run', 'cuont']);
    assert.equal(outcome.exitCode, 2);
    assert.match(outcome.stderr, /count/);
  });
});

describe('a package that cannot be installed', () => {
  const cases = [
    ['of Debian', 'apt=[no-such-package-of-debian]', 'APT_FAILED', 'apt', 'no-such-package-of-debian'],
    ['for the JVM', 'packages=["org.example:none:1.0"]', 'PACKAGE_FAILED', 'packages', 'org.example:none:1.0'],
    ['for Python', 'requirements=away.txt', 'REQUIREMENT_FAILED', 'requirements', 'tabulate==99.9'],
  ] as const;
  before(async () => {
    // The driver of the last run has ended, and its successor belongs to the cluster that has to stay as it is.
    await containerOf(cluster.projectId, 'spark-driver');
    await writeFile(join(cluster.folder, 'away.txt'), 'tabulate==99.9\n');
  });
  after(async () => {
    await rm(join(cluster.folder, 'away.txt'));
  });

  for (const [title, setting, code, place, name] of cases) {
    it(`${title} is named with its place and fix, and the running cluster stays as it is`, async () => {
      const before = await describeCluster();
      // As each of the two commands meets it: `up` before anything is changed, `run` before a run is made.
      const command = code === 'PACKAGE_FAILED' ? ['up'] : ['run', 'count'];
      const outcome = await sparkplug(cluster.folder, [...command, '--set', setting, '-o', 'json']);
      assert.equal(outcome.exitCode, 1, outcome.all);
      const { error } = JSON.parse(outcome.stdout) as {
        error: { code: string; message: string; place: string; met: string; hint: string };
      };
      assert.deepEqual([error.code, error.place, error.met], [code, place, name]);
      assert.ok(error.message.includes(name), error.message);
      assert.match(error.hint, /^correct /);
      assert.deepEqual(await describeCluster(), before);
    });
  }
});

describe('a change of code', () => {
  it('rebuilds the driver’s layer only, and the run has it', async () => {
    const before = await mustRunJson(cluster.folder, ['status']);
    await writeFile(join(cluster.folder, 'src', 'count.py'), 'print("CHANGED CODE")\n');
    const outcome = await mustRun(cluster.folder, ['run', 'count']);
    assert.match(outcome.all, /CHANGED CODE/);
    const after = await mustRunJson(cluster.folder, ['status']);
    assert.equal((after as { revision: number }).revision, (before as { revision: number }).revision);
  });
});

async function logOf(run: string): Promise<string> {
  return await (await ask(cluster, `/api/v1/runs/${run}/logs`)).text();
}

/** What a command that failed must have left alone: containers, revision, runs. */
async function describeCluster(): Promise<unknown> {
  const containers = await docker('ps', '-q', '--filter', `label=sparkplug.project=${cluster.projectId}`);
  const { revision } = (await mustRunJson(cluster.folder, ['status'])) as { revision: number };
  const { runs } = (await (await ask(cluster, '/api/v1/runs?limit=1')).json()) as { runs: { id: string }[] };
  return { containers: containers.split('\n').sort(), revision, newestRun: runs[0]?.id };
}

/** State of a run; empty while the service is away. */
async function stateOf(run: string): Promise<string> {
  const response = await ask(cluster, `/api/v1/runs/${run}`);
  return response.ok ? ((await response.json()) as { state: string }).state : '';
}
