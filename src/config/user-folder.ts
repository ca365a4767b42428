// The user's own folder for a project, outside of it: the admin token and the secrets, for nobody else's eyes.
import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { SparkPlugError } from '../errors.ts';
import type { Report } from '../progress.ts';
import { isProjectId } from './project-state.ts';
import {
  authorityKey,
  type FleetSecret,
  fleetSecrets,
  refuseSecretName,
  type SystemSecret,
  systemSecrets,
  tlsSecrets,
  webhookSecret,
} from './secret-names.ts';
import { createAtomically, writeAtomically } from './write-atomically.ts';

/** A secret as a file: what Compose and Swarm are given. */
export interface SecretFile {
  /** Name of the file in /run/secrets. */
  readonly name: string;
  /** Absolute path on this computer, mode 0600. */
  readonly path: string;
  /** First 12 hex digits of SHA-256 over name and content: changes with either. */
  readonly hash: string;
}

const folderMode = 0o700;
const fileMode = 0o600;
const tokenPattern = /^sp_[\w-]{43}$/;
/** Swarm's limit for one secret. */
export const largestSecretBytes = 500 * 1024;

/** `~/.config/sparkplug/<projectId>`, or below `XDG_CONFIG_HOME` where that is an absolute path. */
export function userFolder(projectId: string): string {
  if (!isProjectId(projectId)) throw new Error(`not a project id: ${projectId}`);
  return path.join(configFolder(), projectId);
}

function configFolder(): string {
  const configured = process.env.XDG_CONFIG_HOME ?? '';
  const base = path.isAbsolute(configured) ? configured : path.join(homedir(), '.config');
  return path.join(base, 'sparkplug');
}

/** SSH host keys that the user has accepted for SparkPlug, in OpenSSH's format. */
export function knownHostsFile(): string {
  return path.join(configFolder(), 'known_hosts');
}

/** The project's own SSH key for machines that it has bought. It outlives `down --volumes`, as the machines do. */
export function machineKeyFile(projectId: string): string {
  if (!isProjectId(projectId)) throw new Error(`not a project id: ${projectId}`);
  return path.join(configFolder(), 'keys', projectId);
}

/** How OpenSSH, and with it Docker, reaches machines that SparkPlug has bought: included by `~/.ssh/config`. */
export function sshSettingsFile(): string {
  return path.join(configFolder(), 'ssh_config');
}

/** Folder of the secrets' files, one for each, named as in /run/secrets. */
export function secretFolder(projectId: string): string {
  return path.join(userFolder(projectId), 'secrets');
}

/** The admin token of the project; null before the first `up`. */
export async function readToken(projectId: string): Promise<string | null> {
  const content = await readIfThere(tokenFile(projectId));
  return content === null ? null : content.toString('utf8').trim();
}

/** The token that a rotation has stored and that may be in force already; null outside of one. */
export async function readNextToken(projectId: string): Promise<string | null> {
  const content = await readIfThere(nextTokenFile(projectId));
  const text = content?.toString('utf8').trim() ?? '';
  return tokenPattern.test(text) ? text : null;
}

/** Makes the token that a rotation puts in force; from now on it cannot be lost. */
export async function storeNextToken(projectId: string): Promise<string> {
  const token = `sp_${randomText()}`;
  await writeAtomically(nextTokenFile(projectId), `${token}\n`, fileMode);
  return token;
}

/** The next token is in force: it takes the place of the one before. */
export async function promoteNextToken(projectId: string): Promise<void> {
  await rename(nextTokenFile(projectId), tokenFile(projectId));
}

/** The next token never came into force. */
export async function dropNextToken(projectId: string): Promise<void> {
  await rm(nextTokenFile(projectId), { force: true });
}

/** The file that keeps two rotations apart. */
export function tokenLock(projectId: string): string {
  return path.join(userFolder(projectId), 'token.lock');
}

