// The process `scheduler`: opens its state, takes up what its predecessor left, listens on the control network alone.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AgentCredentials, createAgentClients } from '../adapters/agent/agent-client.ts';
import { createContainerStats } from '../adapters/docker/container-stats.ts';
import { createDocker } from '../adapters/docker/docker.ts';
import { createWebHdfs } from '../adapters/hdfs/webhdfs.ts';
import { createNameNodeAdmin } from '../adapters/namenode/name-node-admin.ts';
import { createRegistryClient, type RegistryClient } from '../adapters/registry/registry-client.ts';
import { createWebInternal } from '../adapters/web/web-internal.ts';
import { createPostWebhook } from '../adapters/webhook/post-webhook.ts';
import { plainSettings, WebhookSettings } from '../adapters/webhook/webhook-settings.ts';
import { checkSharedSecret } from '../api/access.ts';
import { registerSchedulerRoutes } from '../api/scheduler-routes.ts';
import { createApp, type LogLine } from '../api/web-app.ts';
import { labels } from '../engine/labels.ts';
import { SparkPlugError } from '../errors.ts';
import { createComponentLogs } from '../operations/component-logs.ts';
import { createDrainHost, findOwnContainer } from '../operations/drain-host.ts';
import { createContainerHost } from '../operations/fleet.ts';
import { agentHost, registryHost, registryUser } from '../operations/fleet-names.ts';
import { createLiveCluster } from '../operations/live-cluster.ts';
import { systemClock } from '../runs/clock.ts';
import { createDockerDriverHost } from '../runs/docker-driver-host.ts';
import { openDatabase } from '../runs/state/database.ts';
import { version } from '../version.ts';
import {
  addressOf,
  countExecutorsOf,
  createComponentProbes,
  createSparkView,
  nameNodeUrl,
} from './component-probes.ts';
import { isInside, ownAddresses } from './container-network.ts';
import { keepGoing } from './keep-going.ts';
import { listenOn } from './listeners.ts';
import { readSecretFile } from './read-secret-file.ts';
import { createScheduler, openStores } from './scheduler-desk.ts';

const port = 7070;
const webInternalPort = 7071;
const registryPort = 5000;
const dockerSocket = '/var/run/docker.sock';

const env = (name: string, fallback?: string): string => {
  const value = process.env[name] ?? fallback;
  if (value === undefined || value === '') throw new Error(`the environment variable ${name} is not set`);
  return value;
};

