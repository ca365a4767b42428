// What the schema cannot say: names chosen by the user, and keys that contradict each other.

import { refuseSecretName } from './secret-names.ts';
import { refuseSparkSetting } from './spark-settings.ts';
import type { KeyPath } from './yaml-source.ts';

/** A problem at a path of the file, not yet located in its text. */
export interface Finding {
  readonly path: KeyPath;
  readonly at: 'key' | 'value';
  readonly message: string;
  readonly hint?: string | undefined;
}

type Mapping = Readonly<Record<string, unknown>>;

/** Findings on plain data of any form: whatever is not of the expected type is left to the schema. */
export function checkNames(data: unknown): readonly Finding[] {
  const file = asMapping(data);
  return [...checkJobs(file), ...checkSparkConf(file), ...checkTls(file), ...checkReplication(file)];
}

function checkJobs(file: Mapping): readonly Finding[] {
  const jobs = Object.entries(asMapping(file.jobs));
  const project = typeof file.name === 'string' ? file.name : '';
  const findings: Finding[] = jobs.flatMap(([name, job]) => [
    ...checkJob(name, asMapping(job)),
    ...checkSecrets(['jobs', name, 'secrets'], asMapping(job).secrets, project),
    ...['on_failure', 'on_success'].flatMap((key) =>
      checkNotifySecret(['jobs', name, key, 'secret'], asMapping(asMapping(job)[key]).secret, project),
    ),
  ]);
  if (isMapping(file.jobs) && jobs.length === 0) {
    const hint = 'Write for example `jobs: { main: { main: src/main.py } }`.';
    findings.push({ path: ['jobs'], at: 'value', message: 'A project has at least one job.', hint });
  }
  return [...findings, ...checkResultNames(jobs)];
}

const jobName = /^[A-Za-z][A-Za-z0-9_-]{0,62}$/;
const nameHint = 'Use letters, digits, `_` and `-`, a letter first, 63 at most.';

function checkJob(name: string, job: Mapping): readonly Finding[] {
  const path = ['jobs', name];
  const findings: Finding[] = [];
  if (!jobName.test(name)) findings.push({ path, at: 'key', message: 'This is no name for a job.', hint: nameHint });
  const main = typeof job.main === 'string' ? job.main : '';
  const hasClass = job.class !== undefined && job.class !== null;
  if (main.endsWith('.jar') && !hasClass) {
    const hint = 'Add `class:`, for example `class: com.acme.Main`.';
    findings.push({ path: [...path, 'main'], at: 'value', message: 'A jar needs the name of its main class.', hint });
  }
  if (main.endsWith('.py') && hasClass) {
    findings.push({
      path: [...path, 'class'],
      at: 'key',
      message: 'A Python job has no main class.',
      hint: 'Remove `class`.',
    });
  }
  return [...findings, ...checkScheduleKeys(path, job), ...checkEnv([...path, 'env'], asMapping(job.env))];
}

/** Keys that say more about a schedule, where there is none. */
function checkScheduleKeys(path: KeyPath, job: Mapping): readonly Finding[] {
  if (job.schedule !== undefined && job.schedule !== null) return [];
  return ['timezone', 'overlap', 'missed'].flatMap((key): Finding[] => {
    if (job[key] === undefined) return [];
    const message = `\`${key}\` says nothing without \`schedule\`.`;
    return [{ path: [...path, key], at: 'key', message, hint: 'Add `schedule:`, or remove it.' }];
  });
}

function checkEnv(path: KeyPath, env: Mapping): readonly Finding[] {
  return Object.keys(env).flatMap((name): Finding[] => {
    const refusal = refuseEnvName(name);
    return refusal === null ? [] : [{ path: [...path, name], at: 'key', ...refusal }];
  });
}

const ownedEnv = /^(?:_?SPARK_.*|SPARKPLUG_.*|HADOOP_.*|JAVA_HOME|PATH|HOME|LD_PRELOAD|PYSPARK_.*)$/;

function refuseEnvName(name: string): Pick<Finding, 'message' | 'hint'> | null {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    return { message: 'This is no name for a variable.', hint: 'Use letters, digits and `_`, no digit first.' };
  }
  if (!ownedEnv.test(name)) return null;
  return {
    message: 'SparkPlug sets this variable itself.',
    hint: 'Choose another name; settings of Spark go under `spark.conf`.',
  };
}

function checkSecrets(path: KeyPath, list: unknown, project: string): readonly Finding[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((item: unknown, index): Finding[] => {
    if (typeof item !== 'string') return [];
    const isRepeated = list.indexOf(item) < index;
    const refusal = isRepeated
      ? { message: 'This is named twice.', hint: 'Remove one.' }
      : refuseSecretName(item, project);
    return refusal === null ? [] : [{ path: [...path, index], at: 'value', ...refusal }];
  });
}

function checkNotifySecret(path: KeyPath, name: unknown, project: string): readonly Finding[] {
  const refusal = typeof name === 'string' ? refuseSecretName(name, project) : null;
  return refusal === null ? [] : [{ path, at: 'value', ...refusal }];
}

function checkTls(file: Mapping): readonly Finding[] {
  const { listen, tls } = asMapping(file.web);
  if (!isMapping(tls)) return [];
  const { key } = tls;
  const project = typeof file.name === 'string' ? file.name : '';
  const refusal = typeof key === 'string' ? refuseSecretName(key, project) : null;
  const findings: Finding[] = refusal === null ? [] : [{ path: ['web', 'tls', 'key'], at: 'value', ...refusal }];
  if (listen === 'all') return findings;
  const hint = 'Write `web: { listen: all, tls: … }`, or remove `tls`.';
  return [...findings, { path: ['web', 'tls'], at: 'key', message: 'TLS is for other computers to connect.', hint }];
}

function checkResultNames(jobs: readonly (readonly [string, unknown])[]): readonly Finding[] {
  const owners = new Map<string, string>();
  const findings: Finding[] = [];
  for (const [job, definition] of jobs) {
    for (const name of Object.keys(asMapping(asMapping(definition).results))) {
      const path = ['jobs', job, 'results', name];
      const owner = owners.get(name);
      if (!jobName.test(name))
        findings.push({ path, at: 'key', message: 'This is no name for a result.', hint: nameHint });
      else if (owner !== undefined) {
        const message = `Job ${owner} has a result of this name too; names of results are unique in the project.`;
        findings.push({ path, at: 'key', message, hint: 'Rename one of the two.' });
      } else owners.set(name, job);
    }
  }
  return findings;
}

function checkSparkConf(file: Mapping): readonly Finding[] {
  return Object.keys(asMapping(asMapping(file.spark).conf)).flatMap((key): Finding[] => {
    const refusal = refuseSparkSetting(key);
    return refusal === null ? [] : [{ path: ['spark', 'conf', key], at: 'key', ...refusal }];
  });
}

function checkReplication(file: Mapping): readonly Finding[] {
  const { datanodes, replication } = asMapping(file.hdfs);
  if (typeof datanodes !== 'number' || typeof replication !== 'number' || replication <= datanodes) return [];
  const message = `${replication} replicas of a file need ${replication} DataNodes.`;
  const hint = `Set \`replication: ${datanodes}\` or \`auto\`, or \`datanodes: ${replication}\`.`;
  return [{ path: ['hdfs', 'replication'], at: 'value', message, hint }];
}

function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function asMapping(value: unknown): Mapping {
  return isMapping(value) ? value : {};
}