/** Makes sure that a token for others can be stored, before it is made. @throws SparkPlugError USER_FOLDER_UNUSABLE */
export async function prepareTokenFile(projectId: string, name: string): Promise<string> {
  const folder = path.join(userFolder(projectId), 'tokens');
  const file = path.join(folder, name);
  try {
    await mkdir(folder, { recursive: true, mode: folderMode });
    await writeAtomically(`${file}.new`, '', fileMode);
    await rm(`${file}.new`);
  } catch (error) {
    throw unusable(folder, error);
  }
  return file;
}

/** Stores a token for others at the path that was prepared. */
export async function storeToken(file: string, token: string): Promise<void> {
  await writeAtomically(file, `${token}\n`, fileMode);
}

/** A job's or a certificate's secret, null where it was never set. */
export async function readSecret(projectId: string, name: string): Promise<string | null> {
  return (await readIfThere(secretFile(projectId, name)))?.toString('utf8') ?? null;
}

/**
 * Keeps certificate and key for the published port as secrets of the project; what is the same stays as it is.
 * The key comes first: a certificate without its key is made anew.
 */
export async function storeTlsSecrets(
  projectId: string,
  pair: { readonly certificate: string; readonly key: string },
): Promise<readonly SecretFile[]> {
  await prepareFolder(projectId, () => {});
  const contents = { web_tls_key: pair.key, web_tls_cert: pair.certificate };
  for (const name of tlsSecrets.toReversed()) {
    const wanted = Buffer.from(contents[name]);
    const file = secretFile(projectId, name);
    if ((await readIfThere(file))?.equals(wanted) !== true) await writeAtomically(file, wanted, fileMode);
  }
  const stored = await Promise.all(tlsSecrets.map((name) => describeSecret(projectId, name)));
  return stored.filter((secret) => secret !== null);
}

/** Keeps how webhooks leave as a secret of the project; `null`: they leave as they are, and no secret is needed. */
export async function storeWebhookSettings(projectId: string, content: string | null): Promise<readonly SecretFile[]> {
  const file = secretFile(projectId, webhookSecret);
  if (content === null) {
    await rm(file, { force: true });
    return [];
  }
  await prepareFolder(projectId, () => {});
  const wanted = Buffer.from(content);
  if ((await readIfThere(file))?.equals(wanted) !== true) await writeAtomically(file, wanted, fileMode);
  return [{ name: webhookSecret, path: file, hash: hashSecret(webhookSecret, wanted) }];
}

/**
 * Keeps what several machines trust each other by, and the authority's key beside it; what is the same stays as it is.
 * @returns the secrets for the cluster, without that key
 */
export async function storeFleetSecrets(
  projectId: string,
  contents: Readonly<Record<FleetSecret | typeof authorityKey, string>>,
): Promise<readonly SecretFile[]> {
  await prepareFolder(projectId, () => {});
  // The authority first: certificates that do not fit it are made anew.
  for (const name of [authorityKey, ...fleetSecrets] as const) {
    const wanted = Buffer.from(contents[name]);
    const file = secretFile(projectId, name);
    if ((await readIfThere(file))?.equals(wanted) !== true) await writeAtomically(file, wanted, fileMode);
  }
  const stored = await Promise.all(fleetSecrets.map((name) => describeSecret(projectId, name)));
  return stored.filter((secret) => secret !== null);
}

/**
 * Makes what a cluster needs and is not there yet: the admin token, `spark_auth`, `control`, `web_tokens` (the
 * token's SHA-256 only). What exists is kept; permissions that let others read are tightened and reported as
 * warnings.
 *
 * @param names secrets of the jobs, which the user has set before
 * @returns SparkPlug's own secrets and the named ones, each once
 * @throws SparkPlugError SECRET_MISSING naming every job secret that was never set; USER_FOLDER_UNUSABLE
 */
