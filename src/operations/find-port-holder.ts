// Who holds a port of the engine's machine: a service of the Swarm, a container, or some other program.
import type { Docker } from '../adapters/docker/docker.ts';
import { answersAt, isPortTaken } from '../adapters/host/ports.ts';
import { labels } from '../engine/labels.ts';

/**
 * Asks Docker first, since it can name the holder, then the operating system, or where that is another machine's
 * whether anybody answers.
 * @param host of the engine's machine, null for this computer
 */
export async function findPortHolder(
  docker: Pick<Docker, 'services' | 'run'>,
  port: number,
  host: string | null,
): Promise<string | null> {
  const services = await docker.services({});
  const service = services.find((one) => one.publishedPorts.includes(port));
  if (service !== undefined) {
    const project = service.labels[labels.project];
    return project === undefined ? `the service ${service.name}` : `the SparkPlug project ${project}`;
  }
  const container = findContainer(await docker.run(['ps', '--format', '{{.Names}}\t{{.Ports}}']), port);
  if (container !== null) return `the container ${container}`;
  const taken = host === null ? await isPortTaken(port) : await answersAt(host, port);
  if (!taken) return null;
  return host === null ? 'another program on this machine' : `another program on ${host}`;
}

/** `docker ps` prints `0.0.0.0:8080->8080/tcp, :::8080->8080/tcp`, and ranges as `8000-8010->…`. */
export function findContainer(lines: string, port: number): string | null {
  for (const line of lines.split('\n')) {
    const [name = '', ports = ''] = line.split('\t');
    const published = [...ports.matchAll(/:(\d+)(?:-(\d+))?->/g)];
    if (published.some(([, first, last]) => Number(first) <= port && port <= Number(last ?? first))) return name;
  }
  return null;
}
