// scheduler: owns the state and changes the cluster, so it alone has the Docker socket.
import type { BuildContext } from './build-context.ts';
import { notifySecrets } from './job-secrets.ts';
import { probeHttp } from './probe-http.ts';
import { draftService, type ServiceDraft } from './service-draft.ts';

const dockerSocket = '/var/run/docker.sock';
const desiredTarget = '/etc/sparkplug/desired.json';

/** What it talks to agents with, and hands to machines that pull. */
const machineSecrets = ['cluster_ca', 'registry_password', 'agent_client_cert', 'agent_client_key'] as const;

export function buildScheduler(context: BuildContext): ServiceDraft {
  const { desired, bootstrap, registry } = context;
  return {
    ...draftService(context, 'scheduler'),
    image: desired.images.conductor,
    // The socket's group is the only way in without root.
    user: `10001:${desired.socketGid}`,
    env: {
      SPARKPLUG_PROJECT: desired.projectId,
      SPARKPLUG_DESIRED: desiredTarget,
      SPARKPLUG_CONTROL_SUBNET: desired.subnets.control,
      SPARKPLUG_DATA_SUBNET: desired.subnets.data,
    },
    networks: ['control', 'data'],
    configs: bootstrap === null ? [] : [{ config: bootstrap.name, target: desiredTarget }],
    secrets: ['control', ...notifySecrets(desired), ...(registry === null ? [] : machineSecrets)],
    volumes: [{ volume: 'scheduler', target: '/data' }],
    binds: [{ source: dockerSocket, target: dockerSocket }],
    healthcheck: probeHttp('scheduler', 7070),
  };
}
