// Use cases `token …`: the tokens of the cluster, and the files that hold them on this computer.
import type { ApiClient } from '../api/client.ts';
import { type IssuedToken, NewToken, type Scope, type TokenInfo } from '../api/schemas.ts';
import { prepareTokenFile, readToken, storeToken } from '../config/user-folder.ts';
import { SparkPlugError } from '../errors.ts';
import { connectToCluster, connectWith, explainUnreachable, notUp } from './cluster-access.ts';
import { locateProject, type ProjectChoice } from './open-project.ts';
import { rotateOwnToken } from './own-token.ts';

/** A token that was made: where it is, and the token itself only where that was asked for. */
export interface StoredToken {
  readonly info: TokenInfo;
  readonly file: string | null;
  readonly token: string | null;
}

interface TokenOptions {
  /** True: give the token back instead of storing it. */
  readonly print: boolean;
  readonly signal: AbortSignal;
}

export async function listTokens(choice: ProjectChoice, signal: AbortSignal): Promise<readonly TokenInfo[]> {
  return await withProject(choice, (api) => api.tokens({ signal }));
}

/** @throws SparkPlugError USAGE for a name that cannot be, TOKEN_EXISTS */
export async function addToken(
  choice: ProjectChoice,
  name: string,
  { scope, validMs, ...options }: TokenOptions & { readonly scope: Scope; readonly validMs: number | null },
): Promise<StoredToken> {
  checkName(name);
  return await withProject(choice, (api, projectId) =>
    keep(projectId, name, options, () => api.addToken({ name, scope, validMs }, options)),
  );
}

/** Ends its sessions as well. @throws SparkPlugError TOKEN_UNKNOWN, TOKEN_LAST_ADMIN */
export async function revokeToken(choice: ProjectChoice, name: string, signal: AbortSignal): Promise<void> {
  checkName(name);
  await withProject(choice, (api) => api.revokeToken(name, { signal }));
}

/**
 * Replaces a token: without a name, or with its name, the one of this command line, whose file changes with it.
 * @throws SparkPlugError TOKEN_UNKNOWN
 */
export async function rotateToken(
  choice: ProjectChoice,
  name: string | null,
  options: TokenOptions,
): Promise<StoredToken | { readonly own: string }> {
  if (name !== null) checkName(name);
  const project = await locateProject(choice);
  const connect = project.state === null ? null : connectWith(project.state, await project.findHost());
  if (connect === null) throw notUp();
  return await withProject(choice, async (api, projectId) => {
    const own = (await api.session(options)).name;
    if (name === null || name === own) return { own: await rotateOwnToken(projectId, connect) };
    return await keep(projectId, name, options, () => api.rotateToken(name, {}, options));
  });
}

/** The project's own token: whoever asks wants to see it. @throws SparkPlugError CLUSTER_NOT_UP before the first `up` */
export async function showToken(choice: ProjectChoice): Promise<string> {
  const { state } = await locateProject(choice);
  const token = state === null ? null : await readToken(state.id);
  if (token === null) throw notUp();
  return token;
}

/** The file is known to be writable before the cluster makes what goes into it: it shows a token only once. */
async function keep(
  projectId: string,
  name: string,
  { print }: TokenOptions,
  issue: () => Promise<IssuedToken>,
): Promise<StoredToken> {
  const file = print ? null : await prepareTokenFile(projectId, name);
  const { token, info } = await issue();
  if (file === null) return { info, file, token };
  await storeToken(file, token);
  return { info, file, token: null };
}

async function withProject<T>(
  choice: ProjectChoice,
  use: (api: ApiClient, projectId: string) => Promise<T>,
): Promise<T> {
  const project = await locateProject(choice);
  if (project.state === null) throw notUp();
  try {
    return await use(await connectToCluster(project), project.state.id);
  } catch (error) {
    throw await explainUnreachable(project, error);
  }
}

/** It becomes part of a path, here and in the API. */
function checkName(name: string): void {
  if (NewToken.shape.name.safeParse(name).success) return;
  throw new SparkPlugError('USAGE', `${name} is no name for a token`, {
    met: name,
    hint: 'small letters, digits, `.`, `_` and `-`, a letter or digit first and last, 64 at most',
  });
}
