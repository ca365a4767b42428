// Who may ask: tokens by their SHA-256, scopes by route, peers by address.
import { createHash, timingSafeEqual } from 'node:crypto';
import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { SparkPlugError } from '../errors.ts';

const Scope = z.enum(['admin', 'run', 'read']);
/** `read` looks, `run` also starts and cancels runs, `admin` does everything. */
export type Scope = z.infer<typeof Scope>;

const TokenList = z.array(z.object({ name: z.string(), scope: Scope, sha256: z.string().regex(/^[0-9a-f]{64}$/i) }));
/** A token as the cluster knows it: its name, scope and hash, never the token. */
export type TokenEntry = z.infer<typeof TokenList>[number];

export interface Caller {
  readonly name: string;
  readonly scope: Scope;
}

const ranks: Readonly<Record<Scope, number>> = { read: 0, run: 1, admin: 2 };

/** Reads the content of the secret `web_tokens`; plain Error when it is not what the CLI writes. */
export function parseTokens(text: string): TokenEntry[] {
  return TokenList.parse(JSON.parse(text));
}

/** Who holds this `Authorization` header. AUTH_REQUIRED for none, another scheme, or an unknown token. */
export function authenticate(header: string | undefined, tokens: readonly TokenEntry[]): Caller {
  const token = /^Bearer +(\S+) *$/i.exec(header ?? '')?.[1];
  if (token === undefined) throw authRequired('the request carries no bearer token');
  const digest = createHash('sha256').update(token).digest();
  // All are compared, each in constant time: the answer's time tells nothing.
  const matching = tokens.filter((entry) => timingSafeEqual(Buffer.from(entry.sha256, 'hex'), digest));
  const [entry] = matching;
  if (entry === undefined) throw authRequired('the token is not one of this cluster');
  return { name: entry.name, scope: entry.scope };
}

/** SCOPE_MISSING unless the caller's scope covers `needed`. */
export function requireScope(caller: Caller, needed: Scope): void {
  if (ranks[caller.scope] >= ranks[needed]) return;
  throw new SparkPlugError('SCOPE_MISSING', `the token ${caller.name} may ${caller.scope} only; this needs ${needed}`, {
    met: caller.scope,
    hint: `use a token with the scope ${needed}`,
  });
}

/** The check of the one secret that web and scheduler share. */
export function checkSharedSecret(header: string | undefined, secret: string): void {
  authenticate(header, [
    { name: 'control', scope: 'admin', sha256: createHash('sha256').update(secret).digest('hex') },
  ]);
}

/** With `listen: local`: loopback, the container's own addresses, and the machine's gateway to it. */
export function checkPeer(peer: string | undefined, local: ReadonlySet<string>): void {
  const address = peer !== undefined && ipaddr.isValid(peer) ? ipaddr.process(peer) : null;
  if (address !== null && (address.range() === 'loopback' || local.has(address.toString()))) return;
  throw new SparkPlugError('LISTEN_LOCAL', 'this project listens to its own computer only', {
    met: peer ?? 'unknown',
    hint: 'call it on the machine itself, or through `ssh -L 8080:127.0.0.1:<port> <machine>`',
  });
}

function authRequired(message: string): SparkPlugError {
  return new SparkPlugError('AUTH_REQUIRED', message, {
    hint: "send `Authorization: Bearer <token>`; the token is in the project's folder below ~/.config/sparkplug",
  });
}
