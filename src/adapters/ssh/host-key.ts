// Host keys as `ssh-keyscan` reads them and `ssh-keygen` prints them, and the file of those accepted here.
import { createHash } from 'node:crypto';
import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { execa } from 'execa';

export interface HostKey {
  /** `ssh-ed25519` */
  readonly type: string;
  /** `SHA256:…`, as OpenSSH shows it. */
  readonly fingerprint: string;
  /** Line for a file of known hosts. */
  readonly line: string;
}

/** The keys that a host shows now; none where it does not answer. Seen over the network, so nothing is proven by it. */
export async function scanHostKeys(host: string, port: number | null): Promise<readonly HostKey[]> {
  const args = ['-T', '10', ...(port === null ? [] : ['-p', String(port)]), host];
  const { stdout } = await execa('ssh-keyscan', args, { reject: false });
  return parseHostKeys(stdout);
}

/** Lines of `ssh-keyscan`. */
export function parseHostKeys(text: string): readonly HostKey[] {
  return text.split('\n').flatMap((line) => {
    const [, type, key] = /^[^#\s]\S*\s+(\S+)\s+([A-Za-z0-9+/=]+)$/.exec(line.trim()) ?? [];
    if (type === undefined || key === undefined) return [];
    return [{ type, fingerprint: fingerprintOf(key), line: line.trim() }];
  });
}

/** RFC 4648 without padding over SHA-256 of the key's bytes: OpenSSH's `sshkey_fingerprint`. */
function fingerprintOf(key: string): string {
  const hash = createHash('sha256').update(Buffer.from(key, 'base64')).digest('base64');
  return `SHA256:${hash.replace(/=+$/, '')}`;
}

/** Adds a key to a file of known hosts, once. */
export async function rememberHostKey(file: string, { line }: HostKey): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const known = await readKnownHosts(file);
  if (known.split('\n').includes(line)) return;
  await appendFile(file, `${known === '' || known.endsWith('\n') ? '' : '\n'}${line}\n`, { mode: 0o600 });
}

/** Keys that are known under a name of ours, which no address is. */
export async function readKnownKeys(file: string, alias: string): Promise<readonly HostKey[]> {
  const text = await readKnownHosts(file);
  return parseHostKeys(
    text
      .split('\n')
      .filter((line) => line.startsWith(`${alias} `))
      .join('\n'),
  );
}

/** The same key, known under a name instead of an address. */
export function nameHostKey(key: HostKey, alias: string): HostKey {
  return { ...key, line: key.line.replace(/^\S+/, alias) };
}

/** Forgets all keys under names that begin so. */
export async function forgetHostKeys(file: string, beginning: string): Promise<void> {
  const text = await readKnownHosts(file);
  const rest = text.split('\n').filter((line) => !line.startsWith(beginning));
  const kept = rest.join('\n');
  if (kept !== text) await writeFile(file, kept, { mode: 0o600 });
}

async function readKnownHosts(file: string): Promise<string> {
  return await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
}
