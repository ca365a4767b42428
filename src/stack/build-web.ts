// web: the REST API, the only published port.
import type { BuildContext } from './build-context.ts';
import { probeHttp } from './probe-http.ts';
import { draftService, type ServiceDraft } from './service-draft.ts';

/** Port of the API inside the container. */
const apiPort = 8080;

export function buildWeb(context: BuildContext): ServiceDraft {
  const { desired } = context;
  const tls = desired.config.web.listen === 'all';
  return {
    ...draftService(context, 'web'),
    image: desired.images.conductor,
    env: {
      SPARKPLUG_PROJECT: desired.projectId,
      SPARKPLUG_REPLICATION: String(desired.config.hdfs.replication),
      SPARKPLUG_LISTEN: desired.config.web.listen,
      ...(tls ? { SPARKPLUG_TLS: 'on' } : {}),
      SPARKPLUG_CONTROL_SUBNET: desired.subnets.control,
      SPARKPLUG_DATA_SUBNET: desired.subnets.data,
    },
    networks: ['control', 'data'],
    secrets: ['control', 'web_tokens', ...(tls ? ['web_tls_cert', 'web_tls_key'] : [])],
    volumes: [{ volume: 'web', target: '/data' }],
    ports: [{ published: desired.webPort, target: apiPort }],
    // Under TLS as well: plain HTTP is answered with a hint, which proves the same.
    healthcheck: probeHttp('127.0.0.1', apiPort),
  };
}
