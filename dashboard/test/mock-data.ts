// What the mock cluster knows: three unequal machines, jobs with a past, results, files.
import type {
  ClusterEvent,
  ClusterSample,
  ClusterStatus,
  ContainerView,
  JobInfo,
  MachineView,
  Operation,
  ResultInfo,
  Run,
  Schedule,
} from '../../src/api/schemas.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** A number in [0, 1) from a number, always the same: data that looks random and is not. */
export function noise(seed: number): number {
  const value = Math.sin(seed * 12.9898 + 78.233) * 43_758.5453;
  return value - Math.floor(value);
}

const iso = (milliseconds: number): string => new Date(milliseconds).toISOString();

function container(service: string, memoryMiB: number, more: Partial<ContainerView> = {}): ContainerView {
  const used = 0.35 + noise(service.length + memoryMiB) * 0.5;
  return {
    service,
    component: service.replace(/-\d+$/, ''),
    cores: 0,
    memoryMiB,
    state: 'ready',
    coresUsed: Math.round(noise(memoryMiB) * 30) / 100,
    memoryUsedMiB: Math.round(memoryMiB * used),
    ...more,
  };
}

const worker = (ordinal: number, more: Partial<ContainerView> = {}): ContainerView =>
  container(`spark-worker-${ordinal}`, 4096, { cores: 2, coresUsed: 1 + noise(ordinal), ...more });

export const machines: readonly MachineView[] = [
  {
    id: 'id-atlas',
    name: 'atlas',
    conductor: true,
    reachable: true,
    state: 'ready',
    explanation: '1 core left, one worker needs 2; cores ran out first',
    cores: 8,
    memoryMiB: 16_384,
    reservedMiB: 2048,
    containers: [
      container('web', 1024),
      container('scheduler', 384),
      container('spark-driver', 2048),
      container('spark-master', 640),
      container('namenode', 896),
      container('checkpointer', 512),
      container('history', 640),
      container('datanode-1', 768),
      worker(1),
    ],
  },
  {
    id: 'id-birch',
    name: 'birch',
    conductor: false,
    reachable: true,
    state: 'ready',
    explanation: '1.5 GiB left, one worker needs 4 GiB; memory ran out first',
    cores: 4,
    memoryMiB: 8192,
    reservedMiB: 1024,
    containers: [container('datanode-2', 768), worker(2, { state: 'starting', coresUsed: null, memoryUsedMiB: null })],
  },
  {
    id: 'id-cedar',
    name: 'cedar',
    conductor: false,
    reachable: true,
    state: 'ready',
    explanation: 'all 12 cores are in use; 2 GiB left',
    cores: 12,
    memoryMiB: 32_768,
    reservedMiB: 2048,
    containers: [
      container('datanode-3', 768, { state: 'failing' }),
      worker(3),
      worker(4),
      worker(5),
      worker(6),
      worker(7),
      worker(8),
    ],
  },
];

export function makeStatus(operation: string | null, runs: { queued: number; running: number }): ClusterStatus {
  const components = machines.flatMap(({ containers }) =>
    containers.map(({ service, state }) => ({
      name: service,
      state,
      detail: state === 'failing' ? 'exited with code 1 three times in a minute' : state,
    })),
  );
  return {
    projectId: 'geopredict-4f8a1c',
    version: '0.4.0',
    revision: 7,
    ready: components.every(({ state }) => state === 'ready'),
    components,
    spark: { workers: 7, cores: 14, coresUsed: 8, memoryMiB: 24_576, memoryUsedMiB: 14_336 },
    hdfs: {
      datanodes: 3,
      capacityMiB: 921_600,
      usedMiB: 48_230,
      missingBlocks: 0,
      underReplicatedBlocks: 12,
      safeMode: false,
      replication: 2,
    },
    runs,
    overrides: [],
    operation,
    warnings: ['datanode-3 keeps failing: sparkplug logs datanode-3 shows why'],
  };
}

export const operation: Operation = {
  id: 'op-12',
  kind: 'apply',
  state: 'running',
  revision: 8,
  startedAt: iso(Date.now() - 20_000),
  finishedAt: null,
  failure: null,
  steps: [
    { text: 'create datanode-4 on cedar', cause: 'hdfs.datanodes: 3 → 4', state: 'done', durationMs: 4210 },
    { text: 'wait until datanode-4 is live', cause: 'hdfs.datanodes: 3 → 4', state: 'running', durationMs: null },
    { text: 'raise replication to 3', cause: 'replication follows the DataNodes', state: 'pending', durationMs: null },
  ],
};

