// A command in a component's container: with the terminal of this process where the engine has it, else through the cluster.
import { observeCluster } from '../engine/observe-cluster.ts';
import { SparkPlugError } from '../errors.ts';
import type { Report } from '../progress.ts';
import { notUp, streamFromCluster } from './cluster-access.ts';
import { findComponent } from './find-component.ts';
import { locateProject, type ProjectChoice } from './open-project.ts';

export interface ExecOptions {
  readonly tty: boolean;
  /** Standard input where it is no terminal; read only for a container on another machine. */
  readonly input: AsyncIterable<Uint8Array> | null;
  /** Output of a container on another machine; others write to this process's own streams. */
  readonly onOutput: (source: 'stdout' | 'stderr', bytes: Uint8Array) => void;
  readonly report: Report;
  readonly signal: AbortSignal;
}

/** It goes along in one request, whose body may have 4 MiB. */
const mostInputBytes = 2 * 1024 ** 2;

/**
 * Runs `command` and gives its exit code.
 * @throws SparkPlugError COMPONENT_UNKNOWN, CLUSTER_NOT_READY where the component has no running container
 */
export async function execInComponent(
  choice: ProjectChoice,
  component: string,
  command: readonly string[],
  options: ExecOptions,
): Promise<number> {
  const { docker, state } = await locateProject(choice);
  if (state === null) throw notUp();
  const { services } = await observeCluster(docker, state.id);
  if (services.length === 0) throw notUp();
  const service = findComponent(services, component);
  const task = service.tasks.find(({ state: running }) => running === 'running');
  const containerId = task?.containerId;
  if (containerId === undefined || containerId === null) {
    throw new SparkPlugError('CLUSTER_NOT_READY', `${service.name} has no running container`, {
      place: service.name,
      hint: `sparkplug logs ${service.name}`,
    });
  }
  const machineId = task?.machineId ?? null;
  if (machineId === null || (await docker.info()).swarm.nodeId === machineId) {
    return await docker.execAttached(containerId, command, { tty: options.tty });
  }
  if (options.tty)
    options.report({ kind: 'note', text: `${service.name} is on another machine: there is no terminal` });
  return await execElsewhere(choice, service.name, command, options);
}

/** On another machine, by its agent: without a terminal, and with standard input read to its end first. */
async function execElsewhere(
  choice: ProjectChoice,
  component: string,
  command: readonly string[],
  { input, onOutput, signal }: ExecOptions,
): Promise<number> {
  const bytes = await readInput(input, component);
  const request = { command: [...command], ...(bytes === null ? {} : { input: bytes.toString('base64') }) };
  const parts = streamFromCluster(choice, (api) => api.execInComponent(component, request, { signal }));
  for await (const part of parts) {
    if (part.kind === 'exit') return part.exitCode;
    onOutput(part.source, part.bytes);
  }
  throw new Error('a command ends with its exit code');
}

async function readInput(input: AsyncIterable<Uint8Array> | null, component: string): Promise<Buffer | null> {
  if (input === null) return null;
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of input) {
    length += chunk.length;
    if (length > mostInputBytes) {
      throw new SparkPlugError(
        'REQUEST_TOO_LARGE',
        `standard input for another machine is at most ${mostInputBytes / 1024 ** 2} MiB`,
        {
          place: component,
          hint: 'put larger data into HDFS: sparkplug hdfs put FILE',
        },
      );
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
