// The driver containers through Docker: found by label, spoken to by exec, read by their log.
import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import type { ContainerInspect, Docker, LabelFilter } from '../adapters/docker/docker.ts';
import type { DriverContainer, DriverHost, DriverState, HandOverAnswer, LogLine, RunOrder } from './driver-host.ts';

type HostDocker = Pick<Docker, 'containers' | 'inspectContainer' | 'exec' | 'logs' | 'kill'>;

const handOverProgram = '/opt/sparkplug/bin/hand-over';
const appFolder = '/opt/app/code';
/** Exit code of the check before the hand-over: EX_NOINPUT of sysexits.h. */
const mainMissingCode = 66;
/** The driver answers at once; an engine under load may take seconds to start the exec. */
const execTimeoutMs = 30_000;

const Answer = z.union([
  z.object({ accepted: z.literal(true) }),
  z.object({ accepted: z.literal(false), reason: z.string() }),
]);
const State = z.discriminatedUnion('state', [
  z.object({ state: z.literal('idle') }),
  z.object({ state: z.literal('running'), runId: z.string(), attempt: z.number() }),
]);

/** `labels` finds the project's spark-driver containers; `dataSubnet` tells their address on the data network. */
export function createDockerDriverHost(docker: HostDocker, labels: LabelFilter, dataSubnet: string): DriverHost {
  const describe = (container: ContainerInspect): DriverContainer => ({
    id: container.id,
    image: container.image,
    imageId: container.imageId,
    running: container.running,
    exitCode: container.running ? null : container.exitCode,
    outOfMemory: container.oomKilled,
    address: addressIn(container, dataSubnet),
  });
  const inspect = async (id: string): Promise<DriverContainer | null> => {
    const container = await docker.inspectContainer(id);
    return container === null ? null : describe(container);
  };
  const limited = (signal: AbortSignal): AbortSignal => AbortSignal.any([signal, AbortSignal.timeout(execTimeoutMs)]);

  const state = async (id: string, signal: AbortSignal): Promise<DriverState> => {
    const result = await docker.exec(id, [handOverProgram, '--state'], { signal: limited(signal) });
    return readState(result.stdout);
  };

  return {
    list: async () => (await docker.containers({ labels })).filter(({ running }) => running).map(describe),
    inspect,
    handOver: async (id, order, signal) => {
      const main = order.main.startsWith('/') ? order.main : `${appFolder}/${order.main}`;
      const check = `test -f "$1" || exit ${mainMissingCode}; exec ${handOverProgram}`;
      const command = ['/bin/sh', '-c', check, 'hand-over', main];
      const result = await docker.exec(id, command, {
        input: JSON.stringify(order satisfies RunOrder),
        signal: limited(signal),
      });
      const answer = readAnswer(result);
      // An idle driver that refuses has something against the job itself.
      if (answer.kind !== 'refused' || (await state(id, signal)).kind !== 'idle') return answer;
      return { kind: 'rejected', reason: answer.reason };
    },
    state,
    followLog: (id, since, signal) => readLines(docker.logs(id, { follow: true, timestamps: true, since, signal })),
    hasLogged: async (id, since, signal) => {
      for await (const line of readLines(docker.logs(id, { timestamps: true, since, signal }))) {
        if (line.timestamp >= since) return true;
      }
      return false;
    },
    kill: async (id, name) => docker.kill(id, name),
  };
}

function addressIn(container: ContainerInspect, subnet: string): string | null {
  const range = ipaddr.parseCIDR(subnet);
  const inside = container.addresses.find(({ address }) => isInside(address, range));
  return (inside ?? container.addresses[0])?.address || null;
}

function isInside(address: string, range: ReturnType<typeof ipaddr.parseCIDR>): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.parse(address);
  return parsed.kind() === range[0].kind() && parsed.match(range);
}

/** A container that is just starting has no socket yet: whatever is not an answer means "not ready". */
function readAnswer(result: { stdout: string; stderr: string; exitCode: number }): HandOverAnswer {
  if (result.exitCode === mainMissingCode) return { kind: 'main-missing' };
  const answer = Answer.safeParse(parseJson(result.stdout));
  if (answer.success && answer.data.accepted) return { kind: 'accepted' };
  if (answer.success && !answer.data.accepted) return { kind: 'refused', reason: answer.data.reason };
  const said = (result.stderr || result.stdout).trim().slice(-300);
  return { kind: 'refused', reason: `the driver is not ready: exit code ${result.exitCode} ${said}`.trim() };
}

function readState(text: string): DriverState {
  const state = State.safeParse(parseJson(text));
  if (!state.success) return { kind: 'unknown' };
  if (state.data.state === 'idle') return { kind: 'idle' };
  return { kind: 'running', runId: state.data.runId, attempt: state.data.attempt };
}

async function* readLines(lines: AsyncIterable<string>): AsyncGenerator<LogLine> {
  for await (const line of lines) {
    const space = line.indexOf(' ');
    if (space < 0) continue;
    const timestamp = line.slice(0, space);
    yield { timestamp, text: joinPieces(line.slice(space + 1), timestamp) };
  }
}

/** Docker stores a line in pieces of 16 KiB and puts the line's time before each piece. */
function joinPieces(text: string, timestamp: string): string {
  return text.length < 16_000 ? text : text.replaceAll(`${timestamp} `, '');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
