// Every error a user can meet: a code, what happened, where, the value met, and the fix. Bugs stay plain Error.

/** Exit codes of the command line: 1 failed, 2 wrong use or bad configuration, 3 the cluster cannot be reached. */
export type ExitCode = 1 | 2 | 3;

interface CatalogueEntry {
  readonly exit: ExitCode;
  /** One line for docs/errors.md; a test keeps the page in step with this table. */
  readonly meaning: string;
}

/** The error catalogue. docs/errors.md explains each code; `errors.test.ts` compares the two. */
export const catalogue = {
  USAGE: { exit: 2, meaning: 'The command line itself is wrong: an unknown verb, flag or argument.' },
  CONFIG_UNREADABLE: { exit: 2, meaning: 'The project file cannot be read.' },
  CONFIG_INVALID: { exit: 2, meaning: 'The project file has problems; all of them are listed at once.' },
  PROJECT_MISSING: { exit: 2, meaning: 'There is no sparkplug.yaml in this folder or above it.' },
  PROJECT_STATE_DAMAGED: { exit: 1, meaning: 'The file that ties this folder to its cluster cannot be read.' },
  USER_FOLDER_UNUSABLE: { exit: 1, meaning: "The user's folder with the token and the secrets cannot be used." },
  SECRET_INVALID: { exit: 2, meaning: 'The name or the content of a secret cannot be.' },
  CLUSTER_UNREACHABLE: { exit: 3, meaning: 'The cluster does not answer at its published port.' },
  CLUSTER_NOT_UP: { exit: 3, meaning: 'The project has no cluster yet; `sparkplug up` makes it.' },
  CLUSTER_BUSY: { exit: 1, meaning: 'Another operation is changing the cluster.' },
  NO_ROOM: { exit: 1, meaning: 'No machine has room for one worker or for the conductor.' },
  MACHINE_UNKNOWN: { exit: 2, meaning: 'The cluster has no machine of this name.' },
  MACHINE_IS_CONDUCTOR: { exit: 2, meaning: "The conductor's machine cannot be drained or removed." },
  MACHINE_IN_USE: { exit: 1, meaning: 'Containers still stand on the machine that is to be removed.' },
  SSH_UNREACHABLE: { exit: 1, meaning: 'A machine cannot be reached over SSH.' },
  SSH_REFUSED: { exit: 1, meaning: 'A machine does not let this user in over SSH.' },
  HOST_KEY_UNKNOWN: { exit: 1, meaning: 'The SSH host key of a machine was never seen here.' },
  HOST_KEY_CHANGED: { exit: 1, meaning: 'A machine shows another SSH host key than the known one.' },
  SUDO_MISSING: { exit: 1, meaning: 'The user on a machine may not become root without a password.' },
  MACHINE_UNFIT: {
    exit: 1,
    meaning: 'A machine cannot be set up: its system, its disk or its Docker Engine is in the way.',
  },
  MACHINES_FAILED: { exit: 1, meaning: 'Several machines at once could not be added; each says why.' },
  PORT_TAKEN: { exit: 1, meaning: 'The port for `web` is used by something else on this machine.' },
  NAME_TAKEN: { exit: 1, meaning: 'Another project of the same name has a cluster on this engine.' },
  COMPONENT_CRASHING: { exit: 1, meaning: 'A component stops again and again, so the cluster cannot become ready.' },
  CLUSTER_NOT_READY: { exit: 1, meaning: 'The cluster was started but did not become ready in time.' },
  OPERATION_FAILED: { exit: 1, meaning: 'The scheduler could not carry out a change of the cluster.' },
  JOB_UNKNOWN: { exit: 2, meaning: 'The project file has no job of this name.' },
  COMPONENT_UNKNOWN: { exit: 2, meaning: 'The cluster has no component of this name.' },
  SECRET_MISSING: { exit: 2, meaning: 'A job names a secret that was never set on this computer.' },
  FILE_EXISTS: { exit: 1, meaning: 'A file that would be overwritten is there already.' },
  FILE_MISSING: { exit: 2, meaning: 'A local file or folder that was named does not exist or cannot be read.' },
  CLI_TOO_OLD: { exit: 2, meaning: 'The cluster runs a newer SparkPlug than this command line.' },
  NODE_TOO_OLD: {
    exit: 2,
    meaning: 'The Node that starts SparkPlug is too old and no newer one was installed beside it.',
  },
  NOT_BUILT: { exit: 2, meaning: 'This copy of SparkPlug has not been built.' },
  API_FAILED: { exit: 1, meaning: 'The cluster answered something this command line does not understand.' },
  INTERNAL: { exit: 1, meaning: 'The conductor met a bug of its own.' },
  AUTH_REQUIRED: { exit: 1, meaning: 'The request carries no valid token.' },
  SCOPE_MISSING: { exit: 1, meaning: 'The token is valid but may not do this.' },
  LISTEN_LOCAL: { exit: 1, meaning: 'The request comes from another computer while the project listens locally only.' },
  ROUTE_MISSING: { exit: 1, meaning: 'There is no such route in the REST API.' },
  METHOD_NOT_ALLOWED: { exit: 1, meaning: 'The route exists, but not with this method.' },
  REQUEST_INVALID: { exit: 2, meaning: 'The request is malformed.' },
  REQUEST_TOO_LARGE: { exit: 1, meaning: "The request's headers or body are larger than this route takes." },
  RATE_LIMITED: { exit: 1, meaning: 'Too many requests in a short time; the answer says how long to wait.' },
  TOO_MANY_ATTEMPTS: { exit: 1, meaning: 'Too many wrong tokens or log-in codes came from this address.' },
  ORIGIN_REFUSED: { exit: 1, meaning: "A browser's log-in was used by a page that is not the dashboard." },
  HOST_REFUSED: { exit: 1, meaning: "The request is for a host name that is not this computer's own." },
  TOKEN_UNKNOWN: { exit: 1, meaning: 'The cluster has no token of this name.' },
  TOKEN_EXISTS: { exit: 1, meaning: 'There is a token of this name already.' },
  TOKEN_LAST_ADMIN: { exit: 1, meaning: 'Without this token nobody could administer the cluster.' },
  LOGIN_CODE_INVALID: { exit: 1, meaning: 'The log-in link was used already, is too old, or never was one.' },
  CERTIFICATE_INVALID: { exit: 2, meaning: 'Certificate and key for TLS cannot be used.' },
  CERTIFICATE_MISMATCH: { exit: 3, meaning: 'What answers shows another certificate than the cluster was given.' },
  SCHEDULER_AWAY: { exit: 3, meaning: 'The scheduler does not answer; results and files are still served.' },
  HDFS_AWAY: { exit: 1, meaning: 'The NameNode or a DataNode does not answer.' },
  HDFS_SAFE_MODE: { exit: 1, meaning: 'HDFS is in safe mode: readable, not yet writable.' },
  HDFS_FULL: { exit: 1, meaning: 'HDFS has no room for this file.' },
  HDFS_DENIED: { exit: 1, meaning: 'HDFS does not permit this.' },
  HDFS_FAILED: { exit: 1, meaning: 'HDFS refused the request for another reason, which the message carries.' },
  HDFS_PATH_INVALID: { exit: 2, meaning: 'This is not a usable path in HDFS.' },
  FILE_NOT_FOUND: { exit: 1, meaning: 'There is no such file or folder in HDFS.' },
  FOLDER_NOT_EMPTY: { exit: 1, meaning: 'The folder has content and removing it was not asked for.' },
  FILE_WRONG_KIND: { exit: 1, meaning: 'A file was needed and a folder is there, or the other way round.' },
  UPLOAD_BROKEN: { exit: 1, meaning: 'The upload ended before the whole file had arrived; nothing was stored.' },
  RESULT_MISSING: { exit: 1, meaning: 'The run did not write a result that its job promises.' },
  RESULT_INCOMPLETE: { exit: 1, meaning: 'The run left a half-written result.' },
  RESULT_NOT_PARQUET: { exit: 1, meaning: "The result's path holds something else than Parquet." },
  RESULT_KEY_MISSING: { exit: 1, meaning: 'The result has no column of the name given as `key`.' },
  RESULT_KEY_DUPLICATE: { exit: 1, meaning: 'Several rows of the result share a key.' },
  RESULT_KEY_NULL: { exit: 1, meaning: 'Some rows of the result have no key.' },
  RESULT_UNREADABLE: { exit: 1, meaning: 'A file of the result cannot be read as Parquet or does not fit the others.' },
  RESULT_NOT_FOUND: { exit: 1, meaning: 'No result of this name is served.' },
  RESULT_KEY_NOT_FOUND: { exit: 1, meaning: 'The result has no row with this key.' },
  RESULT_NO_KEY: { exit: 1, meaning: 'The result was published without a key and is served as a table only.' },
  RESULT_VERSION_GONE: { exit: 1, meaning: 'The version of this run is not kept.' },
  RESULT_QUERY_INVALID: { exit: 2, meaning: 'The query of a result names a column or value that cannot be.' },
  DOCKER_MISSING: { exit: 1, meaning: 'Docker is not installed on this computer.' },
  DOCKER_NOT_RUNNING: { exit: 1, meaning: 'The Docker engine does not answer.' },
  DOCKER_STUCK: { exit: 1, meaning: 'The Docker engine took a call and gave no answer.' },
  DOCKER_NOT_PERMITTED: { exit: 1, meaning: 'This user may not use the Docker engine.' },
  DOCKER_TOO_OLD: { exit: 1, meaning: 'The Docker engine or its client is too old.' },
  DOCKER_CONTEXT_MISSING: { exit: 2, meaning: 'There is no Docker context of this name.' },
  DOCKER_FAILED: { exit: 1, meaning: 'Docker refused a command for another reason, which the message carries.' },
  SWARM_UNUSABLE: { exit: 1, meaning: "The engine's Swarm is locked, broken, or this machine is no manager of it." },
  MACHINE_UNUSABLE: { exit: 1, meaning: 'A machine of the Swarm cannot start the containers of the cluster.' },
  AGENT_AWAY: { exit: 1, meaning: 'The agent of a machine does not answer.' },
  SWARM_ADDRESS_NEEDED: { exit: 2, meaning: 'Nothing tells at which address other machines reach this one.' },
  LAB_MISSING: { exit: 2, meaning: 'The project has no lab.' },
  LAB_DIFFERS: { exit: 2, meaning: 'The lab has other machines than those asked for.' },
  LAB_TOO_LARGE: { exit: 1, meaning: 'This computer has too few cores or too little memory for the lab.' },
  LAB_MACHINE_UNKNOWN: { exit: 2, meaning: 'The lab has no machine of this name.' },
  LAB_MACHINE_FAILED: { exit: 1, meaning: 'A machine of the lab does not boot, join or do what it is told.' },
  LAB_LINK_UNSUPPORTED: { exit: 1, meaning: 'The kernel of this computer cannot shape links so.' },
  AWS_NO_CREDENTIALS: { exit: 2, meaning: 'There are no credentials for AWS, or AWS does not take them.' },
  AWS_NO_REGION: { exit: 2, meaning: 'No region of AWS is chosen, or there is none of this name.' },
  AWS_DENIED: { exit: 1, meaning: 'The credentials for AWS do not permit an action, which the message names.' },
  AWS_QUOTA: { exit: 1, meaning: 'A quota of the AWS account is too low.' },
  AWS_TYPE_UNKNOWN: { exit: 2, meaning: 'AWS has no instance type of this name in the region.' },
  AWS_TYPE_UNAVAILABLE: { exit: 1, meaning: 'AWS has no machine of this type to give here now.' },
  AWS_NO_DEFAULT_VPC: { exit: 2, meaning: 'There is no default VPC or subnet, or none of the name given.' },
  AWS_KEY_MISSING: { exit: 2, meaning: 'The SSH key for the machines on AWS is not there or does not fit.' },
  AWS_IMAGE_MISSING: { exit: 1, meaning: 'A machine image is not there or belongs to another account.' },
  AWS_INSTANCE_SILENT: { exit: 1, meaning: 'A machine on AWS was started and never reported.' },
  AWS_OTHER_ACCOUNT: { exit: 2, meaning: 'The credentials are of another AWS account than the cluster.' },
  AWS_LEFT_BEHIND: { exit: 1, meaning: 'Something on AWS could not be removed.' },
  AWS_NO_CLUSTER: { exit: 2, meaning: 'The project has nothing on AWS in this region.' },
  AWS_FAILED: { exit: 1, meaning: 'AWS refused a request for another reason, which the message carries.' },
  AWS_UNREACHABLE: { exit: 3, meaning: 'AWS does not answer.' },
  SETUP_NOT_ALLOWED: { exit: 1, meaning: 'Something must be installed or started, and this user may not.' },
  SETUP_FAILED: { exit: 1, meaning: 'Installing or starting Docker failed.' },
  REGISTRY_UNREACHABLE: { exit: 1, meaning: 'The image registry does not answer.' },
  REGISTRY_UNAUTHORIZED: { exit: 1, meaning: 'The image registry refuses this user.' },
  IMAGE_MISSING: { exit: 1, meaning: 'An image is neither here nor in the registry, and building it is switched off.' },
  IMAGE_BUILD_FAILED: { exit: 1, meaning: 'An image could not be built.' },
  BASE_IMAGE_FAILED: { exit: 1, meaning: "Debian's base image can be neither pulled nor made on this computer." },
  REQUIREMENT_FAILED: { exit: 1, meaning: 'A Python requirement of the project cannot be installed.' },
  PACKAGE_FAILED: { exit: 1, meaning: 'A JVM package of the project cannot be resolved.' },
  APT_FAILED: { exit: 1, meaning: 'A Debian package of the project cannot be installed.' },
  CODE_TOO_LARGE: { exit: 2, meaning: "The project's folder is too large to be copied into an image." },
  DISK_FULL: {
    exit: 1,
    meaning: "A disk that SparkPlug needs is full: Docker's data folder or the conductor's volume.",
  },
  NO_SUBNET: { exit: 1, meaning: 'No private address range is free for the networks of the cluster.' },
  REMOVAL_STUCK: { exit: 1, meaning: 'Something of the cluster could not be removed in time.' },
  REPLICATION_IMPOSSIBLE: { exit: 1, meaning: 'Too few DataNodes would stay for the copies that files have.' },
  DATANODE_HOLDS_DATA: { exit: 1, meaning: 'The change would remove a DataNode together with the blocks it holds.' },
  HDFS_NO_ROOM: { exit: 1, meaning: 'The DataNodes that stay have no room for the blocks of those that go.' },
  DATANODE_LOST: { exit: 1, meaning: 'A DataNode died before its blocks were copied, and some have no other copy.' },
  WEB_AWAY: { exit: 1, meaning: 'Web does not answer the scheduler.' },
  JOB_FILE_MISSING: { exit: 2, meaning: "The job's file is not in the image of the run." },
  JOB_REFUSED: { exit: 2, meaning: 'The driver does not take the job as it is defined.' },
  SCHEDULE_UNKNOWN: { exit: 2, meaning: 'The job has no schedule.' },
  RUN_UNKNOWN: { exit: 1, meaning: 'There is no run of this id.' },
  LOG_MISSING: { exit: 1, meaning: 'The run has no log of this name.' },
  APPLICATION_UNKNOWN: { exit: 1, meaning: 'No run that is kept has this Spark application.' },
  SPARK_UI_AWAY: { exit: 1, meaning: "One of Spark's own pages does not answer." },
  RUN_FAILED: { exit: 1, meaning: 'The job exited with another code than 0.' },
  RUN_TIMED_OUT: { exit: 1, meaning: 'The job ran longer than its timeout.' },
  RUN_CANCELLED: { exit: 1, meaning: 'The run was cancelled.' },
  RUN_OUT_OF_MEMORY: { exit: 1, meaning: "The job needed more memory than the driver's container has." },
  RUN_CANNOT_GET_EXECUTORS: { exit: 1, meaning: 'No worker will ever have room for one executor of this run.' },
  DRIVER_LOST: { exit: 1, meaning: 'The container of the run disappeared before the job had ended.' },
  DRIVER_UNAVAILABLE: { exit: 1, meaning: 'No driver container took the run in time.' },
  OPERATION_UNKNOWN: { exit: 1, meaning: 'There is no operation of this id.' },
  REVISION_CONFLICT: { exit: 1, meaning: 'Someone else has changed the cluster since.' },
  IDEMPOTENCY_CONFLICT: { exit: 2, meaning: 'An idempotency key was used again for another request.' },
  STATE_CORRUPT: { exit: 1, meaning: "The scheduler's database cannot be read." },
  STATE_TOO_NEW: { exit: 1, meaning: "The scheduler's database was written by a newer SparkPlug." },
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof catalogue;

/** True for a code that this version knows; another version's conductor may send others. */
export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(catalogue, code);
}

/** One finding about one place: the message says what, `place` where, `met` the value, `hint` the fix. */
export interface Problem {
  readonly place: string;
  readonly met?: string;
  readonly message: string;
  readonly hint?: string;
}

interface ErrorDetails {
  /** Where: a path in the project file, a flag, a container. */
  readonly place?: string;
  /** The value met there, as text. */
  readonly met?: string;
  /** The fix: a command or an edit. */
  readonly hint?: string;
  /** All findings, where several are reported in one go. */
  readonly problems?: readonly Problem[];
  readonly cause?: unknown;
}

/** An error for the user. Shells print it; nothing below a shell prints or exits. */
export class SparkPlugError extends Error {
  readonly code: ErrorCode;
  readonly place: string | undefined;
  readonly met: string | undefined;
  readonly hint: string | undefined;
  readonly problems: readonly Problem[];

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'SparkPlugError';
    this.code = code;
    this.place = details.place;
    this.met = details.met;
    this.hint = details.hint;
    this.problems = details.problems ?? [];
  }

  /** The exit code of the command line for this error. */
  get exitCode(): ExitCode {
    return catalogue[this.code].exit;
  }
}
