// What an instance on EC2 finds around it: its metadata (version 2 only) and AWS Systems Manager, which looks at signatures.
// A program, in the instance's network namespace: `node instance-services.ts`. `/control` on its own port changes what it says.
import { createHash, createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';

/** In the instance's own network namespace; `control` from outside as well. */
export const servicePorts = { parameters: 8001, control: 8000 } as const;

export interface ServiceState {
  /** Below the path that is asked for. */
  parameters: Record<string, string>;
  /** Body of `spot/instance-action`; null for 404. */
  notice: object | null;
  /** Requests for parameters that were signed right. */
  readonly asked: number;
  /** What was refused: metadata without a token, wrong signatures. */
  readonly refused: readonly string[];
}

const credentials = { AccessKeyId: 'ASIAEXAMPLE', SecretAccessKey: 'secret/of+it', Token: 'its-session==' };
const tokens = new Set<string>();
const state = {
  parameters: {} as Record<string, string>,
  notice: null as object | null,
  asked: 0,
  refused: [] as string[],
};

function answer(response: ServerResponse, status: number, body: string | object): void {
  response.writeHead(status, { 'content-type': typeof body === 'string' ? 'text/plain' : 'application/json' });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

function refuse(response: ServerResponse, reason: string, type: string): void {
  state.refused.push(reason);
  answer(response, 400, { __type: type });
}

function serveMetadata(request: IncomingMessage, response: ServerResponse): void {
  const [status, body] = describeMetadata(request);
  if (status === 401) state.refused.push(`metadata without a token: ${request.url}`);
  answer(response, status, body);
}

function describeMetadata({ method, url = '', headers }: IncomingMessage): readonly [number, string | object] {
  if (url === '/latest/api/token' && method === 'PUT') {
    if (headers['x-aws-ec2-metadata-token-ttl-seconds'] === undefined) return [400, ''];
    const token = randomUUID();
    tokens.add(token);
    return [200, token];
  }
  if (!tokens.has(String(headers['x-aws-ec2-metadata-token']))) return [401, ''];
  const root = '/latest/meta-data/iam/security-credentials/';
  if (url === root) return [200, 'sparkplug-geo'];
  if (url === `${root}sparkplug-geo`) return [200, { Code: 'Success', ...credentials }];
  if (url === '/latest/meta-data/spot/instance-action' && state.notice !== null) return [200, state.notice];
  return [404, 'Not Found'];
}

const hmac = (key: string | Buffer, data: string) => createHmac('sha256', key).update(data).digest();
const sha256 = (data: string) => createHash('sha256').update(data).digest('hex');

/** Signature Version 4 as its documentation describes it, over the headers that the client says it has signed. */
function isSigned({ method = '', url = '', headers }: IncomingMessage, body: string): boolean {
  const match =
    /Credential=([^/]+)\/(\d{8})\/([^/]+)\/ssm\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=(\w{64})/.exec(
      headers.authorization ?? '',
    );
  if (match === null) return false;
  const [, key, day = '', region = '', signed = '', signature = ''] = match;
  if (key !== credentials.AccessKeyId || headers['x-amz-security-token'] !== credentials.Token) return false;
  const names = signed.split(';');
  if (!['host', 'x-amz-date', 'x-amz-security-token', 'x-amz-target'].every((name) => names.includes(name)))
    return false;
  const lines = names.map((name) => `${name}:${String(headers[name]).trim().replaceAll(/ +/g, ' ')}\n`);
  const canonical = [method, url, '', lines.join(''), signed, sha256(body)].join('\n');
  const scope = `${day}/${region}/ssm/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, sha256(canonical)].join('\n');
  const signingKey = [day, region, 'ssm', 'aws4_request'].reduce<string | Buffer>(
    hmac,
    `AWS4${credentials.SecretAccessKey}`,
  );
  return timingSafeEqual(hmac(signingKey, toSign), Buffer.from(signature, 'hex'));
}

/** Two parameters in an answer, so that who asks must turn the page. */
async function serveParameters(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await text(request);
  if (!isSigned(request, body)) {
    refuse(response, `wrong signature: ${request.headers.authorization}`, 'InvalidSignatureException');
    return;
  }
  if (request.headers['x-amz-target'] !== 'AmazonSSM.GetParametersByPath') {
    refuse(response, `another call: ${request.headers['x-amz-target']}`, 'AccessDeniedException');
    return;
  }
  const { Path, NextToken = '0' } = JSON.parse(body) as { Path: string; NextToken?: string };
  state.asked += 1;
  const at = Number(NextToken);
  const all = Object.entries(state.parameters);
  answer(response, 200, {
    Parameters: all
      .slice(at, at + 2)
      .map(([name, value]) => ({ Name: `${Path}/${name}`, Value: value, Type: 'SecureString' })),
    ...(at + 2 < all.length ? { NextToken: String(at + 2) } : {}),
  });
}

async function serveControl(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method === 'PUT') Object.assign(state, JSON.parse(await text(request)));
  answer(response, 200, state);
}

if (import.meta.main) {
  createServer(serveMetadata).listen(80, '169.254.169.254');
  createServer((request, response) => void serveParameters(request, response)).listen(
    servicePorts.parameters,
    '127.0.0.1',
  );
  createServer((request, response) => void serveControl(request, response)).listen(servicePorts.control);
}
