// Who holds a port of this machine: a service of the Swarm, a container, or some other program.
import type { Docker } from '../adapters/docker/docker.ts';
import { isPortTaken } from '../adapters/host/ports.ts';
import { labels } from '../engine/labels.ts';

/** Asks Docker first, since it can name the holder, then the operating system. */
export async function findPortHolder(docker: Pick<Docker, 'services' | 'run'>, port: number): Promise<string | null> {
  const services = await docker.services({});
  const service = services.find((one) => one.publishedPorts.includes(port));
  if (service !== undefined) {
    const project = service.labels[labels.project];
    return project === undefined ? `the service ${service.name}` : `the SparkPlug project ${project}`;
  }
  const container = findContainer(await docker.run(['ps', '--format', '{{.Names}}\t{{.Ports}}']), port);
  if (container !== null) return `the container ${container}`;
  return (await isPortTaken(port)) ? 'another program on this machine' : null;
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
