// What every published request passes before its route: from here, under our name, by somebody known, who may do this.
import type { FastifyReply, FastifyRequest } from 'fastify';
import { SparkPlugError } from '../errors.ts';
import type { AccessDesk, Caller, Credential, Recognition } from '../operations/access-desk.ts';
import { authRequired, bearerOf, checkPeer, coversScope, isLocalPeer, requireScope } from './access.ts';
import { createAttemptLimiter } from './attempt-limiter.ts';
import { requireLocalHost, requireSameOrigin } from './request-origin.ts';
import type { SessionCookie } from './session-cookie.ts';

export interface AdmissionSettings {
  readonly desk: Pick<AccessDesk, 'byToken' | 'bySession' | 'recheck'>;
  readonly cookie: SessionCookie;
  /** Milliseconds since 1970. */
  readonly clock: { now(): number };
  readonly listen: 'local' | 'all';
  /** Addresses besides loopback that requests from this computer come from: many callers share them. */
  readonly localPeers: ReadonlySet<string>;
  readonly tls: boolean;
}

export interface Admission {
  /** Throws a SparkPlugError where the request is refused. */
  admit(request: FastifyRequest, reply: FastifyReply): void;
  /** Runs a try at something secret (`attempt`) under the same brake as tokens; `isWrong` tells a failed try. */
  limitAttempts<T>(request: FastifyRequest, reply: FastifyReply, attempt: () => T, isWrong: IsWrong): T;
}

type IsWrong = (error: unknown) => boolean;

export function createAdmission(settings: AdmissionSettings): Admission {
  const { desk, cookie, listen, localPeers, tls } = settings;
  const limiter = createAttemptLimiter(settings.clock);

  /**
   * An address that has failed too often waits, whatever it sends. Local callers all come from one address, that of the
   * gateway: there one script with an old token must not lock out everybody, so what is right passes, and only what is
   * wrong is answered with the wait. Tokens, sessions and codes have 256 random bits: guesses are hopeless either way.
   */
  const limitAttempts: Admission['limitAttempts'] = (request, reply, attempt, isWrong) => {
    const peer = request.socket.remoteAddress;
    const waitMs = limiter.waitMs(peer);
    if (waitMs > 0 && !isLocalPeer(peer, localPeers)) throw tooMany(reply, waitMs);
    try {
      return attempt();
    } catch (error) {
      if (!isWrong(error)) throw error;
      if (waitMs > 0) throw tooMany(reply, waitMs);
      limiter.noteFailure(peer);
      throw error;
    }
  };

  const readCredential = ({ headers }: FastifyRequest): Credential => {
    const session = headers.authorization === undefined ? cookie.read(headers.cookie) : null;
    if (session !== null) return { kind: 'session', text: session };
    return { kind: 'token', text: bearerOf(headers.authorization) };
  };

  const recognise = (request: FastifyRequest, reply: FastifyReply, { kind, text }: Credential): Caller => {
    if (kind === 'token') return accept(desk.byToken(text), 'token');
    const found = desk.bySession(text);
    if (typeof found === 'string') reply.header('set-cookie', cookie.clear());
    const caller = accept(found, 'log-in');
    requireSameOrigin(request.method, request.headers, tls);
    return caller;
  };

  return {
    limitAttempts,
    admit: (request, reply) => {
      if (listen === 'local') {
        checkPeer(request.socket.remoteAddress, localPeers);
        requireLocalHost(request.headers.host, localPeers);
      }
      const { open, scope } = request.routeOptions.config;
      if (open === true) return;
      const identify = () => {
        const credential = readCredential(request);
        return { credential, caller: recognise(request, reply, credential) };
      };
      const { credential, caller } = limitAttempts(request, reply, identify, isWrongCredential);
      request.caller = caller.name;
      request.identity = caller;
      // An unknown route has no scope of its own: any caller is told that it is unknown.
      if (request.is404) return;
      const needed = scope ?? 'admin';
      requireScope(caller, needed);
      request.mayGoOn = () => {
        const found = desk.recheck(credential);
        return typeof found !== 'string' && coversScope(found.scope, needed);
      };
    },
  };
}

/** A request without any credential, and one whose time is over, are no guesses. */
function isWrongCredential(error: unknown): boolean {
  return error instanceof SparkPlugError && error.code === 'AUTH_REQUIRED' && error.met === unknownCredential;
}

const unknownCredential = 'unknown';

function accept(found: Recognition, kind: 'token' | 'log-in'): Caller {
  if (typeof found !== 'string') return found;
  throw found === 'expired'
    ? authRequired(`the ${kind} has expired`)
    : authRequired(`the ${kind} is not one of this cluster`, unknownCredential);
}

function tooMany(reply: FastifyReply, waitMs: number): SparkPlugError {
  const seconds = Math.ceil(waitMs / 1000);
  reply.header('retry-after', String(seconds));
  return new SparkPlugError('TOO_MANY_ATTEMPTS', 'too many wrong tokens or log-in codes came from this address', {
    met: `${seconds} s left`,
    hint: `wait ${seconds} s, then use a valid token`,
  });
}
