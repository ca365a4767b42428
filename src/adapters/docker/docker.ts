// Docker as the rest of SparkPlug sees it: small typed calls, each a process of the docker client, errors with our codes.
import type { Readable } from 'node:stream';
import { createContainerCalls } from './container-calls.ts';
import { createDockerClient } from './docker-client.ts';
import { createEngineCalls } from './engine-calls.ts';
import { createImageCalls } from './image-calls.ts';
import { createServiceCalls } from './service-calls.ts';
import { createStorageCalls } from './storage-calls.ts';
import { createSwarmCalls } from './swarm-calls.ts';

/** Label and value; null for "has the label, whatever its value". All must hold. */
export type LabelFilter = Readonly<Record<string, string | null>>;
export type Labels = Readonly<Record<string, string>>;

export interface CallOptions {
  /** Aborted: the client's process is ended and the call throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

export interface RunOptions extends CallOptions {
  /** Text for standard input; without it standard input is closed. */
  readonly input?: string;
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Milliseconds until a call without an answer is given up; null: it waits for something and may take any time. */
  readonly answerWithinMs?: number | null;
}

export interface StreamOptions extends RunOptions {
  /** Both streams as one, in the order they were written; each line then counts as standard output. */
  readonly merged?: boolean;
}

export interface StreamLine {
  readonly line: string;
  readonly source: 'stdout' | 'stderr';
}

export interface CommandResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** `error` is a Swarm that lost its managers or whose address is gone. */
export type SwarmState = 'inactive' | 'pending' | 'active' | 'locked' | 'error';

export interface EngineInfo {
  /** Version of the engine, `20.10.24+dfsg1` as it says itself. */
  readonly version: string;
  readonly apiVersion: string;
  readonly clientVersion: string;
  readonly cores: number;
  readonly memoryMiB: number;
  /** As in OCI platforms: `amd64`, `arm64`. */
  readonly arch: string;
  /** Host name of the engine's machine. */
  readonly name: string;
  readonly rootDir: string;
  /** False where the kernel cannot limit a container's memory. */
  readonly memoryLimit: boolean;
  readonly rootless: boolean;
  readonly swarm: {
    readonly state: SwarmState;
    /** Empty without a Swarm. */
    readonly nodeId: string;
    readonly manager: boolean;
    /** What the engine says is wrong with its Swarm, empty for nothing. */
    readonly error: string;
  };
}

export interface BuildRequest extends CallOptions {
  readonly contextDir: string;
  /** Path of the Dockerfile, inside the context or not. */
  readonly dockerfile: string;
  readonly tag: string;
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly labels: Labels;
  /** Every line the builder prints. */
  readonly onLine?: (line: string) => void;
}

export interface TransferOptions extends CallOptions {
  readonly onLine?: (line: string) => void;
  /** Folder of the client's settings for this call, with the log-in of a registry. */
  readonly dockerConfig?: string | undefined;
}

export interface ImageSummary {
  /** `sha256:…` */
  readonly id: string;
  readonly tags: readonly string[];
  /** `repository@sha256:…` of registries it was pulled from or pushed to. */
  readonly digests: readonly string[];
  readonly labels: Labels;
  readonly createdAt: string;
  readonly sizeBytes: number;
}

export interface SwarmInitRequest {
  readonly advertiseAddress: string;
  readonly listenAddress: string;
  /** CIDR from which networks without a subnet of their own get theirs. */
  readonly addressPool: string | null;
  /** Prefix length of each such network. */
  readonly addressPoolSize: number;
  readonly taskHistoryLimit: number;
}

export interface SwarmNode {
  readonly id: string;
  readonly hostname: string;
  readonly cores: number;
  readonly memoryMiB: number;
  readonly labels: Labels;
  /** Of its engine's own settings; the Swarm cannot change them. */
  readonly engineLabels: Labels;
  readonly manager: boolean;
  readonly ready: boolean;
  /** Takes tasks: neither drained nor paused. */
  readonly active: boolean;
}

export interface Resources {
  readonly cores: number;
  readonly memoryMiB: number;
}

