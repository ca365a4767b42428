// The published ports. Web's: the file's, else the one kept, else the first free from 8080. The registry's: the one kept,
// else the first free from 5000.
import { SparkPlugError } from '../errors.ts';

/** Where the searches for a free port begin, and how far they go. */
export const webPorts = { first: 8080, last: 8179 };
export const registryPorts = { first: 5000, last: 5099 };

export interface PortSituation {
  /** `web.port` of the file. */
  readonly configured: 'auto' | number;
  /** What this project used before. */
  readonly kept: number | null;
  /** What its own `web` publishes now. */
  readonly own: number | null;
  /** Who holds a port, in a few words; null when it is free. */
  readonly findHolder: (port: number) => Promise<string | null>;
}

/** @throws SparkPlugError PORT_TAKEN naming the holder where it is known */
export async function choosePort({ configured, kept, own, findHolder }: PortSituation): Promise<number> {
  const wanted = configured === 'auto' ? kept : configured;
  if (wanted === null) return await findFreePort(webPorts, findHolder);
  if (wanted === own) return wanted;
  const holder = await findHolder(wanted);
  if (holder === null) return wanted;
  const place = configured === 'auto' ? 'the port kept since the first `up`' : 'web.port';
  throw new SparkPlugError('PORT_TAKEN', `port ${wanted} is taken by ${holder}`, {
    place,
    met: String(wanted),
    hint: `stop it, or set \`web: { port: … }\` in sparkplug.yaml to a free port such as ${await findFreePort(webPorts, findHolder)}`,
  });
}

/** The same for the registry, which no file configures: machines know it by this port, so it is kept. */
export async function chooseRegistryPort({
  kept,
  own,
  findHolder,
}: Omit<PortSituation, 'configured'>): Promise<number> {
  if (kept === null) return await findFreePort(registryPorts, findHolder);
  const holder = kept === own ? null : await findHolder(kept);
  if (holder === null) return kept;
  throw new SparkPlugError('PORT_TAKEN', `port ${kept} of the cluster's registry is taken by ${holder}`, {
    place: 'the port kept since the first further machine',
    met: String(kept),
    hint: 'stop it: the other machines pull their images from this port',
  });
}

async function findFreePort(
  { first, last }: { readonly first: number; readonly last: number },
  findHolder: PortSituation['findHolder'],
): Promise<number> {
  for (let port = first; port <= last; port += 1) {
    if ((await findHolder(port)) === null) return port;
  }
  throw new SparkPlugError('PORT_TAKEN', `every port from ${first} to ${last} is taken`, {
    place: 'web.port',
    hint: 'set `web: { port: … }` in sparkplug.yaml to a free port',
  });
}
