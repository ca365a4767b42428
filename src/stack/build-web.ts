// web: the REST API, the only published port.
import type { BuildContext } from './build-context.ts';
import { probeHttp } from './probe-http.ts';
import { draftService, type ServiceDraft } from './service-draft.ts';

/** Port of the API inside the container. */
const apiPort = 8080;

export function buildWeb(context: BuildContext): ServiceDraft {
  const { desired } = context;
  return {
    ...draftService(context, 'web', null),
    image: desired.images.conductor,
    env: {
      SPARKPLUG_PROJECT: desired.projectId,
      SPARKPLUG_REPLICATION: String(desired.config.hdfs.replication),
      SPARKPLUG_LISTEN: desired.config.web.listen,
      SPARKPLUG_CONTROL_SUBNET: desired.subnets.control,
      SPARKPLUG_DATA_SUBNET: desired.subnets.data,
    },
    networks: ['control', 'data'],
    secrets: ['control', 'web_tokens'],
    volumes: [{ volume: 'web', target: '/data' }],
    ports: [{ published: desired.webPort, target: apiPort }],
    healthcheck: probeHttp('127.0.0.1', apiPort),
  };
}
