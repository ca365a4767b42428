// Settings of OpenSSH for machines that SparkPlug has bought: a file of its own, which the user's configuration includes. So
// Docker, which starts `ssh` itself, and the user's own `ssh ADDRESS` reach them alike.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';

export interface HostSettings {
  /** By which the entry is found again. */
  readonly id: string;
  /** As it is named to `ssh`. */
  readonly address: string;
  readonly user: string;
  /** Name under which its host key is known, whatever its address is. */
  readonly alias: string;
  readonly knownHosts: string;
  /** Null: whatever OpenSSH finds. */
  readonly identityFile: string | null;
}

/** One entry; a connection serves all that ask within a minute, since Docker makes one for each of its calls. */
export function renderHostSettings(settings: HostSettings): string {
  const { id, address, user, alias, knownHosts, identityFile } = settings;
  return [
    begin(id),
    `Host ${address}`,
    `  User ${user}`,
    `  HostKeyAlias ${alias}`,
    `  UserKnownHostsFile "${knownHosts}"`,
    '  StrictHostKeyChecking yes',
    ...(identityFile === null ? [] : [`  IdentityFile "${identityFile}"`, '  IdentitiesOnly yes']),
    '  ServerAliveInterval 15',
    '  ControlMaster auto',
    '  ControlPath ~/.ssh/sparkplug-%C',
    '  ControlPersist 60',
    end(id),
    '',
  ].join('\n');
}

/** Text with this entry in place of the one before; null takes it out. Pure. */
export function replaceEntry(text: string, id: string, entry: string | null): string {
  const [from, to] = [text.indexOf(begin(id)), text.indexOf(end(id))];
  const rest = from < 0 || to < from ? text : text.slice(0, from) + text.slice(to + end(id).length).replace(/^\n/, '');
  return `${rest}${entry ?? ''}`;
}

export async function writeHostSettings(file: string, settings: HostSettings): Promise<void> {
  // Where the socket of a shared connection lies: without the folder there is no connection at all. As OpenSSH itself, by
  // the user and not by HOME.
  await mkdir(join(userInfo().homedir, '.ssh'), { recursive: true, mode: 0o700 });
  const before = await readText(file);
  const after = replaceEntry(before, settings.id, renderHostSettings(settings));
  if (after !== before) await writeText(file, after);
}

export async function removeHostSettings(file: string, id: string): Promise<void> {
  const before = await readText(file);
  const after = replaceEntry(before, id, null);
  if (after !== before) await writeText(file, after);
}

/** Makes the user's configuration read the file, first of all: later entries for the same host change nothing. */
export async function includeSettings(config: string, file: string): Promise<boolean> {
  const line = `Include "${file}"`;
  const before = await readText(config);
  if (before.split('\n').some((one) => one.trim() === line)) return false;
  await writeText(config, `${line}\n${before === '' ? '' : `\n${before}`}`);
  return true;
}

/**
 * Ends the connection that others share. One that was made before its user was let into a group knows nothing of the group,
 * and all that share it with it.
 */
export async function endSharedConnection(address: string): Promise<void> {
  await execa('ssh', ['-O', 'exit', address], { reject: false });
}

function begin(id: string): string {
  return `# sparkplug ${id}`;
}

function end(id: string): string {
  return `# end of sparkplug ${id}`;
}

async function readText(file: string): Promise<string> {
  return await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
}

async function writeText(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(file, text, { mode: 0o600 });
}
