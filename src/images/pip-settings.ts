// What this computer's pip was told about its package index, as far as it means anything inside a build.
import { homedir } from 'node:os';
import { join } from 'node:path';
import { readOrEmpty } from '../adapters/host/read-or-empty.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Settings about where packages come from; all others are about this computer. */
const carriedKeys = [
  'index-url',
  'extra-index-url',
  'trusted-host',
  'find-links',
  'timeout',
  'retries',
  'proxy',
] as const;

/** pip lets environment variables spell `timeout` with the prefix of its global option. */
const synonyms: Readonly<Record<string, string>> = { 'default-timeout': 'timeout' };

/** Text of a pip.conf, null where nothing was set. Later sources win, as in pip: system, user, environment. */
export async function readPipSettings(env: Env = process.env): Promise<string | null> {
  const files = [...listPipFiles(env)];
  const texts = await Promise.all(files.map(readOrEmpty));
  return renderPipSettings([...texts.map(parsePipConfig), readPipVariables(env)]);
}

function* listPipFiles(env: Env): Generator<string> {
  yield '/etc/xdg/pip/pip.conf';
  yield '/etc/pip.conf';
  yield join(homedir(), '.pip', 'pip.conf');
  yield join(env.XDG_CONFIG_HOME ?? join(homedir(), '.config'), 'pip', 'pip.conf');
  if (env.PIP_CONFIG_FILE !== undefined) yield env.PIP_CONFIG_FILE;
}

/** `[global]`, `[install]` and `[download]` of an ini text; a value may go on in indented lines. */
export function parsePipConfig(text: string): ReadonlyMap<string, string> {
  const settings = new Map<string, string>();
  let section = '';
  let key = '';
  for (const line of text.split(/\r?\n/)) {
    const heading = /^\[(.+)\]/.exec(line)?.[1];
    const assignment = /^([A-Za-z][\w-]*)\s*[=:]\s*(.*)$/.exec(line);
    if (heading !== undefined) section = heading.trim();
    else if (/^\s*[#;]/.test(line)) continue;
    else if (/^\s+\S/.test(line) && key !== '') settings.set(key, `${settings.get(key) ?? ''} ${line.trim()}`.trim());
    else if (assignment?.[1] !== undefined && ['global', 'install', 'download'].includes(section)) {
      key = toKey(assignment[1]);
      settings.set(key, (assignment[2] ?? '').trim());
    } else key = '';
  }
  return settings;
}

function readPipVariables(env: Env): ReadonlyMap<string, string> {
  const entries = Object.entries(env).filter((entry): entry is [string, string] => /^PIP_./.test(entry[0]));
  return new Map(entries.map(([name, value]) => [toKey(name.slice('PIP_'.length)), value]));
}

function toKey(name: string): string {
  const key = name.toLowerCase().replaceAll('_', '-');
  return synonyms[key] ?? key;
}

export function renderPipSettings(sources: readonly ReadonlyMap<string, string>[]): string | null {
  const merged = new Map(sources.flatMap((source) => [...source]));
  const lines = carriedKeys.flatMap((key) => {
    // Folders and files of this computer are not there inside a build.
    const values = (merged.get(key) ?? '')
      .split(/\s+/)
      .filter((value) => value !== '' && !/^(?:[/~.]|file:)/.test(value));
    return values.length === 0 ? [] : [`${key} = ${values.join('\n    ')}`];
  });
  return lines.length === 0 ? null : `[global]\n${lines.join('\n')}\n`;
}
