// What containers wrote, read from the engine: it works while the conductor does not.
import type { Docker } from '../adapters/docker/docker.ts';
import type { ObservedService } from '../engine/cluster-state.ts';
import { observeCluster } from '../engine/observe-cluster.ts';
import { notUp } from './cluster-access.ts';
import { findComponent } from './find-component.ts';
import { locateProject, type ProjectChoice } from './open-project.ts';

export interface LogLine {
  readonly name: string;
  readonly line: string;
}

interface LogOptions {
  readonly component?: string;
  readonly follow: boolean;
  /** Last lines of each component. */
  readonly tail: number | 'all';
  readonly signal: AbortSignal;
}

/** Lines of one component or of all, each component's in order. */
export async function* readLogs(choice: ProjectChoice, options: LogOptions): AsyncGenerator<LogLine> {
  const { docker, state } = await locateProject(choice);
  if (state === null) throw notUp();
  const { services } = await observeCluster(docker, state.id);
  if (services.length === 0) throw notUp();
  const wanted = options.component === undefined ? services : [findComponent(services, options.component)];
  const { swarm } = await docker.info();
  const sources = wanted.map((service) => linesOf(docker, swarm.nodeId, service, options));
  if (options.follow) yield* mergeLines(sources);
  else for (const source of sources) yield* source;
}

async function* linesOf(
  docker: Docker,
  ownId: string,
  service: ObservedService,
  options: LogOptions,
): AsyncGenerator<LogLine> {
  // The newest task with a container, be it a dead one: that is the one whose words are wanted.
  const task = service.tasks.find(({ containerId }) => containerId !== null);
  if (task === undefined || task.containerId === null) return;
  const { follow, tail, signal } = options;
  const wanted = { follow, signal, ...(tail === 'all' ? {} : { tail }) };
  const isHere = task.machineId === null || task.machineId === ownId;
  const lines = isHere ? docker.logs(task.containerId, wanted) : docker.taskLogs(task.id, wanted);
  for await (const line of lines) {
    yield { name: service.name, line };
  }
}

/** Lines of several sources as they come. */
async function* mergeLines(sources: readonly AsyncGenerator<LogLine>[]): AsyncGenerator<LogLine> {
  const waiting = new Map(sources.map((source) => [source, source.next()]));
  while (waiting.size > 0) {
    const { source, result } = await Promise.race(
      [...waiting].map(async ([source, next]) => ({ source, result: await next })),
    );
    if (result.done) waiting.delete(source);
    else {
      waiting.set(source, source.next());
      yield result.value;
    }
  }
}
