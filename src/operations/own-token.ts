// The command line's own token: which one is in force, and its replacement by a new one without a moment of loss.
import { withFileLock } from '../adapters/host/file-lock.ts';
import type { ApiClient } from '../api/client.ts';
import {
  dropNextToken,
  promoteNextToken,
  readNextToken,
  readToken,
  storeNextToken,
  tokenLock,
} from '../config/user-folder.ts';
import { SparkPlugError } from '../errors.ts';

/** The API as whoever holds a token sees it. */
export type Connect = (token: string) => Pick<ApiClient, 'session' | 'rotateToken'>;

/**
 * The project's token, null before the first `up`. A rotation that was interrupted is finished or taken back: the
 * cluster says which of the two stored tokens is in force.
 */
export async function settleToken(projectId: string, connect: Connect): Promise<string | null> {
  const token = await readToken(projectId);
  if (token === null || (await readNextToken(projectId)) === null) return token;
  return await withFileLock(tokenLock(projectId), () => settle(projectId, connect));
}

/**
 * Replaces the token. The new one is on the disk before the cluster hears of it, and the old one until the new one is in
 * force: interrupted anywhere, one of the two stored tokens is valid, and the next command finds out which.
 * @returns the token's name
 */
export async function rotateOwnToken(projectId: string, connect: Connect): Promise<string> {
  return await withFileLock(tokenLock(projectId), async () => {
    const token = await settle(projectId, connect);
    if (token === null) throw new Error('a connected project has a token');
    const api = connect(token);
    const { name } = await api.session();
    await api.rotateToken(name, { token: await storeNextToken(projectId) });
    await promoteNextToken(projectId);
    return name;
  });
}

async function settle(projectId: string, connect: Connect): Promise<string | null> {
  const [token, next] = await Promise.all([readToken(projectId), readNextToken(projectId)]);
  if (token === null || next === null) return token;
  const verdict = await judge(token, connect);
  if (verdict === 'valid') await dropNextToken(projectId);
  if (verdict !== 'refused' || (await judge(next, connect)) !== 'valid') return token;
  await promoteNextToken(projectId);
  return next;
}

/** `unknown`: the cluster does not answer, so nothing is decided. */
async function judge(token: string, connect: Connect): Promise<'valid' | 'refused' | 'unknown'> {
  try {
    await connect(token).session();
    return 'valid';
  } catch (error) {
    if (!(error instanceof SparkPlugError)) throw error;
    return error.code === 'AUTH_REQUIRED' ? 'refused' : 'unknown';
  }
}
