// Who may ask: tokens by their SHA-256, scopes by route, peers by address.
import { createHash, timingSafeEqual } from 'node:crypto';
import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { SparkPlugError } from '../errors.ts';
import type { Caller, TokenEntry } from '../operations/access-desk.ts';
import { Scope } from './schemas.ts';

const TokenList = z.array(z.object({ name: z.string(), scope: Scope, sha256: z.string().regex(/^[0-9a-f]{64}$/i) }));

const ranks: Readonly<Record<Scope, number>> = { read: 0, run: 1, admin: 2 };

/** Reads the content of the secret `web_tokens`; plain Error when it is not what the CLI writes. */
export function parseTokens(text: string): TokenEntry[] {
  return TokenList.parse(JSON.parse(text));
}

/** The token of an `Authorization` header. AUTH_REQUIRED for none and for another scheme. */
export function bearerOf(header: string | undefined): string {
  const token = /^Bearer +(\S+) *$/i.exec(header ?? '')?.[1];
  if (token === undefined) throw authRequired('the request carries no bearer token');
  return token;
}

/** Whether whoever has the scope `given` may do what needs `needed`. */
export function coversScope(given: Scope, needed: Scope): boolean {
  return ranks[given] >= ranks[needed];
}

/** SCOPE_MISSING unless the caller's scope covers `needed`. */
export function requireScope(caller: Pick<Caller, 'name' | 'scope'>, needed: Scope): void {
  if (coversScope(caller.scope, needed)) return;
  throw new SparkPlugError('SCOPE_MISSING', `the token ${caller.name} may ${caller.scope} only; this needs ${needed}`, {
    met: caller.scope,
    hint: `use a token with the scope ${needed}`,
  });
}

/** The check of the one secret that web and scheduler share. */
export function checkSharedSecret(header: string | undefined, secret: string): void {
  const [given, wanted] = [bearerOf(header), secret].map((text) => createHash('sha256').update(text).digest());
  // Hashes have one length and are compared in constant time: the answer's time tells nothing.
  if (given !== undefined && wanted !== undefined && timingSafeEqual(given, wanted)) return;
  throw authRequired('the token is not the one of this cluster');
}

/** Loopback, the container's own addresses, and the machine's gateway to it. */
export function isLocalPeer(peer: string | undefined, local: ReadonlySet<string>): boolean {
  const address = peer !== undefined && ipaddr.isValid(peer) ? ipaddr.process(peer) : null;
  return address !== null && (address.range() === 'loopback' || local.has(address.toString()));
}

/** The check of `listen: local`. */
export function checkPeer(peer: string | undefined, local: ReadonlySet<string>): void {
  if (isLocalPeer(peer, local)) return;
  throw new SparkPlugError('LISTEN_LOCAL', 'this project listens to its own computer only', {
    met: peer ?? 'unknown',
    hint: 'call it on the machine itself, or through `ssh -L 8080:127.0.0.1:<port> <machine>`',
  });
}

export function authRequired(message: string, met?: string): SparkPlugError {
  return new SparkPlugError('AUTH_REQUIRED', message, {
    ...(met === undefined ? {} : { met }),
    hint:
      "send `Authorization: Bearer <token>`; the token is in the project's folder below ~/.config/sparkplug. " +
      'One that is lost or was replaced elsewhere is made anew: delete that file, then `sparkplug up`',
  });
}
