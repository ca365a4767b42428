// Errors as `application/problem+json`: the catalogue's code, its HTTP status, the fix. Never a stack trace.
import { type ErrorCode, SparkPlugError } from '../errors.ts';
import type { ProblemDetails } from './schemas.ts';

export const problemType = 'application/problem+json; charset=utf-8';

/** Codes that are not a plain 500. */
const statuses: Readonly<Partial<Record<ErrorCode, number>>> = {
  USAGE: 400,
  CONFIG_INVALID: 400,
  REQUEST_INVALID: 400,
  RESULT_QUERY_INVALID: 400,
  HDFS_PATH_INVALID: 400,
  AUTH_REQUIRED: 401,
  LOGIN_CODE_INVALID: 401,
  SCOPE_MISSING: 403,
  LISTEN_LOCAL: 403,
  ORIGIN_REFUSED: 403,
  HOST_REFUSED: 403,
  HDFS_DENIED: 403,
  ROUTE_MISSING: 404,
  FILE_NOT_FOUND: 404,
  RESULT_NOT_FOUND: 404,
  RESULT_KEY_NOT_FOUND: 404,
  RESULT_NO_KEY: 404,
  RESULT_VERSION_GONE: 404,
  JOB_UNKNOWN: 404,
  COMPONENT_UNKNOWN: 404,
  RUN_UNKNOWN: 404,
  SCHEDULE_UNKNOWN: 404,
  LOG_MISSING: 404,
  APPLICATION_UNKNOWN: 404,
  TOKEN_UNKNOWN: 404,
  OPERATION_UNKNOWN: 404,
  METHOD_NOT_ALLOWED: 405,
  CLUSTER_BUSY: 409,
  MACHINE_UNKNOWN: 404,
  MACHINE_IS_CONDUCTOR: 409,
  MACHINE_IN_USE: 409,
  CLI_TOO_OLD: 409,
  NO_ROOM: 409,
  REPLICATION_IMPOSSIBLE: 409,
  DATANODE_HOLDS_DATA: 409,
  HDFS_NO_ROOM: 409,
  DATANODE_LOST: 409,
  FILE_EXISTS: 409,
  TOKEN_EXISTS: 409,
  TOKEN_LAST_ADMIN: 409,
  FOLDER_NOT_EMPTY: 409,
  FILE_WRONG_KIND: 409,
  REVISION_CONFLICT: 412,
  REQUEST_TOO_LARGE: 413,
  UPLOAD_BROKEN: 400,
  IDEMPOTENCY_CONFLICT: 422,
  RATE_LIMITED: 429,
  TOO_MANY_ATTEMPTS: 429,
  RESULT_MISSING: 422,
  RESULT_INCOMPLETE: 422,
  RESULT_NOT_PARQUET: 422,
  RESULT_KEY_MISSING: 422,
  RESULT_KEY_DUPLICATE: 422,
  RESULT_KEY_NULL: 422,
  RESULT_UNREADABLE: 422,
  HDFS_FAILED: 502,
  SCHEDULER_AWAY: 503,
  AGENT_AWAY: 503,
  CLUSTER_NOT_READY: 503,
  HDFS_AWAY: 503,
  SPARK_UI_AWAY: 503,
  HDFS_SAFE_MODE: 503,
  HDFS_FULL: 507,
  DISK_FULL: 507,
};

/** HTTP status of an error; 500 for what is a failure of the cluster itself. */
export function statusOf(code: ErrorCode): number {
  return statuses[code] ?? 500;
}

/** The problem of an error for the user; anything else is a bug, named by the request's id alone. */
export function toProblem(error: unknown, requestId: string): ProblemDetails {
  if (error instanceof SparkPlugError) return knownProblem(error);
  const failure = new SparkPlugError('INTERNAL', `the conductor met a bug of its own (request ${requestId})`, {
    hint: 'sparkplug logs web shows the cause; please report it',
  });
  return knownProblem(failure);
}

function knownProblem(error: SparkPlugError): ProblemDetails {
  return {
    type: `urn:sparkplug:error:${error.code}`,
    title: error.code,
    status: statusOf(error.code),
    code: error.code,
    detail: error.message,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    ...(error.problems.length === 0 ? {} : { problems: error.problems.map((problem) => ({ ...problem })) }),
  };
}