export async function ensureSecrets(
  projectId: string,
  names: readonly string[] = [],
  report: Report = () => {},
): Promise<readonly SecretFile[]> {
  await prepareFolder(projectId, report);
  const token = await ensureToken(projectId);
  await ensureWebTokens(projectId, token);
  await createAtomically(secretFile(projectId, 'spark_auth'), randomText(), fileMode);
  await createAtomically(secretFile(projectId, 'control'), randomText(), fileMode);
  const wanted = [...new Set(names)];
  const found = await Promise.all([...systemSecrets, ...wanted].map((name) => describeSecret(projectId, name)));
  const missing = wanted.filter((name) => !found.some((secret) => secret?.name === name));
  if (missing.length > 0) throw secretsMissing(missing);
  await tighten(projectId, report);
  return found.filter((secret) => secret !== null);
}

/**
 * Sets a job's secret; it reaches the cluster with the next `up` or run.
 * @throws SparkPlugError SECRET_INVALID for a bad or reserved name, no content, or more than Swarm takes (500 KiB)
 */
export async function setSecret(projectId: string, name: string, content: Buffer): Promise<SecretFile> {
  checkName(projectId, name);
  if (content.length === 0 || content.length > largestSecretBytes) {
    throw new SparkPlugError('SECRET_INVALID', 'A secret holds 1 byte to 500 KiB.', {
      place: name,
      met: `${content.length} bytes`,
      hint: content.length === 0 ? 'Give its value on standard input or in a file.' : 'Put large data into HDFS.',
    });
  }
  await prepareFolder(projectId, () => {});
  await writeAtomically(secretFile(projectId, name), content, fileMode);
  return { name, path: secretFile(projectId, name), hash: hashSecret(name, content) };
}

/** The jobs' secrets by name, SparkPlug's own left out. */
export async function listSecrets(projectId: string): Promise<readonly SecretFile[]> {
  const files = await readdir(secretFolder(projectId)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw unusable(secretFolder(projectId), error);
  });
  const names = files.filter((name) => refuseSecretName(name, nameOf(projectId)) === null).sort();
  const secrets = await Promise.all(names.map((name) => describeSecret(projectId, name)));
  return secrets.filter((secret) => secret !== null);
}

/** Removes a job's secret; false where there was none. @throws SparkPlugError SECRET_INVALID for SparkPlug's own */
export async function removeSecret(projectId: string, name: string): Promise<boolean> {
  checkName(projectId, name);
  if ((await readIfThere(secretFile(projectId, name))) === null) return false;
  await rm(secretFile(projectId, name), { force: true });
  return true;
}

/** Removes the whole folder: `down --volumes`. */
export async function removeUserFolder(projectId: string): Promise<void> {
  await rm(userFolder(projectId), { recursive: true, force: true });
}

function tokenFile(projectId: string): string {
  return path.join(userFolder(projectId), 'token');
}

function nextTokenFile(projectId: string): string {
  return path.join(userFolder(projectId), 'token.next');
}

function secretFile(projectId: string, name: string): string {
  return path.join(secretFolder(projectId), name);
}

/** The project's name in its id. */
function nameOf(projectId: string): string {
  return projectId.replace(/-[0-9a-z]{6}$/, '');
}

function checkName(projectId: string, name: string): void {
  const refusal = refuseSecretName(name, nameOf(projectId));
  if (refusal !== null) throw new SparkPlugError('SECRET_INVALID', refusal.message, { met: name, hint: refusal.hint });
}

async function ensureToken(projectId: string): Promise<string> {
  await createAtomically(tokenFile(projectId), `sp_${randomText()}\n`, fileMode);
  const token = await readToken(projectId);
  if (token === null || !tokenPattern.test(token)) {
    throw new SparkPlugError('USER_FOLDER_UNUSABLE', 'The file of the admin token does not hold a token.', {
      place: tokenFile(projectId),
      hint: 'Delete the file and run `sparkplug up`: it makes a new token.',
    });
  }
  return token;
}

const webTokens = z.array(z.looseObject({ name: z.string(), scope: z.string(), sha256: z.string() }));

