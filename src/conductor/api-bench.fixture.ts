// For tests: the whole published API on 127.0.0.1, web before a scheduler whose desk holds everything in memory.
import type { OutgoingHttpHeaders } from 'node:http';
import { Readable } from 'node:stream';
import { checkSharedSecret } from '../api/access.ts';
import { registerSchedulerRoutes, type SchedulerDesk } from '../api/scheduler-routes.ts';
import type { ClusterEvent, ComponentLine, Operation, Run, Schedule } from '../api/schemas.ts';
import { createApp } from '../api/web-app.ts';
import { SparkPlugError } from '../errors.ts';
import { checkSparkConf } from '../operations/check-run-request.ts';
import { defineRun } from '../runs/define-run.fixture.ts';
import { parquetOf } from '../runs/results/parquet.fixture.ts';
import { controlSecret, startTestWeb, type TestWeb } from './web-server.fixture.ts';

const at = '2026-03-01T12:00:00.000Z';

const operation: Operation = {
  id: 'op-1',
  kind: 'apply',
  state: 'succeeded',
  revision: 1,
  steps: [{ text: 'deploy', cause: 'changed', state: 'done', durationMs: 12 }],
  failure: null,
  startedAt: at,
  finishedAt: at,
};

function createRun(id: string, args: string[]): Run {
  const times = { queuedAt: at, startedAt: at, finishedAt: at };
  return defineRun({ id, job: 'predict', ...times, state: 'succeeded', exitCode: 0, args, published: { table: 3 } });
}

async function* oneLine(): AsyncGenerator<ComponentLine> {
  yield { at, line: 'one line' };
}

/** One job `predict`, one operation `op-1`, a first run `predict-1`. */
export function createMemoryDesk(): SchedulerDesk {
  const runs = [createRun('predict-1', [])];
  const events: ClusterEvent[] = [{ seq: 1, at, kind: 'run', message: 'run predict-1 succeeded' }];
  const keys = new Map<string, Run>();
  const findRun = (id: string): Run => {
    const run = runs.find((candidate) => candidate.id === id);
    if (run === undefined) throw new SparkPlugError('RUN_UNKNOWN', `there is no run ${id}`);
    return run;
  };
  const findOperation = (id: string): Operation => {
    if (id === operation.id) return operation;
    throw new SparkPlugError('OPERATION_UNKNOWN', `there is no operation ${id}`);
  };
  const findComponent = (name: string): void => {
    if (name !== 'datanode-1') throw new SparkPlugError('COMPONENT_UNKNOWN', `this cluster has no component ${name}`);
  };
  const desired = {
    version: '1.0.0',
    projectId: 'test-abc123',
    namespace: 'test-abc123',
    config: { name: 'test', jobs: [{ name: 'predict' }] },
    images: { driver: 'app:1' },
    workerShape: {},
    webPort: 8080,
    subnets: { control: '10.1.0.0/24', data: '10.2.0.0/22' },
  } as never;
  const findSchedule = (job: string): Schedule => {
    if (job !== 'predict') throw new SparkPlugError('JOB_UNKNOWN', `the project has no job ${job}`);
    const rule = { cron: '0 3 * * *', timezone: 'UTC', overlap: 'skip', missed: 'skip' } as const;
    return { job, rule, overridden: false, paused: false, next: ['2026-03-02T03:00:00.000Z'], last: null };
  };
  const changeMachine = (name: string) => {
    if (name !== 'follower-1') throw new SparkPlugError('MACHINE_UNKNOWN', `there is no machine ${name}`);
    return { kind: 'unchanged', revision: 1 } as const;
  };
  return {
    version: '0.0.0-test',
    status: async () => ({
      projectId: 'test-abc123',
      version: '0.0.0-test',
      revision: 1,
      ready: true,
      components: [{ name: 'datanode-1', state: 'ready', detail: '' }],
      spark: null,
      hdfs: null,
      runs: { queued: 0, running: 0 },
      operation: null,
      overrides: [],
      warnings: [],
    }),
    desired: () => ({ revision: 1, desired }),
    exec: async function* (component) {
      if (component !== 'datanode-1') throw new SparkPlugError('COMPONENT_UNKNOWN', `no component ${component}`);
      yield { kind: 'exit', exitCode: 0 };
    },
    submitDesired: async (_desired, { ifMatch }) => {
      if (ifMatch !== null && ifMatch !== 1)
        throw new SparkPlugError('REVISION_CONFLICT', 'the cluster has revision 1');
      return ifMatch === null ? { kind: 'accepted', operation } : { kind: 'unchanged', revision: 1 };
    },
    scale: async () => ({ kind: 'accepted', operation }),
    drainMachine: async (name) => changeMachine(name),
    returnMachine: async (name) => changeMachine(name),
    removeMachine: async (name) => {
      changeMachine(name);
    },
    operation: findOperation,
    followOperation: async function* (id) {
      yield findOperation(id);
    },
    cancelOperation: findOperation,
    startRun: ({ job, newRun, idempotencyKey }) => {
      checkSparkConf(newRun.sparkConf);
      if (job !== 'predict') throw new SparkPlugError('JOB_UNKNOWN', `the project has no job ${job}`);
      const known = idempotencyKey === null ? undefined : keys.get(idempotencyKey);
      if (known !== undefined) return { run: known, created: false };
      const run = createRun(`predict-${runs.length + 1}`, newRun.args ?? []);
      runs.push(run);
      if (idempotencyKey !== null) keys.set(idempotencyKey, run);
      return { run, created: true };
    },
    runs: ({ limit = 100 }) => ({ runs: runs.toReversed().slice(0, limit), next: null }),
    run: findRun,
    runLog: async (id) => {
      findRun(id);
      return Readable.from(['one line\n']);
    },
    logSources: async (id) => {
      findRun(id);
      return { sources: [{ name: 'driver', bytes: 9 }] };
    },
    application: async (id) => {
      throw new SparkPlugError('APPLICATION_UNKNOWN', `there is no application ${id}`);
    },
    followRun: async function* (id) {
      yield { seq: 0, event: { kind: 'log', line: 'one line' } };
      yield { seq: 1, event: { kind: 'end', run: findRun(id) } };
    },
    cancelRun: findRun,
    events: () => events,
    followEvents: async function* () {
      yield* events;
    },
    componentLog: async (name) => {
      findComponent(name);
      return oneLine();
    },
    followComponentLog: async (name) => {
      findComponent(name);
      return oneLine();
    },
    results: () => [],
    jobs: () => ({
      jobs: [
        {
          name: 'predict',
          main: 'src/predict.py',
          args: [],
          results: [],
          schedule: findSchedule('predict'),
          lastRun: null,
        },
      ],
    }),
    schedules: () => ({ schedules: [findSchedule('predict')] }),
    changeSchedule: findSchedule,
    resetSchedule: findSchedule,
    pauseSchedule: findSchedule,
    resumeSchedule: findSchedule,
    machines: async () => ({ machines: [] }),
    history: () => ({ samples: [] }),
    metrics: async () => '# TYPE sparkplug_up gauge\nsparkplug_up 1\n',
  };
}

