// The way to the lab's Swarm: the conductor machine's engine by TCP and mutual TLS, as a Docker context.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificate } from '../../adapters/certificates/certificate.ts';
import { createDocker, type Docker } from '../../adapters/docker/docker.ts';
import { SparkPlugError } from '../../errors.ts';
import type { BuiltMachine } from './find-lab.ts';

const enginePort = 2376;
/** Longer than a lab lives. */
const validMs = 10 * 365 * 86_400_000;
const answerWithinMs = 10_000;

/**
 * Makes a certificate for each side, which trusts nothing but the other's. The engine's lies in the machine, to be read at
 * its next start; the client's key in Docker's own store of contexts (mode 0600) and nowhere else.
 */
export async function grantAccess(docker: Docker, context: string, conductor: BuiltMachine): Promise<void> {
  const now = Date.now();
  const [server, client] = await Promise.all([
    makeCertificate([conductor.address, conductor.name], now, validMs, 'server'),
    makeCertificate([context], now, validMs, 'client'),
  ]);
  // mkdtemp's folder is closed to everyone else.
  const folder = await mkdtemp(join(tmpdir(), 'sparkplug-lab-'));
  try {
    const inside = join(folder, 'tls');
    await mkdir(inside, { mode: 0o700 });
    const write = (file: string, text: string) => writeFile(join(folder, file), text, { mode: 0o600 });
    await Promise.all([
      write('tls/cert.pem', server.certificate),
      write('tls/key.pem', server.key),
      write('tls/client.pem', client.certificate),
      write('ca.pem', server.certificate),
      write('cert.pem', client.certificate),
      write('key.pem', client.key),
    ]);
    await docker.run(['cp', inside, `${conductor.containerId}:/etc/docker`]);
    await removeContext(docker, context);
    const file = (name: string) => join(folder, name);
    const endpoint = `host=${endpointOf(conductor)},ca=${file('ca.pem')},cert=${file('cert.pem')},key=${file('key.pem')}`;
    await docker.run(['context', 'create', context, '--description', 'SparkPlug lab', '--docker', endpoint]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** True where the context leads to this machine's engine and is let in. */
export async function hasAccess(docker: Docker, context: string, conductor: BuiltMachine): Promise<boolean> {
  const format = ['--format', '{{.Endpoints.docker.Host}}'];
  const { exitCode, stdout } = await docker.tryRun(['context', 'inspect', context, ...format]);
  if (exitCode !== 0 || stdout.trim() !== endpointOf(conductor)) return false;
  const asked = await createDocker({ context, answerWithinMs })
    .tryRun(['version'])
    .catch((error: unknown) => {
      if (error instanceof SparkPlugError) return { exitCode: 1 };
      throw error;
    });
  return asked.exitCode === 0;
}

/** One that is not there is no error. */
export async function removeContext(docker: Docker, context: string): Promise<void> {
  await docker.tryRun(['context', 'rm', '--force', context]);
}

function endpointOf({ address }: BuiltMachine): string {
  return `tcp://${address}:${enginePort}`;
}
