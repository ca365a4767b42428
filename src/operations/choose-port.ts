// The one published port: the file's, else the one kept, else the first free from 8080.
import { SparkPlugError } from '../errors.ts';

/** Where the search for a free port begins and how far it goes. */
const firstPort = 8080;
const lastPort = 8179;

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
  if (wanted === null) return await findFreePort(findHolder);
  if (wanted === own) return wanted;
  const holder = await findHolder(wanted);
  if (holder === null) return wanted;
  const place = configured === 'auto' ? 'the port kept since the first `up`' : 'web.port';
  throw new SparkPlugError('PORT_TAKEN', `port ${wanted} is taken by ${holder}`, {
    place,
    met: String(wanted),
    hint: `stop it, or set \`web: { port: … }\` in sparkplug.yaml to a free port such as ${await findFreePort(findHolder)}`,
  });
}

async function findFreePort(findHolder: PortSituation['findHolder']): Promise<number> {
  for (let port = firstPort; port <= lastPort; port += 1) {
    if ((await findHolder(port)) === null) return port;
  }
  throw new SparkPlugError('PORT_TAKEN', `every port from ${firstPort} to ${lastPort} is taken`, {
    place: 'web.port',
    hint: 'set `web: { port: … }` in sparkplug.yaml to a free port',
  });
}
