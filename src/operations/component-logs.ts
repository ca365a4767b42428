// Use case: what a component's container writes, on whatever machine of the Swarm it is, also over its replacements.
import type { Docker, LogOptions } from '../adapters/docker/docker.ts';
import type { ComponentLine } from '../api/schemas.ts';
import type { ObservedService } from '../engine/cluster-state.ts';
import { observeCluster } from '../engine/observe-cluster.ts';
import { SparkPlugError } from '../errors.ts';
import type { Clock } from '../runs/clock.ts';
import { findComponent } from './find-component.ts';

export interface ComponentLogs {
  /** The last lines of its newest container, be it a dead one. @throws SparkPlugError COMPONENT_UNKNOWN, RATE_LIMITED */
  read(component: string, tail: number, signal: AbortSignal): Promise<AsyncGenerator<ComponentLine>>;
  /**
   * The same and then what comes, until the signal; with `after` only what was written later than that line.
   * @throws SparkPlugError COMPONENT_UNKNOWN, RATE_LIMITED
   */
  follow(
    component: string,
    from: { readonly tail: number; readonly after: string | null },
    signal: AbortSignal,
  ): Promise<AsyncGenerator<ComponentLine>>;
}

interface LogParts {
  readonly docker: Pick<Docker, 'services' | 'tasks' | 'inspectContainer' | 'logs' | 'taskLogs'>;
  readonly projectId: string;
  readonly clock: Clock;
}

/** Each costs a process of the docker client, some 30 MiB. */
const mostAtOnce = 16;
const longestLine = 64 * 1024;
/** Between two looks for the container that replaces one that has ended. */
const lookMs = 2_000;

export function createComponentLogs(parts: LogParts): ComponentLogs {
  const { docker, projectId, clock } = parts;
  let open = 0;

  const find = async (component: string): Promise<ObservedService> => {
    const { services } = await observeCluster(docker, projectId);
    return findComponent(services, component);
  };

  async function* follow(
    component: string,
    { tail, after }: { readonly tail: number; readonly after: string | null },
    signal: AbortSignal,
  ): AsyncGenerator<ComponentLine> {
    let last = after;
    let seen: string | null = null;
    while (!signal.aborted) {
      const task = newestTask(await find(component));
      if (task !== null && task.containerId !== seen) {
        // Of a container that came meanwhile every line is news.
        const from = last !== null ? { since: last } : seen === null ? { tail } : {};
        seen = task.containerId;
        for await (const line of linesOf(docker, task, { ...from, follow: true, signal })) {
          if (last !== null && line.at <= last) continue;
          last = line.at;
          yield line;
        }
      }
      await clock.wait(lookMs, signal).catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
    }
  }

  /** The place is given back however the reading ends, also where it never begins. */
  async function* inPlace(lines: AsyncGenerator<ComponentLine>, giveBack: () => void): AsyncGenerator<ComponentLine> {
    try {
      yield* lines;
    } finally {
      giveBack();
    }
  }

  const take = async (
    component: string,
    signal: AbortSignal,
    begin: (service: ObservedService) => AsyncGenerator<ComponentLine>,
  ): Promise<AsyncGenerator<ComponentLine>> => {
    if (open >= mostAtOnce) throw tooMany();
    open += 1;
    let held = true;
    const giveBack = (): void => {
      if (held) open -= 1;
      held = false;
    };
    signal.addEventListener('abort', giveBack, { once: true });
    try {
      return inPlace(begin(await find(component)), giveBack);
    } catch (error) {
      giveBack();
      throw error;
    }
  };

  return {
    read: (component, tail, signal) =>
      take(component, signal, (service) => {
        const task = newestTask(service);
        return task === null ? none() : linesOf(docker, task, { tail, signal });
      }),
    follow: (component, from, signal) => take(component, signal, () => follow(component, from, signal)),
  };
}

interface TaskWithContainer {
  readonly id: string;
  readonly containerId: string;
}

function newestTask({ tasks }: ObservedService): TaskWithContainer | null {
  const [newest] = tasks.flatMap(({ id, containerId }) => (containerId === null ? [] : [{ id, containerId }]));
  return newest ?? null;
}

/** Straight from this engine where the container is here; the Swarm's own way costs more and ends less surely. */
async function* linesOf(
  docker: LogParts['docker'],
  { id, containerId }: TaskWithContainer,
  options: LogOptions,
): AsyncGenerator<ComponentLine> {
  const isHere = (await docker.inspectContainer(containerId)) !== null;
  const withTimes = { ...options, timestamps: true };
  const lines = isHere ? docker.logs(containerId, withTimes) : docker.taskLogs(id, withTimes);
  for await (const text of lines) {
    const [, at, line = ''] = /^(\S+Z) ?(.*)$/.exec(text) ?? [];
    // What is no line of the log is the client's own word on it.
    if (at !== undefined) yield { at, line: line.slice(0, longestLine) };
  }
}

async function* none(): AsyncGenerator<ComponentLine> {}

function tooMany(): SparkPlugError {
  return new SparkPlugError('RATE_LIMITED', `${mostAtOnce} logs of components are being read already`, {
    hint: 'close one, or read it on the machine itself: sparkplug logs COMPONENT',
  });
}
