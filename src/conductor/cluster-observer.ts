// What the scheduler tells of the cluster's use: machines, history, metrics; behind them the sampler.
import type { ContainerUse } from '../adapters/docker/container-stats.ts';
import type { SchedulerDesk } from '../api/scheduler-routes.ts';
import type { ClusterStatus } from '../api/schemas.ts';
import type { ComponentProbes } from '../operations/cluster-health.ts';
import { describeMachines, type MachineSurvey } from '../operations/describe-machines.ts';
import type { Clock } from '../runs/clock.ts';
import type { ClusterStore } from '../runs/state/cluster-store.ts';
import type { CounterStore } from '../runs/state/counter-store.ts';
import type { OutboxStore } from '../runs/state/outbox-store.ts';
import type { RunStore } from '../runs/state/run-store.ts';
import type { SampleStore } from '../runs/state/sample-store.ts';
import { createClusterSampler } from './cluster-sampler.ts';
import { renderMetrics } from './render-metrics.ts';
import { shareFor } from './share-for.ts';

export interface ObserverParts {
  readonly status: () => Promise<ClusterStatus>;
  readonly survey: () => Promise<MachineSurvey>;
  /** How many machines were taken out of the Swarm: what was surveyed before one of them shows it still. */
  readonly removals: () => number;
  readonly probes: Pick<ComponentProbes, 'namenode' | 'master'>;
  /** Every running container of the project on this engine; bounded in time. */
  readonly readContainers: () => Promise<readonly ContainerUse[]>;
  readonly store: Pick<ClusterStore, 'countOperations'>;
  readonly samples: SampleStore;
  readonly counters: Pick<CounterStore, 'list'>;
  readonly outbox: Pick<OutboxStore, 'count'>;
  readonly runs: Pick<RunStore, 'unfinished'>;
  /** Names of the project's jobs. */
  readonly jobs: () => readonly string[];
  readonly version: string;
  readonly clock: Clock;
  readonly shutdown: AbortSignal;
}

export interface ClusterObserver {
  readonly desk: Pick<SchedulerDesk, 'machines' | 'history' | 'metrics'>;
  /** Samples until the shutdown; rejects with its reason. */
  sample(): Promise<never>;
}

/** A survey costs several processes of the docker client; machines come and go slowly. */
const surveyMs = 5_000;
/** Prometheus asks every few seconds at most; several of them share an answer. */
const metricsMs = 1_000;
/** The components' own limits are shorter; this one is for an engine that is silent. */
const statusLimitMs = 4_000;

export function createClusterObserver(parts: ObserverParts): ClusterObserver {
  const { status, samples: store, clock, shutdown } = parts;
  const sampler = createClusterSampler({ read: parts.readContainers, status, store, clock, shutdown });
  const survey = shareFor(clock, surveyMs, parts.survey, parts.removals);

  const gather = async (): Promise<string> => {
    const startedMs = performance.now();
    const [state, namenode, master] = await Promise.all([
      within(clock, statusLimitMs, status()),
      parts.probes.namenode(),
      parts.probes.master(),
    ]);
    const { counters } = parts;
    const facts = {
      version: parts.version,
      status: state,
      namenode,
      master,
      loads: sampler.containers(),
      jobs: parts.jobs(),
      unfinished: parts.runs.unfinished(),
      finished: counters.list('runs'),
      durations: counters.list('run_seconds'),
      durationSums: counters.list('run_seconds_sum'),
      ticks: counters.list('ticks'),
      notifications: counters.list('notifications'),
      pendingNotifications: parts.outbox.count(),
      operations: parts.store.countOperations(),
      nowMs: clock.now(),
    };
    return renderMetrics(facts, () => (performance.now() - startedMs) / 1000);
  };

  return {
    desk: {
      machines: async () => {
        const [found, { components }] = await Promise.all([survey(), status()]);
        return { machines: describeMachines(found, components, sampler.containers()) };
      },
      history: (minutes) => ({ samples: sampler.history(minutes) }),
      metrics: shareFor(clock, metricsMs, gather),
    },
    sample: () => sampler.run(),
  };
}

/** The answer, or null where it fails or takes longer. */
async function within<T>(clock: Clock, limitMs: number, answer: Promise<T>): Promise<T | null> {
  const over = new AbortController();
  const limit = clock.wait(limitMs, over.signal).then(() => null);
  try {
    return await Promise.race([answer.catch(() => null), limit]);
  } finally {
    limit.catch(() => undefined);
    over.abort();
  }
}
