// What builds need to know of this computer's way to the package servers. Never part of a hash nor of a final image.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { findExtraCertificates } from './ca-certificates.ts';
import { readPipSettings } from './pip-settings.ts';

export interface HostSettings {
  /** PEM texts. */
  readonly certificates: readonly string[];
  readonly pipConfig: string | null;
  readonly mavenSettings: string | null;
  /** Arguments that the builder knows by itself and keeps out of the image's history. */
  readonly proxyArgs: Readonly<Record<string, string>>;
}

const proxyVariables = ['http_proxy', 'https_proxy', 'no_proxy', 'ftp_proxy', 'all_proxy'] as const;

export async function readHostSettings(): Promise<HostSettings> {
  const [certificates, pipConfig, mavenSettings] = await Promise.all([
    findExtraCertificates(),
    readPipSettings(),
    readFile(join(homedir(), '.m2', 'settings.xml'), 'utf8').catch(() => null),
  ]);
  return { certificates, pipConfig, mavenSettings, proxyArgs: readProxies(process.env) };
}

/** Either spelling counts on the host, programs inside look for one or the other. */
export function readProxies(env: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  const found = proxyVariables.flatMap((name) => {
    const value = env[name] || env[name.toUpperCase()];
    return value === undefined || value === '' ? [] : [[name, value] as const, [name.toUpperCase(), value] as const];
  });
  return Object.fromEntries(found);
}

/** Writes `certs/*.crt`, `pip.conf` and `settings.xml` as far as there are any; the folder exists in any case. */
export async function writeHostSettings(folder: string, settings: HostSettings): Promise<void> {
  await mkdir(join(folder, 'certs'), { recursive: true });
  await Promise.all([
    ...settings.certificates.map((pem, index) =>
      writeFile(join(folder, 'certs', `extra-${index + 1}.crt`), `${pem.trim()}\n`),
    ),
    writeOptional(join(folder, 'pip.conf'), settings.pipConfig),
    writeOptional(join(folder, 'settings.xml'), settings.mavenSettings),
  ]);
}

async function writeOptional(file: string, content: string | null): Promise<void> {
  if (content !== null) await writeFile(file, content);
}
