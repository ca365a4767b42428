// stack → Compose text, only in what `docker stack deploy` of Engine 20.10 takes.
import { Document, Scalar } from 'yaml';
import { swarmName } from './hash-content.ts';
import { stackLabels } from './stack-labels.ts';
import type { Healthcheck, ServiceSpec, StackSpec } from './stack-spec.ts';

/** `file`: read from `secretFolder` (the user's own, 0600). `external`: they are in Swarm already. */
export type SecretSource =
  | { readonly secrets: 'external' }
  | { readonly secrets: 'file'; readonly secretFolder: string };

type Yaml = string | number | boolean | Scalar | readonly Yaml[] | { readonly [key: string]: Yaml | undefined };

/** Renders the whole stack; generated files are named relative to the folder of the text. */
export function renderCompose(stack: StackSpec, source: SecretSource): string {
  const compose: Yaml = {
    version: '3.8',
    services: byName(stack.services, (service) => [service.name, renderService(service, stack)]),
    networks: byName(stack.networks, (network) => [network.name, renderNetwork(network, stack)]),
    volumes: byName(stack.volumes, (volume) => [
      volume,
      { name: swarmName(stack.projectId, volume), labels: projectLabel(stack) },
    ]),
    configs: byName(stack.configs, (config) => [
      config.name,
      {
        name: swarmName(stack.projectId, config.name),
        file: `./${config.file}`,
        labels: projectLabel(stack),
      },
    ]),
    secrets: byName(stack.secrets, (secret) => [
      secret.name,
      source.secrets === 'external'
        ? { name: secret.swarmName, external: true }
        : { name: secret.swarmName, file: `${source.secretFolder}/${secret.name}`, labels: projectLabel(stack) },
    ]),
  };
  // YAML 1.1, as Docker reads it: file modes are octal there with a plain leading zero.
  const document = new Document(escapeDollars(compose), { version: '1.1', aliasDuplicateObjects: false });
  return document.toString({ lineWidth: 0 });
}

function renderService(service: ServiceSpec, stack: StackSpec): Yaml {
  const labels = {
    [stackLabels.project]: stack.projectId,
    [stackLabels.component]: service.component,
    [stackLabels.service]: service.name,
    [stackLabels.spec]: service.hash,
  };
  return compact({
    image: service.image,
    command: service.command,
    hostname: service.replicas > 1 ? `${service.name}-{{.Task.Slot}}` : service.name,
    user: service.user,
    cap_drop: ['ALL'],
    environment: service.env,
    networks: service.networks,
    ports: service.ports.map((port) => ({ ...port, protocol: 'tcp', mode: 'host' })),
    configs: service.configs.map((mount) => ({ source: mount.config, target: mount.target })),
    secrets: service.secrets.map(renderSecretMount),
    volumes: renderMounts(service),
    healthcheck: service.healthcheck === null ? undefined : renderHealthcheck(service.healthcheck),
    stop_grace_period: `${service.stopGraceMs}ms`,
    labels,
    deploy: renderDeploy(service, {
      ...labels,
      ...(service.machineId === null ? {} : { [stackLabels.machine]: service.machineId }),
    }),
  });
}

function renderDeploy(service: ServiceSpec, labels: Yaml): Yaml {
  return {
    replicas: service.replicas,
    // A virtual address would drop connections idle for 15 minutes, and needs IPVS, which some kernels lack.
    endpoint_mode: 'dnsrr',
    labels,
    placement: {
      constraints: [service.machineId === null ? 'node.role == manager' : `node.id == ${service.machineId}`],
    },
    resources: {
      limits: { memory: `${service.limitMiB}M` },
      reservations: { memory: `${service.reservationMiB}M` },
    },
    // A driver ends after every run and the next one should already wait.
    restart_policy: { condition: 'any', delay: service.component === 'spark-driver' ? '0s' : '500ms' },
    // Volumes and published ports have room for one container only, so the old one stops first.
    update_config: { parallelism: 1, order: 'stop-first', failure_action: 'continue', monitor: '1s' },
  };
}

function renderMounts(service: ServiceSpec): readonly Yaml[] {
  return [
    ...service.volumes.map(({ volume, target }) => ({ type: 'volume', source: volume, target })),
    ...service.binds.map(({ source, target }) => ({ type: 'bind', source, target })),
  ];
}

function renderSecretMount(name: string): Yaml {
  const mode = new Scalar(0o400);
  mode.format = 'OCT';
  return { source: name, target: name, uid: '10001', gid: '10001', mode };
}

function renderHealthcheck(healthcheck: Healthcheck): Yaml {
  return {
    test: healthcheck.test,
    interval: `${healthcheck.intervalMs}ms`,
    timeout: `${healthcheck.timeoutMs}ms`,
    retries: healthcheck.retries,
    start_period: `${healthcheck.startPeriodMs}ms`,
  };
}

function renderNetwork(network: StackSpec['networks'][number], stack: StackSpec): Yaml {
  return {
    name: swarmName(stack.projectId, network.name),
    driver: 'overlay',
    attachable: false,
    ipam: { config: [{ subnet: network.subnet }] },
    labels: projectLabel(stack),
  };
}

function projectLabel(stack: StackSpec): Yaml {
  return { [stackLabels.project]: stack.projectId };
}

function byName<T>(items: readonly T[], entry: (item: T) => readonly [string, Yaml]): Yaml {
  return Object.fromEntries(items.map(entry));
}

/** Leaves out what is empty: `ports: []` says nothing. */
function compact(fields: { readonly [key: string]: Yaml | undefined }): Yaml {
  const isEmpty = (value: Yaml | undefined) =>
    value === undefined || (typeof value === 'object' && !(value instanceof Scalar) && Object.keys(value).length === 0);
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => !isEmpty(value)));
}

/** Compose replaces `$name` by the deploying shell's variables; nothing of ours is meant that way. */
function escapeDollars(value: Yaml): Yaml {
  if (typeof value === 'string') return value.replaceAll('$', '$$$$');
  if (typeof value !== 'object' || value instanceof Scalar) return value;
  if (Array.isArray(value)) return value.map(escapeDollars);
  const entries = Object.entries(value).flatMap(([key, item]) =>
    item === undefined ? [] : [[key, escapeDollars(item)]],
  );
  return Object.fromEntries(entries);
}
