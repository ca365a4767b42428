// Text of the project file → ClusterConfig, or every problem in it at once.
import type { z } from 'zod';
import { type Problem, SparkPlugError } from '../errors.ts';
import { applyOverrides, type Overrides } from './apply-overrides.ts';
import { checkNames, type Finding } from './check-names.ts';
import type { ClusterConfig, JobConfig, ScheduleConfig } from './cluster-config.ts';
import { isLaterKey, laterHint, laterMessage, listLaterKeys } from './later-keys.ts';
import { knownKeys, type ProjectFile, projectSchema, readProjectPath } from './project-schema.ts';
import { suggestKey } from './suggest-key.ts';
import { formatPath, type KeyPath, readYaml } from './yaml-source.ts';

/** A file that the project file names, to be looked for on disk. */
export interface FileMention {
  readonly path: string;
  readonly kind: 'main' | 'requirements' | 'certificate';
  readonly place: string;
}

/** What a project file says: a config, or problems. Mentions are known in both cases. */
export interface Examination {
  readonly config: ClusterConfig | null;
  readonly problems: readonly Problem[];
  readonly mentions: readonly FileMention[];
}

/**
 * Reads a project file given as text; nothing is looked up on disk.
 * @param file name for places, usually `sparkplug.yaml`
 * @param overrides dotted key → value as on a command line, stronger than the file
 * @throws SparkPlugError CONFIG_INVALID with every problem
 */
export function parseConfig(text: string, file: string, overrides: Overrides = {}): ClusterConfig {
  return acceptConfig(examineConfig(text, file, overrides), file);
}

/** The config of an examination. @throws SparkPlugError CONFIG_INVALID with every problem */
export function acceptConfig({ config, problems }: Examination, file: string): ClusterConfig {
  if (config !== null && problems.length === 0) return config;
  const [first] = problems;
  const details = problems.length === 1 && first !== undefined ? first : {};
  const many = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
  throw new SparkPlugError('CONFIG_INVALID', `${file} has ${many}.`, { ...pickDetails(details), problems });
}

function pickDetails({ place, met, hint }: Partial<Problem>) {
  return {
    ...(place === undefined ? {} : { place }),
    ...(met === undefined ? {} : { met }),
    ...(hint === undefined ? {} : { hint }),
  };
}

/** Everything that can be said about the text, in the order of its lines. */
export function examineConfig(text: string, file: string, overrides: Overrides = {}): Examination {
  const source = readYaml(text, file, isText);
  if (source.data === undefined) return { config: null, problems: sortByPlace(source.problems), mentions: [] };
  const { data, place, met } = applyOverrides(source, overrides, isText);
  if (!isRecord(data)) return { config: null, problems: [...source.problems, notAMapping(data, file)], mentions: [] };
  const parsed = projectSchema.safeParse(data, { reportInput: true });
  const findings = [...(parsed.success ? [] : parsed.error.issues.flatMap(describeIssue)), ...checkNames(data)];
  const located = findings.map((finding): Problem => {
    const value = finding.at === 'key' ? String(finding.path.at(-1)) : met(finding.path);
    return {
      place: place(finding.path, finding.at),
      ...(value === undefined ? {} : { met: value }),
      message: finding.message,
      ...(finding.hint === undefined ? {} : { hint: finding.hint }),
    };
  });
  return {
    config: parsed.success ? toClusterConfig(parsed.data) : null,
    problems: sortByPlace([...source.problems, ...located]),
    mentions: findMentions(data, place),
  };
}

/** Scalars that are text however they look: `args: [--share, 0.50]`, `version: 4.10`. */
function isText(path: KeyPath): boolean {
  const [top, second, third] = path;
  if (top === 'spark') return second === 'version' || (second === 'conf' && path.length === 3);
  return top === 'jobs' && path.length === 4 && (third === 'args' || third === 'env');
}

function notAMapping(data: unknown, file: string): Problem {
  const hint = 'Write `name: my-project` and `jobs:` with one job; `sparkplug new` makes a working example.';
  if (data === null) return { place: `${file}:1:1`, message: 'The file is empty.', hint };
  return { place: `${file}:1:1`, message: 'The file must be a mapping of keys to values.', hint };
}

function describeIssue(issue: z.core.$ZodIssue): readonly Finding[] {
  const path = issue.path.filter((part) => typeof part !== 'symbol');
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => describeUnknownKey(path, key));
  if (issue.code === 'custom')
    return [{ path, at: 'value', message: describeMissing(issue) ?? issue.message, hint: hintOf(issue) }];
  if (issue.code === 'invalid_union') return describeWorker(issue, path);
  return [{ path, at: 'value', ...describeType(issue) }];
}

function describeMissing(issue: z.core.$ZodIssue): string | null {
  return issue.input === undefined ? `The key \`${formatPath(issue.path.slice(-1) as KeyPath)}\` is missing.` : null;
}

function hintOf(issue: z.core.$ZodIssueCustom): string | undefined {
  const hint: unknown = issue.params?.hint;
  return typeof hint === 'string' ? hint : undefined;
}

