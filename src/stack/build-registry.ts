// registry: the images of the cluster for the machines that don't have them; there once there were several machines.
import type { BuildContext } from './build-context.ts';
import { probeHttp } from './probe-http.ts';
import { draftService, type ServiceDraft } from './service-draft.ts';

/** Port inside the container. */
const registryPort = 5000;
/** Answers inside the container only, and without TLS. */
const probePort = 5001;

/** One service on the conductor machine, or none. */
export function buildRegistry(context: BuildContext): readonly ServiceDraft[] {
  const { registry } = context;
  if (registry === null) return [];
  return [
    {
      ...draftService(context, 'registry'),
      image: registry.image,
      networks: ['control'],
      secrets: ['registry_tls_cert', 'registry_tls_key', 'registry_htpasswd'],
      volumes: [{ volume: 'registry', target: '/data' }],
      ports: [{ published: portOf(registry.address), target: registryPort }],
      healthcheck: probeHttp('127.0.0.1', probePort),
    },
  ];
}

function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(':') + 1));
}