function log(line: LogLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function note(event: string, details: Record<string, string> = {}): void {
  log({ time: new Date().toISOString(), level: 'info', event, ...details });
}

async function main(): Promise<void> {
  const projectId = env('SPARKPLUG_PROJECT');
  const controlSubnet = env('SPARKPLUG_CONTROL_SUBNET');
  const dataSubnet = env('SPARKPLUG_DATA_SUBNET');
  const dataFolder = env('SPARKPLUG_DATA', '/data');
  const secretFolder = env('SPARKPLUG_SECRETS', '/run/secrets');
  const secret = readFileSync(join(secretFolder, 'control'), 'utf8').trim();
  const logFolder = join(dataFolder, 'logs');
  mkdirSync(logFolder, { recursive: true });

  const database = openDatabase(join(dataFolder, 'state.db'));
  const shutdown = new AbortController();
  const stop = (signal: string): void => {
    note('stopping', { signal });
    // Runs go on in their containers; whoever follows is cut off and comes back to the next scheduler.
    shutdown.abort(new Error(`the scheduler stops on ${signal}`));
    database.close();
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop(signal));

  const docker = createDocker();
  const containerStats = createContainerStats(dockerSocket);
  const fleet = readFleetSecrets(secretFolder);
  const agents = fleet === null ? null : createAgentClients(fleet.credentials);
  const containers = createContainerHost({ docker, containerStats, agents, projectId });
  const webUrl = (): Promise<string> => findWeb(projectId, controlSubnet);
  const stores = openStores(database);
  const clock = systemClock;
  const probes = createComponentProbes(dataSubnet, webUrl);
  const findNameNode = (): Promise<string | null> => findOwnContainer(docker, projectId, 'namenode');
  const drains = {
    ...createDrainHost(containers, clock),
    nameNode: createNameNodeAdmin({ baseUrl: nameNodeUrl, docker, container: findNameNode }),
    runningExecutors: (worker: string, signal: AbortSignal) => countExecutorsOf(worker, dataSubnet, signal),
  };
  const cluster = createLiveCluster({
    docker,
    drains,
    store: stores.store,
    probes,
    clock,
    projectId,
    shutdown: shutdown.signal,
    fleet:
      fleet === null
        ? null
        : { docker, password: fleet.password, retirement: { containers, registry: createRegistry(fleet) } },
  });
  const driverLabels = { [labels.project]: projectId, [labels.component]: 'spark-driver' };
  const { desk, keeper, queue, schedules, sample, notify, reconcile, heed } = createScheduler({
    ...stores,
    database,
    cluster,
    drivers: createDockerDriverHost(docker, driverLabels, dataSubnet),
    web: createWebInternal(webUrl, secret),
    spark: createSparkView(),
    hdfs: createWebHdfs({ nameNode: nameNodeUrl, dataSubnet, replication: 'auto' }),
    probes,
    containers,
    agents,
    readSecret: (name) => readSecretFile(secretFolder, name),
    componentLogs: createComponentLogs({ docker, projectId, clock }),
    post: createPostWebhook(readWebhookSettings(secretFolder)),
    clock,
    logFolder,
    projectId,
    version,
    shutdown: shutdown.signal,
  });
  keeper.adopt(readFileSync(env('SPARKPLUG_DESIRED', '/etc/sparkplug/desired.json'), 'utf8'));

  const app = createApp({
    log,
    admit: (request) => {
      if (request.routeOptions.config?.open !== true) checkSharedSecret(request.headers.authorization, secret);
    },
  });
  registerSchedulerRoutes(app, desk);
  const addresses = ownAddresses().filter((address) => isInside(address, controlSubnet));
  if (addresses.length === 0) throw new Error(`this container has no address in the control network ${controlSubnet}`);
  const listeners = await listenOn(app, addresses, port);
  note('listening', { addresses: listeners.addresses.join(' '), version });

  // Runs first: they count as running before an interrupted operation looks whether any does.
  queue.start();
  keeper.resume();
  schedules.start();
  const onFailure = (error: unknown): void => noteError('a part of the scheduler failed', error);
  await cluster.rememberStack(keeper.current().desired).catch((error: unknown) => noteError('stack unknown', error));
  for (const work of [sample, notify, reconcile, heed]) {
    void keepGoing(work, { clock, shutdown: shutdown.signal, onFailure });
  }
}

interface FleetSecrets {
  readonly credentials: AgentCredentials;
  readonly password: string;
}

/** Null where the cluster was deployed for one machine. */
function readFleetSecrets(folder: string): FleetSecrets | null {
  const names = ['cluster_ca', 'agent_client_cert', 'agent_client_key', 'registry_password'];
  const [ca, cert, key, password] = names.map((name) => readSecretFile(folder, name));
  if (ca == null || cert == null || key == null || password == null) return null;
  const text = (content: Uint8Array): string => Buffer.from(content).toString('utf8');
  return {
    credentials: { ca: text(ca), cert: text(cert), key: text(key), host: agentHost },
    password: text(password),
  };
}

function createRegistry({ credentials: { ca }, password }: FleetSecrets): RegistryClient {
  return createRegistryClient({ url: `https://${registryHost}:${registryPort}`, ca, user: registryUser, password });
}

/** Those of the computer that ran `up`, where it has any. */
function readWebhookSettings(secretFolder: string): WebhookSettings {
  const text = readSecretFile(secretFolder, 'webhook_settings');
  return text === null ? plainSettings : WebhookSettings.parse(JSON.parse(Buffer.from(text).toString('utf8')));
}

/** By its name on the control network: plain `web` may be answered with its address on the data network. */
async function findWeb(projectId: string, controlSubnet: string): Promise<string> {
  const address = await addressOf([`web.${projectId}_control`, 'web'], controlSubnet);
  if (address === null) {
    throw new SparkPlugError('WEB_AWAY', 'web has no address on the control network', { hint: 'sparkplug logs web' });
  }
  return `http://${address}:${webInternalPort}`;
}

function noteError(event: string, error: unknown): void {
  const text = error instanceof SparkPlugError ? `${error.code}: ${error.message}` : String(error);
  log({ time: new Date().toISOString(), level: 'error', event, error: text });
}

main().catch((error: unknown) => {
  if (error instanceof SparkPlugError) {
    const { code, message, place = null, met = null, hint = null } = error;
    log({
      time: new Date().toISOString(),
      level: 'error',
      event: 'cannot start',
      code,
      error: message,
      place,
      met,
      hint,
    });
  } else {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    log({ time: new Date().toISOString(), level: 'error', event: 'cannot start', error: text });
  }
  process.exit(1);
});