/** `spark.worker` is `auto` or a mapping: a mapping's own problems are told, anything else in one sentence. */
function describeWorker(issue: z.core.$ZodIssueInvalidUnion, path: KeyPath): readonly Finding[] {
  if (isRecord(issue.input)) {
    const ofMapping = issue.errors.at(-1) ?? [];
    return ofMapping.flatMap((inner) => describeIssue({ ...inner, path: [...path, ...inner.path] }));
  }
  const hint = 'Write `worker: auto` or `worker: { executors: 1, cores: 2, memory: 4GiB }`.';
  return [{ path, at: 'value', message: 'This is not a worker.', hint }];
}

function describeType(issue: z.core.$ZodIssue): Pick<Finding, 'message' | 'hint'> {
  const key = issue.path.length === 0 ? 'file' : String(issue.path.at(-1));
  const kind = 'expected' in issue && issue.expected === 'array' ? 'list' : 'mapping';
  if (issue.input === undefined)
    return { message: `The key \`${key}\` is missing.`, hint: `Add \`${key}:\` to the file.` };
  if (issue.input === null) return { message: 'This is empty.', hint: 'Give it a value, or remove the key.' };
  if (kind === 'list')
    return { message: 'This must be a list.', hint: `Write \`${key}: [one, two]\`, or a line with \`- \` for each.` };
  return {
    message: 'This must be a mapping of keys to values.',
    hint: `Write \`${key}:\` and indented lines of \`key: value\`.`,
  };
}

function describeUnknownKey(parent: KeyPath, key: string): Finding {
  const path = [...parent, key];
  if (isLaterKey(path)) return { path, at: 'key', message: laterMessage, hint: laterHint };
  return { path, at: 'key', message: 'There is no such key here.', hint: suggestPlace(parent, key) };
}

function suggestPlace(parent: KeyPath, key: string): string {
  const here = knownKeys[patternOf(parent)] ?? [];
  const later = listLaterKeys(parent);
  const near = suggestKey(key, [...here, ...later]);
  if (near !== null) return `Did you mean \`${near}\`?${later.includes(near) ? ' It is not yet supported.' : ''}`;
  const elsewhere = Object.entries(knownKeys).find(([, keys]) => keys.includes(key));
  if (elsewhere !== undefined) {
    const [pattern] = elsewhere;
    return pattern === ''
      ? `\`${key}\` stands at the top of the file.`
      : `It belongs under \`${pattern.replaceAll('*', 'NAME')}\`.`;
  }
  return `Known here: ${here.join(', ')}.`;
}

function patternOf(path: KeyPath): string {
  return path.map((part, index) => (path[0] === 'jobs' && (index === 1 || index === 3) ? '*' : part)).join('.');
}

function findMentions(
  data: Readonly<Record<string, unknown>>,
  place: (path: KeyPath) => string,
): readonly FileMention[] {
  const mentions: FileMention[] = [];
  const mention = (kind: FileMention['kind'], path: KeyPath, value: unknown): void => {
    const verdict = readProjectPath(value);
    if ('value' in verdict) mentions.push({ kind, path: verdict.value, place: place(path) });
  };
  const jobs = isRecord(data.jobs) ? data.jobs : {};
  for (const [name, job] of Object.entries(jobs)) if (isRecord(job)) mention('main', ['jobs', name, 'main'], job.main);
  mention('requirements', ['requirements'], data.requirements);
  const tls = isRecord(data.web) && isRecord(data.web.tls) ? data.web.tls : {};
  mention('certificate', ['web', 'tls', 'certificate'], tls.certificate);
  return mentions;
}

function toClusterConfig(file: ProjectFile): ClusterConfig {
  const { worker } = file.spark;
  return {
    name: file.name,
    jobs: Object.entries(file.jobs).map(([name, job]) => toJobConfig(name, job)),
    requirements: file.requirements,
    packages: file.packages,
    apt: file.apt,
    spark: {
      ...file.spark,
      worker:
        worker === 'auto' ? worker : { executors: worker.executors, cores: worker.cores, memoryMiB: worker.memory },
    },
    hdfs: file.hdfs,
    reserve: { memoryMiB: file.reserve.memory },
    web: file.web,
    images: file.images,
    runs: file.runs,
  };
}

function toJobConfig(name: string, job: ProjectFile['jobs'][string]): JobConfig {
  return {
    name,
    main: job.main,
    className: job.class,
    args: job.args,
    env: job.env,
    secrets: job.secrets,
    timeoutMs: job.timeout,
    retries: job.retries,
    schedule: toScheduleConfig(job),
    results: Object.entries(job.results).map(([resultName, { path, key, unique }]) => ({
      name: resultName,
      path,
      key,
      unique,
    })),
    ...(job.on_failure !== null && { onFailure: job.on_failure }),
    ...(job.on_success !== null && { onSuccess: job.on_success }),
  };
}

function toScheduleConfig(job: ProjectFile['jobs'][string]): ScheduleConfig | null {
  const { schedule, timezone, overlap, missed } = job;
  return schedule === null ? null : { cron: schedule, timezone, overlap, missed };
}

/** Problems from the top of the file to its end; those of flags first. */
export function sortByPlace(problems: readonly Problem[]): readonly Problem[] {
  return [...problems].sort((a, b) => {
    const [lineA, columnA] = positionOf(a);
    const [lineB, columnB] = positionOf(b);
    return lineA - lineB || columnA - columnB;
  });
}

function positionOf({ place }: Problem): readonly [number, number] {
  const match = /:(\d+):(\d+)(?: |$)/.exec(place);
  return [Number(match?.[1] ?? 0), Number(match?.[2] ?? 0)];
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
