// Containers of this engine: look at them, talk to them, end them.
import type { CommandResult, ContainerCalls, ContainerInspect, DockerClient, LogOptions } from './docker.ts';
import { inspectMany, removeQuietly, splitLines, toFilterArgs } from './inspect-many.ts';
import { mapDockerFailure } from './map-docker-failure.ts';
import { asRecord, dig, digFlag, digLabels, digNumber, digText } from './read-json.ts';

function readContainer(value: unknown): ContainerInspect {
  const state = dig(value, 'State');
  const networks = Object.entries(asRecord(dig(value, 'NetworkSettings', 'Networks')));
  return {
    id: digText(value, 'Id'),
    name: digText(value, 'Name').replace(/^\//, ''),
    image: digText(value, 'Config', 'Image'),
    imageId: digText(value, 'Image'),
    labels: digLabels(value, 'Config', 'Labels'),
    status: digText(state, 'Status'),
    running: digFlag(state, 'Running'),
    exitCode: digNumber(state, 'ExitCode'),
    oomKilled: digFlag(state, 'OOMKilled'),
    error: digText(state, 'Error'),
    health: digText(state, 'Health', 'Status') || null,
    pid: digNumber(state, 'Pid'),
    createdAt: digText(value, 'Created'),
    startedAt: digText(state, 'StartedAt'),
    finishedAt: digText(state, 'FinishedAt'),
    addresses: networks.map(([network, settings]) => ({ network, address: digText(settings, 'IPAddress') })),
  };
}

function toLogArgs(command: readonly string[], id: string, options: LogOptions): readonly string[] {
  return [
    ...command,
    ...(options.follow === true ? ['--follow'] : []),
    ...(options.tail === undefined ? [] : ['--tail', `${options.tail}`]),
    ...(options.since === undefined ? [] : ['--since', options.since]),
    ...(options.timestamps === true ? ['--timestamps'] : []),
    id,
  ];
}

/** The client itself could not start the command: the container is gone or stopped, the engine away. */
function isClientFailure({ exitCode, stderr }: CommandResult): boolean {
  return exitCode !== 0 && /^(?:Error response from daemon|Error: No such container|Cannot connect)/im.test(stderr);
}

export function createContainerCalls(client: DockerClient): ContainerCalls {
  async function inspect(ids: readonly string[]): Promise<readonly ContainerInspect[]> {
    return (await inspectMany(client, ['container', 'inspect'], ids)).map(readContainer);
  }

  async function* readLogs(command: readonly string[], id: string, options: LogOptions = {}): AsyncGenerator<string> {
    try {
      const lines = client.stream(toLogArgs(command, id, options), { signal: options.signal, merged: true });
      for await (const { line } of lines) yield line;
    } catch (error) {
      if (options.signal?.aborted !== true) throw error;
    }
  }

  return {
    logs: (id, options) => readLogs(['logs'], id, options),
    taskLogs: (taskId, options) => readLogs(['service', 'logs', '--raw'], taskId, options),

    async containers({ labels, all = false }) {
      const scope = all ? ['--all'] : [];
      return inspect(splitLines(await client.run(['ps', '--quiet', '--no-trunc', ...scope, ...toFilterArgs(labels)])));
    },

    async inspectContainer(id) {
      return (await inspect([id]))[0] ?? null;
    },

    async exec(id, command, options = {}) {
      const interactive = options.input === undefined ? [] : ['--interactive'];
      const user = options.user === undefined ? [] : ['--user', options.user];
      const args = ['exec', ...interactive, ...user, id, ...command];
      const result = await client.tryRun(args, {
        answerWithinMs: null,
        signal: options.signal,
        ...(options.input === undefined ? {} : { input: options.input }),
      });
      if (isClientFailure(result)) throw mapDockerFailure(args, result.stderr, null);
      return result;
    },

    execPiped: (id, command, options = {}) => {
      const interactive = options.input === undefined ? [] : ['--interactive'];
      return client.pipe(['exec', ...interactive, id, ...command], options);
    },

    execAttached: (id, command, { tty }) =>
      client.attach(['exec', '--interactive', ...(tty ? ['--tty'] : []), id, ...command]),

    async kill(id, signal) {
      await client.run(['kill', '--signal', signal, id]);
    },

    async wait(id, options = {}) {
      return Number(await client.run(['wait', id], { ...options, answerWithinMs: null }));
    },

    removeContainer: (id) => removeQuietly(client, ['rm', '--force', id]),
  };
}
