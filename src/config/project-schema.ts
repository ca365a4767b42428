// The project file's schema: every key, its form, its default. Values come out in the units of ClusterConfig.
import { z } from 'zod';
import { refuseCron, refuseTimeZone } from '../cron.ts';
import { parseDurationMs, parseMemoryMiB } from '../units.ts';
import type { NotifyTarget } from './cluster-config.ts';

type Json = Readonly<Record<string, unknown>>;
type Verdict<T> = { readonly value: T } | { readonly message: string; readonly hint: string };

/** A value that `check` reads, or refuses with a message and a fix. */
function checked<T>(check: (value: unknown) => Verdict<T>) {
  return z.unknown().transform((value, context): T => {
    const verdict = value === null ? empty : check(value);
    if ('value' in verdict) return verdict.value;
    context.addIssue({ code: 'custom', message: verdict.message, params: { hint: verdict.hint } });
    return z.NEVER;
  });
}

const empty = { message: 'This is empty.', hint: 'Give it a value, or remove the key.' } as const;

/** Text of a certain form. */
function text(pattern: RegExp, message: string, hint: string) {
  return checked<string>((value) => (typeof value === 'string' && pattern.test(value) ? { value } : { message, hint }));
}

function wholeNumber(value: unknown, least: number, most: number): Verdict<number> {
  if (typeof value !== 'number')
    return { message: 'This must be a number.', hint: `Write a whole number from ${least} on.` };
  if (Number.isInteger(value) && value >= least && value <= most) return { value };
  return { message: `This must be a whole number from ${least} to ${most}.`, hint: `Write for example \`${least}\`.` };
}

function count(least: number, most: number) {
  return checked<number>((value) => wholeNumber(value, least, most));
}

function autoOr<T>(check: (value: unknown) => Verdict<T>) {
  return checked<'auto' | T>((value) => {
    if (value === 'auto') return { value };
    const verdict = check(value);
    return 'value' in verdict
      ? verdict
      : { message: verdict.message, hint: `${verdict.hint.replace(/\.$/, '')}, or \`auto\`.` };
  });
}

function readMemory(value: unknown): Verdict<number> {
  if (typeof value === 'number') {
    return { message: 'A size needs a unit.', hint: `Write \`${value}GiB\` or \`${value}MiB\`.` };
  }
  const memoryMiB = typeof value === 'string' ? parseMemoryMiB(value) : null;
  if (memoryMiB === null) return { message: 'This is not a size.', hint: 'Write for example `4GiB` or `512MiB`.' };
  return { value: memoryMiB };
}

function readDuration(value: unknown): Verdict<number> {
  if (typeof value === 'number') {
    return { message: 'A duration needs a unit.', hint: `Write \`${value}s\`, \`${value}min\` or \`${value}h\`.` };
  }
  const durationMs = typeof value === 'string' ? parseDurationMs(value) : null;
  if (durationMs === null)
    return { message: 'This is not a duration.', hint: 'Write for example `2h`, `90s` or `1h30m`.' };
  if (durationMs < 1000) return { message: 'This is shorter than a second.', hint: 'Write `1s` or more.' };
  return { value: durationMs };
}

/** A file of the project: relative, forward slashes, not above the folder. */
export function readProjectPath(value: unknown): Verdict<string> {
  if (typeof value !== 'string' || value.trim() === '') {
    return { message: 'This must be the path of a file.', hint: 'Write it relative to the project folder.' };
  }
  const path = value.replace(/^(?:\.\/)+/, '');
  if (path.startsWith('/') || path.startsWith('~') || path.split('/').includes('..') || path.includes('\\')) {
    return {
      message: 'The file must be inside the project folder.',
      hint: 'Write its path relative to the project folder, with `/`.',
    };
  }
  if (/\p{Cc}/u.test(path)) return { message: 'This is no path of a file.', hint: 'Leave out control characters.' };
  return { value: path };
}

function readMain(value: unknown): Verdict<string> {
  const verdict = readProjectPath(value);
  if ('message' in verdict || /\.(?:py|jar)$/.test(verdict.value)) return verdict;
  return { message: 'A job is a Python file or a jar.', hint: 'Name a file that ends in `.py` or `.jar`.' };
}

function readHdfsPath(value: unknown): Verdict<string> {
  if (typeof value === 'string' && /^[a-z0-9]+:\/\//i.test(value)) {
    return { message: 'Results live in HDFS: a path, not a URI.', hint: 'Write for example `/results/predictions`.' };
  }
  if (typeof value !== 'string' || !value.startsWith('/')) {
    return { message: 'The path must be absolute.', hint: 'Write for example `/results/predictions`.' };
  }
  const path = value.length > 1 ? value.replace(/\/+$/, '') : value;
  const parts = path.split('/').slice(1);
  if (parts.some((part) => part === '' || part === '.' || part === '..' || /[\p{Cc}:*?{}[\]\\]/u.test(part))) {
    return {
      message: 'This is no folder for a result.',
      hint: 'Leave out `..`, `//`, `:` and wildcards; `/` itself is not one either.',
    };
  }
  return { value: path };
}

