// What a worker keeps of its executors: which it has or had, and what they wrote. Port 8081 of the worker's own address.
import { z } from 'zod';
import { type FetchOptions, fetchJson } from '../fetch-json.ts';

export interface WorkerExecutor {
  readonly application: string;
  readonly executor: string;
}

export interface ExecutorOutput {
  /** The end of the output, at most as much as was asked for. */
  readonly text: string;
  /** Of the whole output. */
  readonly totalBytes: number;
}

const Executors = z.array(z.object({ id: z.number().int().min(0), appid: z.string() }));
const Answer = z.object({ executors: Executors, finishedexecutors: Executors });

/** Executors that run, and those that ended (`spark.worker.ui.retainedExecutors`, 1000 by default). */
export async function readWorkerExecutors(baseUrl: string, options: FetchOptions): Promise<WorkerExecutor[]> {
  const { executors, finishedexecutors } = await fetchJson(`${baseUrl}/json/`, Answer, options);
  return [...executors, ...finishedexecutors].map(({ id, appid }) => ({ application: appid, executor: String(id) }));
}

/** How many executors run on the worker now. Throws plain errors. */
export async function countRunningExecutors(baseUrl: string, options: FetchOptions): Promise<number> {
  return (await fetchJson(`${baseUrl}/json/`, Answer, options)).executors.length;
}

/** The last `bytes` of one stream of an executor; null where the worker has it no longer. Throws plain errors. */
export async function readExecutorOutput(
  baseUrl: string,
  { application, executor }: WorkerExecutor,
  stream: 'stdout' | 'stderr',
  bytes: number,
  options: FetchOptions,
): Promise<ExecutorOutput | null> {
  const query = new URLSearchParams({
    appId: application,
    executorId: executor,
    logType: stream,
    byteLength: `${bytes}`,
  });
  const limit = AbortSignal.timeout(options.timeoutMs);
  const signal = options.signal === undefined ? limit : AbortSignal.any([limit, options.signal]);
  const answer = await fetch(`${baseUrl}/log/?${query}`, { signal, redirect: 'error' });
  const body = await answer.text();
  if (!answer.ok) throw new Error(`${baseUrl}/log/ answered ${answer.status}`);
  return parseOutput(body);
}

/** `==== Bytes FROM-TO of TOTAL of FILE ====`, then the text itself, or `Error: …` in its place. */
function parseOutput(body: string): ExecutorOutput | null {
  const head = /^==== Bytes (\d+)-(\d+) of (\d+) of .* ====\n/.exec(body);
  if (head === null) throw new Error('a worker answered something else than a log');
  const text = body.slice(head[0].length);
  const totalBytes = Number(head[3]);
  return totalBytes === 0 && text.startsWith('Error: ') ? null : { text, totalBytes };
}