/** The samples of the last `minutes`, one a minute at most. */
export function makeHistory(minutes: number): ClusterSample[] {
  const count = Math.min(minutes, 240);
  const step = (minutes / count) * minute;
  const start = Date.now() - minutes * minute;
  return Array.from({ length: count }, (_, index) => {
    const wave = Math.max(0, Math.sin(index / (count / 14)));
    return {
      at: iso(start + index * step),
      ready: index < count * 0.62 || index > count * 0.66,
      coresUsed: 1.5 + wave * 11 + noise(index) * 1.5,
      memoryUsedMiB: 18_000 + wave * 16_000 + noise(index + 7) * 1200,
      sparkCoresUsed: wave > 0.1 ? 14 : 0,
      hdfsUsedMiB: 45_000 + index * 14,
    };
  });
}

const ticksOf = (hours: number): string[] => {
  const first = Math.ceil(Date.now() / (hours * hour)) * hours * hour;
  return Array.from({ length: 5 }, (_, index) => iso(first + index * hours * hour));
};

export function makeSchedules(): Schedule[] {
  return [
    {
      job: 'predict',
      rule: { cron: '0 3 * * *', timezone: 'Europe/Zurich', overlap: 'skip', missed: 'once' },
      overridden: false,
      paused: false,
      next: ticksOf(24),
      last: { at: iso(Date.now() - 9 * hour), outcome: 'queued', run: 'predict-40' },
    },
    {
      job: 'ingest',
      rule: { cron: '*/30 * * * *', timezone: 'UTC', overlap: 'queue', missed: 'skip' },
      overridden: true,
      paused: true,
      next: [],
      last: { at: iso(Date.now() - 3 * hour), outcome: 'skipped', run: null },
    },
  ];
}

const jobNames = ['predict', 'ingest', 'report'] as const;
const mainOf = { predict: 'src/predict.py', ingest: 'src/ingest.py', report: 'src/report.py' } as const;

export function makeRuns(): Run[] {
  return Array.from({ length: 68 }, (_, index): Run => {
    const number = 68 - index;
    const job = jobNames[number % 3] ?? 'predict';
    const failed = number % 11 === 0;
    const cancelled = number % 17 === 0;
    const queued = Date.now() - (index + 1) * 47 * minute;
    const seconds = { predict: 190, ingest: 62, report: 24 }[job] * (0.8 + noise(number) * 0.5);
    return {
      id: `${job}-${number}`,
      job,
      state: failed ? 'failed' : cancelled ? 'cancelled' : 'succeeded',
      args: job === 'predict' ? ['--horizon', '7'] : [],
      trigger: number % 4 === 0 ? 'rest' : number % 3 === 0 ? 'cli' : 'schedule',
      tick: number % 4 === 0 || number % 3 === 0 ? null : iso(queued),
      applications: [`app-20261122-${String(number).padStart(4, '0')}`],
      image: 'sparkplug/geopredict-driver:0f3a11c2d4e5',
      imageDigest: `sha256:${'4f'.repeat(32)}`,
      queuedAt: iso(queued),
      startedAt: iso(queued + 1_800),
      finishedAt: iso(queued + 1_800 + seconds * 1000),
      exitCode: failed ? 1 : cancelled ? 143 : 0,
      failure: failed
        ? {
            code: 'RUN_FAILED',
            message: 'the job ended with exit code 1: KeyError: household_id',
            hint: `sparkplug runs logs ${job}-${number}`,
          }
        : null,
      waiting: null,
      attempts: [
        {
          number: 1,
          startedAt: iso(queued + 1_800),
          finishedAt: iso(queued + 1_800 + seconds * 1000),
          exitCode: failed ? 1 : 0,
          failure: null,
        },
      ],
      progress: { stagesDone: 12, stagesTotal: 12, tasksDone: 480, tasksTotal: 480, stage: null },
      published: job === 'predict' && !failed && !cancelled ? { predictions: 1200, households: 240 } : {},
    };
  });
}

