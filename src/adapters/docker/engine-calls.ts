// What the engine says about itself.
import { SparkPlugError } from '../../errors.ts';
import type { DockerClient, EngineCalls, EngineInfo, SwarmState } from './docker.ts';
import { mapDockerFailure } from './map-docker-failure.ts';
import { digFlag, digList, digNumber, digText, digTexts, toMiB } from './read-json.ts';

/** Several times what a machine under full load takes. */
const probeMs = 20_000;
const architectures: Readonly<Record<string, string>> = { x86_64: 'amd64', aarch64: 'arm64' };
const swarmStates: readonly string[] = ['inactive', 'pending', 'active', 'locked', 'error'];

function readSwarmState(text: string): SwarmState {
  return swarmStates.includes(text) ? (text as SwarmState) : 'inactive';
}

function readInfo(info: unknown, versions: unknown): EngineInfo {
  const arch = digText(info, 'Architecture');
  return {
    version: digText(info, 'ServerVersion'),
    apiVersion: digText(versions, 'Server', 'ApiVersion'),
    clientVersion: digText(versions, 'Client', 'Version'),
    cores: digNumber(info, 'NCPU'),
    memoryMiB: toMiB(digNumber(info, 'MemTotal')),
    arch: architectures[arch] ?? arch,
    name: digText(info, 'Name'),
    rootDir: digText(info, 'DockerRootDir'),
    memoryLimit: digFlag(info, 'MemoryLimit'),
    rootless: digTexts(info, 'SecurityOptions').some((option) => option.includes('rootless')),
    swarm: {
      state: readSwarmState(digText(info, 'Swarm', 'LocalNodeState')),
      nodeId: digText(info, 'Swarm', 'NodeID'),
      manager: digFlag(info, 'Swarm', 'ControlAvailable'),
      error: digText(info, 'Swarm', 'Error'),
    },
  };
}

export function createEngineCalls(client: DockerClient): EngineCalls {
  return {
    async info(options = {}) {
      const infoArgs = ['info', '--format', '{{json .}}'];
      const [info, versions] = await Promise.all([
        client.run(infoArgs, options),
        client.run(['version', '--format', '{{json .}}'], options),
      ]);
      const parsed: unknown = JSON.parse(info);
      // Some clients succeed without an engine and put its absence into the answer.
      const failures = digList(parsed, 'ServerErrors').filter((entry) => typeof entry === 'string');
      if (failures.length > 0) throw mapDockerFailure(infoArgs, failures.join('\n'), null);
      const engine = readInfo(parsed, JSON.parse(versions));
      if (engine.version === '') throw new SparkPlugError('DOCKER_NOT_RUNNING', 'the Docker engine does not answer');
      return engine;
    },

    async probe(answerWithinMs = probeMs) {
      // Networks, containers, volumes: what deadlocked engines were seen to hold back while others still answered.
      for (const kind of ['network', 'container', 'volume']) {
        await client.run([kind, 'ls', '--quiet'], { answerWithinMs });
      }
    },

    async hasStackDeploy() {
      const { exitCode, stdout } = await client.tryRun(['stack', 'deploy', '--help']);
      return exitCode === 0 && stdout.includes('--compose-file');
    },
  };
}