function readListen(value: unknown): Verdict<'local' | 'all'> {
  if (value === 'local' || value === 'all') return { value };
  return {
    message: 'This must be `auto`, `local` or `all`.',
    hint: 'Remove it, or write `local`; `all` lets other computers in.',
  };
}

function readPort(value: unknown): Verdict<number> {
  const verdict = wholeNumber(value, 1, 65_535);
  if ('message' in verdict) return { message: verdict.message, hint: 'Write for example `8080`.' };
  if (swarmPorts.includes(verdict.value)) {
    return { message: 'This port is used by Docker Swarm itself.', hint: 'Choose another, for example `8080`.' };
  }
  return verdict;
}

const swarmPorts: readonly number[] = [2377, 4789, 7946];

function readRegistry(value: unknown): Verdict<string> {
  const example = 'Write for example `registry.example.com/team`.';
  if (typeof value !== 'string') return { message: 'This must be the address of a registry.', hint: example };
  if (value.includes('://')) return { message: 'A registry is named without `https://`.', hint: example };
  if (value.includes('@'))
    return {
      message: 'Credentials never stand in this file.',
      hint: 'Run `docker login` and leave out everything up to `@`.',
    };
  const address = value.replace(/\/+$/, '');
  if (/^[A-Za-z0-9][A-Za-z0-9.-]*(?::\d{1,5})?(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*$/.test(address))
    return { value: address };
  return { message: 'This is not the address of a registry.', hint: example };
}

function readSecretName(value: unknown): Verdict<string> {
  if (typeof value !== 'string')
    return {
      message: 'This must be the name of a secret.',
      hint: 'Write a name; `sparkplug secret set` gives it a value.',
    };
  return { value };
}

function readColumn(value: unknown): Verdict<string> {
  if (typeof value === 'string' && value.trim() !== '' && !/\p{Cc}/u.test(value)) return { value };
  return { message: 'This must be the name of a column.', hint: 'Write for example `key: household_id`.' };
}

/** A URL, or a mapping of one and the secret that signs. */
function readNotify(value: unknown): Verdict<NotifyTarget> {
  if (typeof value === 'string') return readNotifyUrl(value, null);
  const { url, secret, ...others } = typeof value === 'object' && value !== null ? (value as Json) : {};
  const [unknown] = Object.keys(others);
  if (unknown !== undefined)
    return { message: `There is no key \`${unknown}\` here.`, hint: 'Known here: url, secret.' };
  if (secret !== undefined && typeof secret !== 'string')
    return { message: '`secret` must be the name of a secret.', hint: 'Write a name, or remove it.' };
  return readNotifyUrl(url, secret ?? null);
}

function readNotifyUrl(value: unknown, secret: string | null): Verdict<NotifyTarget> {
  const hint = 'Write for example `https://hooks.example.com/sparkplug`.';
  const url = typeof value === 'string' ? URL.parse(value) : null;
  if (url === null || /\p{Cc}|\s/u.test(String(value))) return { message: 'This must be a URL.', hint };
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    return { message: 'Only `https` and `http` can be called.', hint };
  if (url.username !== '' || url.password !== '')
    return {
      message: 'Credentials never stand in this file.',
      hint: 'Sign with a secret: `{ url: …, secret: NAME }`.',
    };
  if (url.hash !== '') return { message: 'The part after `#` would never be sent.', hint: 'Remove it.' };
  return { value: { url: url.href, secret } };
}

function readCron(value: unknown): Verdict<string> {
  if (typeof value !== 'string')
    return { message: 'This must be a cron rule.', hint: 'Write for example `schedule: "0 3 * * *"`.' };
  return refuseCron(value) ?? { value };
}

function readTimeZone(value: unknown): Verdict<string> {
  return refuseTimeZone(typeof value === 'string' ? value : '') ?? { value: String(value) };
}

/** One of a few words. */
function oneOf<T extends string>(...words: readonly T[]) {
  const list = words.map((word) => `\`${word}\``).join(' or ');
  return checked<T>((value) => {
    const word = words.find((known) => known === value);
    return word === undefined ? { message: `This must be ${list}.`, hint: `Write ${list}.` } : { value: word };
  });
}

function readVersion(value: unknown): Verdict<string> {
  if (typeof value === 'string' && supportedSparkVersions.includes(value)) return { value };
  return {
    message: 'This version of Spark is not supported.',
    hint: `Write ${supportedSparkVersions.map((version) => `\`"${version}"\``).join(' or ')}, or remove it.`,
  };
}

/** Versions for which images can be built. */
export const supportedSparkVersions: readonly string[] = ['4.2.0'];

function readValue(value: unknown): Verdict<string> {
  if (typeof value !== 'string')
    return { message: 'This must be a text, a number or a boolean.', hint: 'Put the value in quotes.' };
  if (/[\0\n\r]/.test(value)) return { message: 'The value must be one line.', hint: 'Remove the line breaks.' };
  return { value };
}

function readArgument(value: unknown): Verdict<string> {
  if (typeof value !== 'string')
    return { message: 'An argument is a text, a number or a boolean.', hint: 'Put the value in quotes.' };
  return value.includes('\0') ? { message: 'A NUL character cannot be passed on.', hint: 'Remove it.' } : { value };
}

function readFlag(value: unknown): Verdict<boolean> {
  return typeof value === 'boolean'
    ? { value }
    : { message: 'This must be `true` or `false`.', hint: 'Write `true` or `false`.' };
}

/** Stands in host names, volumes and secrets, whose lengths are limited. */
export const projectNamePattern = /^[a-z](?:[a-z0-9]|-(?=[a-z0-9])){0,23}$/;

const result = z.strictObject({
  path: checked(readHdfsPath),
  key: checked(readColumn).nullable().default(null),
  unique: checked(readFlag).default(true),
});

const job = z.strictObject({
  main: checked(readMain),
  class: text(
    /^[\p{L}_$][\p{L}\p{N}_$]*(?:\.[\p{L}_$][\p{L}\p{N}_$]*)*$/u,
    'This is not the name of a class.',
    'Write for example `com.acme.Main`.',
  )
    .nullable()
    .default(null),
  args: z.array(checked(readArgument)).default([]),
  env: z.record(z.string(), checked(readArgument)).default({}),
  secrets: z.array(checked(readSecretName)).default([]),
  timeout: checked(readDuration).nullable().default(null),
  retries: count(0, 100).default(0),
  schedule: checked(readCron).nullable().default(null),
  timezone: checked(readTimeZone).default('UTC'),
  overlap: oneOf('skip', 'queue').default('skip'),
  missed: oneOf('skip', 'once').default('skip'),
  results: z.record(z.string(), result).default({}),
  on_failure: checked(readNotify).nullable().default(null),
  on_success: checked(readNotify).nullable().default(null),
});

const workerShape = z.strictObject({
  executors: count(1, 64).default(1),
  cores: count(1, 1024),
  memory: checked(readMemory),
});

const tls = z.strictObject({ certificate: checked(readProjectPath), key: checked(readSecretName) });

const worker = z.union([z.literal('auto'), workerShape]);

/**
 * The file as a whole. Names (of jobs, results, variables, settings) and what two keys say together are checked
 * elsewhere.
 */
export const projectSchema = z.strictObject({
  name: text(
    projectNamePattern,
    'A project needs a name that can stand in host names.',
    'Write a letter first, then small letters, digits and single `-`, 24 at most.',
  ),
  jobs: z.record(z.string(), job),
  requirements: checked(readProjectPath).nullable().default(null),
  packages: z
    .array(
      text(
        /^[A-Za-z0-9_.-]+:[A-Za-z0-9_.-]+:(?!LATEST$|RELEASE$)[A-Za-z0-9][A-Za-z0-9_.+-]*$/,
        'This is not a Maven coordinate with a fixed version.',
        'Write `group:artifact:version`, for example `org.postgresql:postgresql:42.7.8`.',
      ),
    )
    .default([]),
  apt: z
    .array(
      text(
        /^[a-z0-9][a-z0-9+.-]+(?:=[A-Za-z0-9][A-Za-z0-9.+:~-]*)?$/,
        'This is not the name of a Debian package.',
        'Write for example `libgomp1`, or `libgomp1=14.2.0-19` for one version.',
      ),
    )
    .default([]),
  spark: z
    .strictObject({
      version: checked(readVersion).default('4.2.0'),
      workers: autoOr((value) => wholeNumber(value, 1, 100_000)).default('auto'),
      worker: worker.default('auto'),
      history: autoOr(readFlag).default('auto'),
      conf: z.record(z.string(), checked(readValue)).default({}),
    })
    .prefault({}),
  hdfs: z
    .strictObject({
      datanodes: autoOr((value) => wholeNumber(value, 1, 10_000)).default('auto'),
      replication: autoOr((value) => wholeNumber(value, 1, 512)).default('auto'),
    })
    .prefault({}),
  reserve: z.strictObject({ memory: autoOr(readMemory).default('auto') }).prefault({}),
  web: z
    .strictObject({
      port: autoOr(readPort).default('auto'),
      listen: autoOr(readListen).default('auto'),
      tls: tls.nullable().default(null),
    })
    .prefault({}),
  images: z.strictObject({ registry: checked(readRegistry).nullable().default(null) }).prefault({}),
  runs: z.strictObject({ keep: count(1, 100_000).default(50), parallel: count(1, 64).default(1) }).prefault({}),
});

export type ProjectFile = z.output<typeof projectSchema>;

/** Keys known at a path, for suggestions: `jobs.*` and `jobs.*.results.*` included. */
export const knownKeys: Readonly<Record<string, readonly string[]>> = {
  '': Object.keys(projectSchema.shape),
  'jobs.*': Object.keys(job.shape),
  'jobs.*.results.*': Object.keys(result.shape),
  spark: ['version', 'workers', 'worker', 'history', 'conf'],
  'spark.worker': Object.keys(workerShape.shape),
  hdfs: ['datanodes', 'replication'],
  reserve: ['memory'],
  web: ['port', 'listen', 'tls'],
  'web.tls': Object.keys(tls.shape),
  images: ['registry'],
  runs: ['keep', 'parallel'],
};
