// What WebHDFS's exceptions mean to a user.
import { z } from 'zod';
import { type ErrorCode, SparkPlugError } from '../../errors.ts';

const RemoteException = z.object({ RemoteException: z.object({ exception: z.string(), message: z.string() }) });

interface Meaning {
  readonly code: ErrorCode;
  readonly message: (path: string) => string;
  readonly hint?: string;
}

const away: Meaning = {
  code: 'HDFS_AWAY',
  message: () => 'HDFS has no DataNode to serve the file now',
  hint: 'sparkplug status',
};
const full: Meaning = {
  code: 'HDFS_FULL',
  message: (path) => `HDFS has no room for ${path}`,
  hint: 'sparkplug hdfs du /',
};
const exists: Meaning = {
  code: 'FILE_EXISTS',
  message: (path) => `${path} exists already`,
  hint: 'choose another name, or overwrite it with --overwrite (over REST: ?overwrite=true)',
};

/** By the exception's simple class name. */
const meanings: Readonly<Record<string, Meaning>> = {
  FileNotFoundException: {
    code: 'FILE_NOT_FOUND',
    message: (path) => `${path} is not in HDFS`,
    hint: 'sparkplug hdfs ls shows what is there',
  },
  SafeModeException: {
    code: 'HDFS_SAFE_MODE',
    message: () => 'HDFS is in safe mode and takes no changes yet',
    hint: 'try again in a few seconds; `sparkplug status` shows whether a DataNode is missing',
  },
  StandbyException: away,
  NoRouteToHostException: away,
  ConnectException: away,
  FileAlreadyExistsException: exists,
  PathIsNotEmptyDirectoryException: {
    code: 'FOLDER_NOT_EMPTY',
    message: (path) => `the folder ${path} is not empty`,
    hint: 'remove it with --recursive (over REST: ?recursive=true)',
  },
  ParentNotDirectoryException: {
    code: 'FILE_WRONG_KIND',
    message: (path) => `a part of ${path} is a file, not a folder`,
  },
  AccessControlException: { code: 'HDFS_DENIED', message: (path) => `HDFS does not permit this on ${path}` },
  InvalidPathException: { code: 'HDFS_PATH_INVALID', message: (path) => `HDFS does not take the path ${path}` },
  DSQuotaExceededException: full,
  NSQuotaExceededException: full,
  QuotaByStorageTypeExceededException: full,
  QuotaExceededException: full,
  DiskOutOfSpaceException: full,
};

/**
 * The error for an answer of WebHDFS that is no success. HDFS has no exception of its own for "no DataNode takes the
 * block": its message text is all there is to tell a full cluster from one without DataNodes.
 */
export function webHdfsError(status: number, body: string, path: string): SparkPlugError {
  const parsed = RemoteException.safeParse(parseJson(body));
  if (!parsed.success) {
    const met = `${status} ${body.slice(0, 200)}`.trim();
    return new SparkPlugError('HDFS_FAILED', `HDFS refused the request for ${path}`, { place: path, met });
  }
  const { exception, message } = parsed.data.RemoteException;
  const meaning = meanings[exception] ?? byMessage(message);
  const firstLine = message.split('\n', 1)[0] ?? '';
  if (meaning === undefined) {
    return new SparkPlugError('HDFS_FAILED', `HDFS: ${firstLine}`, { place: path, met: exception });
  }
  return new SparkPlugError(meaning.code, meaning.message(path), {
    place: path,
    met: firstLine,
    ...(meaning.hint === undefined ? {} : { hint: meaning.hint }),
  });
}

/** The error for a NameNode or DataNode that does not answer. */
export function hdfsAway(cause: unknown): SparkPlugError {
  return new SparkPlugError('HDFS_AWAY', 'HDFS does not answer', { hint: 'sparkplug status', cause });
}

/** The error for a file that no DataNode has room for. */
export function hdfsFull(path: string, cause: unknown): SparkPlugError {
  return new SparkPlugError('HDFS_FULL', full.message(path), { place: path, hint: 'sparkplug hdfs du /', cause });
}

function byMessage(message: string): Meaning | undefined {
  if (
    /Failed to find datanode|BlockMissingException|Could not obtain block|No active and not excluded nodes/.test(
      message,
    )
  ) {
    return away;
  }
  // No DataNode took the block: full, or just back and not reported yet. The caller asks which (`isFull`).
  if (/could only be (written|replicated) to/.test(message)) return away;
  if (/No space left on device|not enough space/i.test(message)) return full;
  return undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