export interface ServiceInspect {
  readonly id: string;
  readonly name: string;
  readonly labels: Labels;
  readonly image: string;
  readonly constraints: readonly string[];
  readonly reservations: Resources;
  readonly limits: Resources;
  /** Null for a global service. */
  readonly replicas: number | null;
  /** Published ports, in either mode. */
  readonly publishedPorts: readonly number[];
  /** `completed`, `updating`, `paused`, `rollback_…`; null where it was never updated. */
  readonly updateState: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface TaskInspect {
  readonly id: string;
  readonly serviceId: string;
  readonly slot: number | null;
  readonly nodeId: string | null;
  /** `running`, `failed`, `pending`, … */
  readonly state: string;
  readonly desiredState: string;
  /** The scheduler's words on a pending task, e.g. "no suitable node (insufficient resources on 1 node)". */
  readonly message: string;
  readonly error: string | null;
  readonly containerId: string | null;
  readonly exitCode: number | null;
  readonly image: string;
  /** Labels of its container, as the service had them when the task was made. */
  readonly labels: Labels;
  readonly reservations: Resources;
  readonly createdAt: string;
  /** When `state` was reached. */
  readonly stateAt: string;
}

export interface ContainerInspect {
  readonly id: string;
  readonly name: string;
  readonly image: string;
  readonly imageId: string;
  readonly labels: Labels;
  /** `running`, `exited`, `created`, … */
  readonly status: string;
  readonly running: boolean;
  readonly exitCode: number;
  readonly oomKilled: boolean;
  readonly error: string;
  /** `starting`, `healthy`, `unhealthy`; null without a health check. */
  readonly health: string | null;
  /** Process id of PID 1 on the machine, 0 when not running. */
  readonly pid: number;
  readonly createdAt: string;
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly addresses: readonly { readonly network: string; readonly address: string }[];
}

export interface LogOptions extends CallOptions {
  readonly follow?: boolean;
  /** Last lines only. */
  readonly tail?: number;
  /** RFC 3339 time or a Unix time in seconds. */
  readonly since?: string;
  /** Each line begins with its RFC 3339 time and a space. */
  readonly timestamps?: boolean;
}

export interface StorageItem {
  readonly id: string;
  readonly name: string;
  readonly labels: Labels;
}

export interface NetworkInspect extends StorageItem {
  readonly driver: string;
  readonly scope: string;
  readonly subnets: readonly string[];
}

/** What a command prints, as it comes; its exit code last. */
export type PipedOutput =
  | { readonly kind: 'output'; readonly source: 'stdout' | 'stderr'; readonly bytes: Uint8Array }
  | { readonly kind: 'exit'; readonly exitCode: number };

export interface PipeOptions extends CallOptions {
  /** Standard input; without it standard input is closed. */
  readonly input?: Readable | undefined;
}

/** Raw calls, for what has no method of its own. */
export interface DockerClient {
  /** Standard output without its final newline. */
  run(args: readonly string[], options?: RunOptions): Promise<string>;
  /** Like `run`, but a failing exit code is a value: only a missing client or an abort throws. */
  tryRun(args: readonly string[], options?: RunOptions): Promise<CommandResult>;
  /** Lines as they come; throws at the end when the client failed. Leaving the loop ends the process. */
  stream(args: readonly string[], options?: StreamOptions): AsyncIterable<StreamLine>;
  /** Bytes as they come, then the exit code, whatever it is. Leaving the loop ends the process. */
  pipe(args: readonly string[], options?: PipeOptions): AsyncIterable<PipedOutput>;
  /** This process's own terminal or pipes; returns the exit code. */
  attach(args: readonly string[], options?: CallOptions): Promise<number>;
}

export interface EngineCalls {
  info(options?: CallOptions): Promise<EngineInfo>;
  /** Asks what needs the engine's locks; DOCKER_STUCK when it does not answer within `withinMs`, 20 s by default. */
  probe(withinMs?: number): Promise<void>;
  /** True where `docker stack deploy` exists. */
  hasStackDeploy(): Promise<boolean>;
}

export interface ImageCalls {
  /** The image's id, null when it is not on this engine. */
  imageId(ref: string): Promise<string | null>;
  inspectImage(ref: string): Promise<ImageSummary | null>;
  build(request: BuildRequest): Promise<void>;
  pull(ref: string, options?: TransferOptions): Promise<void>;
  push(ref: string, options?: TransferOptions): Promise<void>;
  tag(source: string, target: string): Promise<void>;
  /** `in-use`: a container or another tag needs it, nothing was removed. */
  removeImage(ref: string): Promise<'removed' | 'missing' | 'in-use'>;
  /** Newest first. */
  listImages(filter: LabelFilter): Promise<readonly ImageSummary[]>;
}

export interface SwarmCalls {
  swarmInit(request: SwarmInitRequest): Promise<void>;
  /** Leaves by force: this node may be the only manager. */
  swarmLeave(): Promise<void>;
  nodes(): Promise<readonly SwarmNode[]>;
  labelNode(nodeId: string, labels: Labels): Promise<void>;
  /** Also a node that still answers; its containers go once it leaves by itself. */
  removeNode(nodeId: string): Promise<void>;
}

export interface ServiceCalls {
  services(filter: LabelFilter): Promise<readonly ServiceInspect[]>;
  /** Like `logs` of its container, on whatever machine of the Swarm that is. */
  taskLogs(id: string, options?: LogOptions): AsyncIterable<string>;
  /** All tasks that the Swarm remembers of these services, newest first. */
  tasks(serviceIds: readonly string[]): Promise<readonly TaskInspect[]>;
  stackDeploy(request: {
    readonly namespace: string;
    readonly composeFile: string;
    readonly cwd?: string;
    readonly signal?: AbortSignal | undefined;
    /** Folder of the client's settings, whose log-ins the machines get to pull with. */
    readonly dockerConfig?: string | undefined;
  }): Promise<void>;
  /** Services, networks, configs and secrets of the stack, not volumes. A stack that is not there is no error. */
  stackRemove(namespace: string): Promise<void>;
  removeService(nameOrId: string): Promise<void>;
  /** Replaces a service's containers by equal ones, without waiting for them. */
  restartService(nameOrId: string): Promise<void>;
}

export interface ContainerCalls {
  /** `all`: stopped ones too. */
  containers(query: { readonly labels: LabelFilter; readonly all?: boolean }): Promise<readonly ContainerInspect[]>;
  inspectContainer(id: string): Promise<ContainerInspect | null>;
  /** Standard output and error in the order they were written. Ends without an error when the signal aborts. */
  logs(id: string, options?: LogOptions): AsyncIterable<string>;
  /** Throws only when the command could not be started; its own failure is an exit code. */
  exec(
    id: string,
    command: readonly string[],
    options?: { readonly input?: string; readonly user?: string; readonly signal?: AbortSignal | undefined },
  ): Promise<CommandResult>;
  /** Without a terminal; what the command itself fails with is its exit code. */
  execPiped(id: string, command: readonly string[], options?: PipeOptions): AsyncIterable<PipedOutput>;
  /** With this process's own standard streams; `tty` where they are a terminal. Returns the exit code. */
  execAttached(id: string, command: readonly string[], options: { readonly tty: boolean }): Promise<number>;
  kill(id: string, signal: string): Promise<void>;
  /** Waits until the container stops; its exit code. */
  wait(id: string, options?: CallOptions): Promise<number>;
  /** Ends it by force if it runs; one that is gone is no error. */
  removeContainer(id: string): Promise<void>;
}

export interface StorageCalls {
  volumes(filter: LabelFilter): Promise<readonly StorageItem[]>;
  removeVolume(name: string): Promise<void>;
  networks(filter: LabelFilter): Promise<readonly NetworkInspect[]>;
  removeNetwork(nameOrId: string): Promise<void>;
  /** CIDRs of every network of this engine, whoever made it. */
  networkSubnets(): Promise<readonly string[]>;
  configs(filter: LabelFilter): Promise<readonly StorageItem[]>;
  /** A config of this name that exists is left as it is: names carry a hash of the content. */
  createConfig(name: string, content: string, labels: Labels): Promise<void>;
  removeConfig(nameOrId: string): Promise<void>;
  secrets(filter: LabelFilter): Promise<readonly StorageItem[]>;
  /** The content goes through standard input, never a command line. An existing name is left as it is. */
  createSecret(name: string, content: string, labels: Labels): Promise<void>;
  removeSecret(nameOrId: string): Promise<void>;
}

/**
 * One Docker engine. Removing what is not there is no error anywhere.
 * Errors: DOCKER_MISSING, DOCKER_NOT_RUNNING, DOCKER_STUCK, DOCKER_NOT_PERMITTED, DOCKER_TOO_OLD,
 * DOCKER_CONTEXT_MISSING, SWARM_UNUSABLE, REGISTRY_UNREACHABLE, REGISTRY_UNAUTHORIZED,
 * IMAGE_MISSING, DISK_FULL, else DOCKER_FAILED with what the client said.
 */
export interface Docker
  extends DockerClient,
    EngineCalls,
    ImageCalls,
    SwarmCalls,
    ServiceCalls,
    ContainerCalls,
    StorageCalls {
  /** The context given, null for the client's own choice (DOCKER_HOST, DOCKER_CONTEXT, `docker context use`). */
  readonly context: string | null;
}

export interface DockerOptions {
  readonly context?: string | null | undefined;
  /** The client's program, `docker` from the PATH by default. */
  readonly program?: string;
  /** How long a call may go unanswered that says nothing else, 2 minutes by default. */
  readonly answerWithinMs?: number;
}

/** Calls nothing yet: the first call finds out whether Docker is there. */
export function createDocker(options: DockerOptions = {}): Docker {
  const context = options.context ?? null;
  const client = createDockerClient({
    program: options.program ?? 'docker',
    context,
    answerWithinMs: options.answerWithinMs,
  });
  return {
    context,
    ...client,
    ...createEngineCalls(client),
    ...createImageCalls(client, context),
    ...createSwarmCalls(client),
    ...createServiceCalls(client),
    ...createContainerCalls(client),
    ...createStorageCalls(client),
  };
}
