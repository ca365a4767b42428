// An image registry by its HTTP API (distribution spec v2): which tags there are, and away with those nobody needs.
import { Agent } from 'undici';
import { z } from 'zod';

export interface RegistryClient {
  /** None where there is no such repository. */
  tags(repository: string): Promise<readonly string[]>;
  /** Removes what the tag names; the layers stay until the registry collects its garbage. False: it was gone. */
  remove(repository: string, tag: string): Promise<boolean>;
  close(): Promise<void>;
}

const TagList = z.object({ tags: z.array(z.string()).nullable() });
/** The digest of a manifest depends on the form that is asked for. */
const manifestTypes = [
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.oci.image.index.v1+json',
].join(', ');
const timeoutMs = 15_000;

/** @param url `https://registry:5000` @param ca PEM of the authority that vouches for it */
export function createRegistryClient({
  url,
  ca,
  user,
  password,
}: {
  readonly url: string;
  readonly ca: string;
  readonly user: string;
  readonly password: string;
}): RegistryClient {
  const http = new Agent({ connect: { ca, timeout: timeoutMs }, headersTimeout: timeoutMs, bodyTimeout: timeoutMs });
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

  const ask = async (method: 'GET' | 'HEAD' | 'DELETE', path: string) => {
    const headers = { authorization, accept: method === 'HEAD' ? manifestTypes : 'application/json' };
    const answer = await http.request({ origin: url, path: `/v2/${path}`, method, headers });
    if (answer.statusCode < 300) return answer;
    await answer.body.dump();
    if (answer.statusCode === 404) return null;
    throw new Error(`the registry answered ${answer.statusCode} to ${method} ${path}`);
  };

  return {
    tags: async (repository) => {
      const answer = await ask('GET', `${repository}/tags/list`);
      return answer === null ? [] : (TagList.parse(await answer.body.json()).tags ?? []);
    },
    remove: async (repository, tag) => {
      const found = await ask('HEAD', `${repository}/manifests/${encodeURIComponent(tag)}`);
      await found?.body.dump();
      const digest = found?.headers['docker-content-digest'];
      if (typeof digest !== 'string') return false;
      const answer = await ask('DELETE', `${repository}/manifests/${encodeURIComponent(digest)}`);
      await answer?.body.dump();
      return answer !== null;
    },
    close: () => http.destroy(),
  };
}