/** The desk's routes behind web's proxy. HDFS holds a file, and one result `table` is served. */
export async function startApiBench(desk: SchedulerDesk = createMemoryDesk()): Promise<TestWeb> {
  const web = await startTestWeb();
  const scheduler = createApp({
    log: () => undefined,
    admit: ({ headers }) => checkSharedSecret(headers.authorization, controlSecret),
  });
  registerSchedulerRoutes(scheduler, desk);
  web.scheduler.answer = (_request, response) => {
    const { method, url, headers, body } = web.scheduler.seen.splice(0)[0] ?? {
      method: '',
      url: '',
      headers: {},
      body: '',
    };
    scheduler
      .inject({ method: method as 'GET', url, headers, ...(body === '' ? {} : { payload: body }) })
      .then((answer) =>
        response.writeHead(answer.statusCode, answer.headers as OutgoingHttpHeaders).end(answer.rawPayload),
      )
      .catch((error: unknown) => response.destroy(error as Error));
  };
  web.hdfs.put('/data/input.csv', 'a,b\n1,2\n');
  web.hdfs.put(
    '/results/table/part-0.parquet',
    await parquetOf("SELECT i::INTEGER AS id, 'n' || i AS name FROM range(3) t(i)"),
  );
  const result = { name: 'table', path: '/results/table', key: 'id', unique: true, notBeforeMs: 0 };
  const published = await web.internal('POST', '/internal/publications', {
    run: 'predict-1',
    job: 'predict',
    results: [result],
  });
  const { columns, rows } = ((await published.json()) as { published: [{ columns: []; rows: number }] }).published[0];
  web.scheduler.current = [
    {
      name: 'table',
      job: 'predict',
      run: 'predict-1',
      version: 1,
      rows,
      key: 'id',
      unique: true,
      publishedAt: at,
      columns,
    },
  ];
  return web;
}
