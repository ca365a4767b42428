// How the scheduler asks the components: by their names on the two networks, each question short.
import { lookup } from 'node:dns/promises';
import { connect } from 'node:net';
import { readNameNode } from '../adapters/namenode/name-node.ts';
import { readApplicationId, readExecutors, readSparkSettings, readStages } from '../adapters/spark/spark-driver.ts';
import { readMaster } from '../adapters/spark/spark-master.ts';
import { countRunningExecutors, readExecutorOutput, readWorkerExecutors } from '../adapters/spark/spark-worker.ts';
import type { ComponentProbes } from '../operations/cluster-health.ts';
import type { SparkView } from '../runs/run-context.ts';
import { isInside } from './container-network.ts';

export const nameNodeUrl = 'http://namenode:9870';
const masterUrl = 'http://spark-master:8080';
const driverUrl = (address: string): string => `http://${address}:${driverPort}`;
/** A component that needs longer is as good as silent; the next question comes soon. */
const timeoutMs = 2_000;
/**
 * The driver's REST API takes seconds for its first answer, and a question that is cut off leaves a stack trace in the
 * job's log: better a late answer. Questions to one driver follow each other, so none pile up.
 */
const driverTimeoutMs = 30_000;
export const driverPort = 4040;
const workerUrl = (address: string): string => `http://${address}:8081`;
/** A worker's first answer takes a while too; nobody waits for it. */
const workerTimeoutMs = 20_000;
const connectTimeoutMs = 1_000;

/** `web`: where web's internal port is now. */
export function createComponentProbes(dataSubnet: string, web: () => Promise<string>): ComponentProbes {
  return {
    namenode: () => orNull(readNameNode(nameNodeUrl, { timeoutMs })),
    master: () => orNull(readMaster(masterUrl, { timeoutMs })),
    web: async () => {
      const answer = await orNull(
        web().then((url) => fetch(`${url}/healthz`, { signal: AbortSignal.timeout(timeoutMs) })),
      );
      await answer?.body?.cancel();
      // Any answer but a failure shows that its event loop turns.
      return answer !== null && answer.status < 500;
    },
    address: (service) => addressOf([service], dataSubnet),
  };
}

export function createSparkView(): SparkView {
  return {
    master: (signal) => readMaster(masterUrl, { timeoutMs, signal }),
    listening: (address) => connects(address, driverPort),
    application: (address, signal) => readApplicationId(driverUrl(address), { timeoutMs: driverTimeoutMs, signal }),
    stages: (address, application, signal) =>
      readStages(driverUrl(address), application, { timeoutMs: driverTimeoutMs, signal }),
    settings: (address, application, signal) =>
      readSparkSettings(driverUrl(address), application, { timeoutMs: driverTimeoutMs, signal }),
    executors: (address, application, signal) =>
      readExecutors(driverUrl(address), application, { timeoutMs: driverTimeoutMs, signal }),
    workerExecutors: (worker, signal) => readWorkerExecutors(workerUrl(worker), { timeoutMs: workerTimeoutMs, signal }),
    executorOutput: (worker, executor, stream, bytes, signal) =>
      readExecutorOutput(workerUrl(worker), executor, stream, bytes, { timeoutMs: workerTimeoutMs, signal }),
  };
}

/** Executors that run on a worker of this name; null where it does not answer. */
export async function countExecutorsOf(
  worker: string,
  dataSubnet: string,
  signal: AbortSignal,
): Promise<number | null> {
  const address = await addressOf([worker], dataSubnet);
  if (address === null) return null;
  return await orNull(countRunningExecutors(workerUrl(address), { timeoutMs: workerTimeoutMs, signal }));
}

function connects(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: connectTimeoutMs });
    const end = (answer: boolean) => () => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', end(true)).once('error', end(false)).once('timeout', end(false));
  });
}

/** The first of the names' addresses inside the subnet: a container on both networks has two. */
export async function addressOf(names: readonly string[], subnet: string): Promise<string | null> {
  for (const name of names) {
    const found = await orNull(lookup(name, { all: true, family: 4 }));
    const inside = found?.find(({ address }) => isInside(address, subnet));
    if (inside !== undefined) return inside.address;
  }
  return null;
}

async function orNull<T>(question: Promise<T>): Promise<T | null> {
  try {
    return await question;
  } catch {
    return null;
  }
}