/**
 * Only the token's hash goes into the cluster. Other entries are kept; an `admin` entry of another token is replaced.
 */
async function ensureWebTokens(projectId: string, token: string): Promise<void> {
  const file = secretFile(projectId, 'web_tokens');
  const sha256 = createHash('sha256').update(token).digest('hex');
  const existing = parseWebTokens(await readIfThere(file));
  if (existing.some((entry) => entry.name === 'admin' && entry.sha256 === sha256)) return;
  const others = existing.filter((entry) => entry.name !== 'admin');
  await writeAtomically(file, `${JSON.stringify([{ name: 'admin', scope: 'admin', sha256 }, ...others])}\n`, fileMode);
}

function parseWebTokens(content: Buffer | null): z.output<typeof webTokens> {
  try {
    return webTokens.parse(JSON.parse(content?.toString('utf8') ?? '[]'));
  } catch {
    // Hashes of tokens cannot be guessed back from a damaged file: the admin token works again, others are made anew.
    return [];
  }
}

/** 32 random bytes as 43 characters of base64url. */
function randomText(): string {
  return randomBytes(32).toString('base64url');
}

async function describeSecret(projectId: string, name: string): Promise<SecretFile | null> {
  const file = secretFile(projectId, name);
  const content = await readIfThere(file);
  return content === null ? null : { name, path: file, hash: hashSecret(name, content) };
}

function hashSecret(name: string, content: Buffer): string {
  return createHash('sha256').update(`${name}\0`).update(content).digest('hex').slice(0, 12);
}

async function prepareFolder(projectId: string, report: Report): Promise<void> {
  for (const folder of [userFolder(projectId), secretFolder(projectId)]) {
    try {
      // Folders above (`~/.config`) may be new as well; they hold nothing secret and get the umask's mode.
      await mkdir(path.dirname(folder), { recursive: true });
      const created = await mkdir(folder, { recursive: true, mode: folderMode });
      if (created === undefined) await tightenMode(folder, folderMode, report);
      else await chmod(folder, folderMode);
    } catch (error) {
      throw unusable(folder, error);
    }
  }
}

/** Takes away what group and others may do with the token and the secrets. */
async function tighten(projectId: string, report: Report): Promise<void> {
  const names: readonly (SystemSecret | string)[] = await readdir(secretFolder(projectId));
  const files = [tokenFile(projectId), ...names.map((name) => secretFile(projectId, name))];
  for (const file of files) await tightenMode(file, fileMode, report);
}

async function tightenMode(file: string, mode: number, report: Report): Promise<void> {
  const status = await stat(file).catch(() => null);
  if (status === null) return;
  const met = status.mode & 0o777;
  if ((met & 0o077) === 0) return;
  await chmod(file, mode);
  const [was, is] = [met.toString(8).padStart(4, '0'), mode.toString(8).padStart(4, '0')];
  report({ kind: 'warning', text: `${file} was open to others (mode ${was}); it is ${is} now.` });
}

async function readIfThere(file: string): Promise<Buffer | null> {
  return readFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw unusable(file, error);
  });
}

function unusable(file: string, cause: unknown): SparkPlugError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
  return new SparkPlugError('USER_FOLDER_UNUSABLE', 'The folder of the token and the secrets cannot be used.', {
    place: file,
    met: code,
    hint: 'Make it yours and writable, or point `XDG_CONFIG_HOME` to a folder that is.',
    cause,
  });
}

function secretsMissing(names: readonly string[]): SparkPlugError {
  const [first = ''] = names;
  return new SparkPlugError('SECRET_MISSING', `Jobs use secrets that were never set: ${names.join(', ')}.`, {
    place: 'secrets',
    met: names.join(', '),
    hint: `Run \`sparkplug secret set ${first}\`${names.length > 1 ? ' and so on' : ''}.`,
    problems: names.map((name) => ({
      place: 'secrets',
      met: name,
      message: 'This secret was never set.',
      hint: `sparkplug secret set ${name}`,
    })),
  });
}