export function makeJobs(runs: readonly Run[], schedules: readonly Schedule[]): JobInfo[] {
  return jobNames.map((name) => ({
    name,
    main: mainOf[name],
    args: name === 'predict' ? ['--horizon', '7'] : [],
    results: name === 'predict' ? ['predictions', 'households'] : [],
    schedule: schedules.find(({ job }) => job === name) ?? null,
    lastRun: runs.find(({ job }) => job === name) ?? null,
  }));
}

const logStart = [
  'Using Spark’s default log4j profile: org/apache/spark/log4j2-defaults.properties',
  '26/11/22 12:00:01 INFO SparkContext: Running Spark version 4.2.0',
  '26/11/22 12:00:02 INFO StandaloneAppClient$ClientEndpoint: Connecting to master spark://spark-master:7077',
  '26/11/22 12:00:03 WARN NativeCodeLoader: Unable to load native-hadoop library for your platform',
] as const;

/** Lines of a run's log, endless. */
export function logLine(index: number, failed = false): string {
  const start = logStart[index];
  if (start !== undefined) return start;
  const stage = Math.floor(index / 40);
  if (failed && index % 997 === 996) return 'Traceback (most recent call last):';
  if (index % 200 === 199)
    return `26/11/22 12:0${stage % 10}:12 WARN TaskSetManager: Lost task ${index % 40}.0 in stage ${stage}.0`;
  if (index % 40 === 39) return `stage ${stage} done`;
  return `26/11/22 12:0${stage % 10}:${String(index % 60).padStart(2, '0')} INFO TaskSetManager: Finished task ${index % 40}.0 in stage ${stage}.0 (TID ${index}) in ${20 + (index % 17)} ms on 10.0.4.${index % 9} (executor ${index % 7})`;
}

const cities = ['Basel', 'Bern', 'Chur', 'Genève', 'Lausanne', 'Lugano', 'Luzern', 'Sion', 'St. Gallen', 'Zürich'];

export type Row = Readonly<Record<string, unknown>>;

export const rowsOf: Readonly<Record<string, readonly Row[]>> = {
  predictions: Array.from({ length: 1200 }, (_, index) => ({
    household_id: 1000 + index,
    city: cities[index % cities.length],
    day: iso(Date.parse('2026-11-01') + Math.floor(index / 40) * day).slice(0, 10),
    load_kwh:
      Math.round((8 + 3 * Math.sin(index / 190) + (index % cities.length) * 0.4 + noise(index) * 4) * 100) / 100,
  })),
  households: Array.from({ length: 240 }, (_, index) => ({
    household_id: 1000 + index,
    city: cities[(index * 7) % cities.length],
    persons: 1 + Math.floor(noise(index) * 5),
    heat_pump: noise(index + 3) > 0.6,
    note: index % 9 === 0 ? null : 'metered by the quarter of an hour since the roll-out of the year before last',
  })),
};

export const results: readonly ResultInfo[] = [
  {
    name: 'households',
    job: 'predict',
    run: 'predict-66',
    version: 31,
    rows: 240,
    key: 'household_id',
    unique: true,
    publishedAt: iso(Date.now() - 2 * hour),
    columns: [
      { name: 'household_id', type: 'BIGINT' },
      { name: 'city', type: 'VARCHAR' },
      { name: 'persons', type: 'INTEGER' },
      { name: 'heat_pump', type: 'BOOLEAN' },
      { name: 'note', type: 'VARCHAR' },
    ],
  },
  {
    name: 'predictions',
    job: 'predict',
    run: 'predict-66',
    version: 31,
    rows: 1200,
    key: 'household_id',
    unique: true,
    publishedAt: iso(Date.now() - 2 * hour),
    columns: [
      { name: 'household_id', type: 'BIGINT' },
      { name: 'city', type: 'VARCHAR' },
      { name: 'day', type: 'DATE' },
      { name: 'load_kwh', type: 'DOUBLE' },
    ],
  },
];

export function makeEvents(): ClusterEvent[] {
  const kinds = ['run', 'operation', 'component', 'schedule'] as const;
  const texts = {
    run: 'run predict-66 succeeded after 3 min 12 s',
    operation: 'revision 7 is in place',
    component: 'datanode-3 is failing: exited with code 1',
    schedule: 'the schedule of ingest was paused by token admin',
  } as const;
  return Array.from({ length: 90 }, (_, index) => {
    const kind = kinds[Math.floor(noise(index) * kinds.length)] ?? 'run';
    return { seq: index + 1, at: iso(Date.now() - (90 - index) * 13 * minute), kind, message: texts[kind] };
  });
}
