// The process `web`: reads its surroundings, listens, and goes quietly on SIGTERM.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import packageFile from '../../package.json' with { type: 'json' };
import { parseTokens } from '../api/access.ts';
import { requestLimits } from '../api/rate-limit.ts';
import type { LogLine } from '../api/web-app.ts';
import { systemClock } from '../runs/clock.ts';
import { defaultGateway, isInside, ownAddresses } from './container-network.ts';
import { chooseDatabaseMemoryMiB } from './database-memory.ts';
import { listenOn, type TlsFiles } from './listeners.ts';
import { createWebServer } from './web-server.ts';

const publishedPort = 8080;
const internalPort = 7071;
/** Swarm kills after 10 s; requests under way get most of it. */
const graceMs = 5_000;

const env = (name: string, fallback?: string): string => {
  const value = process.env[name] ?? fallback;
  if (value === undefined || value === '') throw new Error(`the environment variable ${name} is not set`);
  return value;
};

const secretFolder = env('SPARKPLUG_SECRETS', '/run/secrets');
const readSecret = (name: string): string => readFileSync(`${secretFolder}/${name}`, 'utf8').trim();

function log(line: LogLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function note(event: string, details: Record<string, string> = {}): void {
  log({ time: new Date().toISOString(), level: 'info', event, ...details });
}

function readReplication(): 'auto' | number {
  const text = env('SPARKPLUG_REPLICATION', 'auto');
  return text === 'auto' ? text : Number(text);
}

/** Certificate and key, where the deployment says that the published port has them. */
function readTls(): TlsFiles | null {
  if (env('SPARKPLUG_TLS', 'off') !== 'on') return null;
  return { cert: readSecret('web_tls_cert'), key: readSecret('web_tls_key') };
}

async function main(): Promise<void> {
  const dataSubnet = env('SPARKPLUG_DATA_SUBNET');
  const controlSubnet = env('SPARKPLUG_CONTROL_SUBNET');
  const addresses = ownAddresses();
  const gateway = await defaultGateway();
  const local = new Set(gateway === null ? addresses : [...addresses, gateway]);
  const tls = readTls();
  const server = await createWebServer({
    version: packageFile.version,
    schedulerUrl: env('SPARKPLUG_SCHEDULER_URL', 'http://scheduler:7070'),
    projectId: env('SPARKPLUG_PROJECT'),
    controlSecret: readSecret('control'),
    tokens: parseTokens(readSecret('web_tokens')),
    listen: env('SPARKPLUG_LISTEN', 'local') === 'all' ? 'all' : 'local',
    localPeers: local,
    tls: tls !== null,
    clock: systemClock,
    nameNodeUrl: env('SPARKPLUG_NAMENODE_URL', 'http://namenode:9870'),
    sparkUis: { masterUrl: 'http://spark-master:8080', historyUrl: 'http://history:18080' },
    dataSubnet,
    replication: readReplication(),
    // The build puts both side by side.
    dashboardFolder: fileURLToPath(new URL('./dashboard', import.meta.url)),
    dataFolder: env('SPARKPLUG_DATA', '/data'),
    databaseMemoryMiB: chooseDatabaseMemoryMiB(process.constrainedMemory()),
    limits: requestLimits,
    log,
  });
  // User code lives on the data network: there, nothing of ours listens.
  const open = addresses.filter((address) => !isInside(address, dataSubnet));
  const control = open.filter((address) => isInside(address, controlSubnet));
  if (control.length === 0)
    throw new Error(`no address of this container is inside the control network ${controlSubnet}`);
  const published = await listenOn(
    server.published,
    open,
    Number(env('SPARKPLUG_WEB_PORT', String(publishedPort))),
    tls,
  );
  const internal = await listenOn(server.internal, control, internalPort);
  note('listening', { published: published.addresses.join(' '), internal: internal.addresses.join(' ') });

  const stop = async (signal: string): Promise<void> => {
    note('stopping', { signal });
    await Promise.all([published.close(graceMs), internal.close(graceMs)]);
    await server.close();
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void stop(signal));
}

main().catch((error: unknown) => {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  log({ time: new Date().toISOString(), level: 'error', event: 'cannot start', error: text });
  process.exit(1);
});
