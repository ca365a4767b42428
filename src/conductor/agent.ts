// The process `agent`: holds the Docker socket of a machine that is not the conductor's, and hears the scheduler alone.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createContainerStats } from '../adapters/docker/container-stats.ts';
import { createDocker } from '../adapters/docker/docker.ts';
import { createVolumeLabels } from '../adapters/docker/volume-labels.ts';
import type { LogLine } from '../api/web-app.ts';
import { version } from '../version.ts';
import { createAgentApp } from './agent-app.ts';
import { isInside, ownAddresses } from './container-network.ts';
import { listenOn } from './listeners.ts';

const port = 7443;
const dockerSocket = '/var/run/docker.sock';
const stopGraceMs = 2_000;

const env = (name: string, fallback?: string): string => {
  const value = process.env[name] ?? fallback;
  if (value === undefined || value === '') throw new Error(`the environment variable ${name} is not set`);
  return value;
};

function log(line: LogLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

async function main(): Promise<void> {
  const controlSubnet = env('SPARKPLUG_CONTROL_SUBNET');
  const secretFolder = env('SPARKPLUG_SECRETS', '/run/secrets');
  const read = (name: string): string => readFileSync(join(secretFolder, name), 'utf8');
  const app = createAgentApp({
    docker: createDocker(),
    stats: createContainerStats(dockerSocket),
    volumeLabels: createVolumeLabels(dockerSocket),
    projectId: env('SPARKPLUG_PROJECT'),
    registry: env('SPARKPLUG_REGISTRY'),
    log,
  });
  const addresses = ownAddresses().filter((address) => isInside(address, controlSubnet));
  if (addresses.length === 0) throw new Error(`this container has no address in the control network ${controlSubnet}`);
  const tls = { cert: read('agent_tls_cert'), key: read('agent_tls_key'), ca: read('cluster_ca') };
  const listeners = await listenOn(app, addresses, port, tls);
  log({
    time: new Date().toISOString(),
    level: 'info',
    event: 'listening',
    addresses: listeners.addresses.join(' '),
    version,
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => void listeners.close(stopGraceMs).finally(() => process.exit(0)));
  }
}

main().catch((error: unknown) => {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  log({ time: new Date().toISOString(), level: 'error', event: 'cannot start', error: text });
  process.exit(1);
});
