// Tokens, log-in codes and sessions over REST; answered by web itself, so that log-in works while the scheduler is away.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { SparkPlugError } from '../errors.ts';
import { type AccessDesk, type Caller, sessionLongestMs } from '../operations/access-desk.ts';
import { requireScope } from './access.ts';
import type { Admission } from './admission.ts';
import { refuseOtherOrigin } from './request-origin.ts';
import { accessRoutes } from './routes/access-routes.ts';
import { type RouteHandler, serveRoute } from './serve-route.ts';
import type { SessionCookie } from './session-cookie.ts';

export interface AccessParts {
  readonly desk: AccessDesk;
  readonly cookie: SessionCookie;
  readonly limitAttempts: Admission['limitAttempts'];
  readonly tls: boolean;
}

export function registerAccessRoutes(app: FastifyInstance, parts: AccessParts): void {
  const { desk, cookie } = parts;
  serveRoute(app, accessRoutes.tokens, () => ({ tokens: desk.list() }));
  serveRoute(app, accessRoutes.addToken, ({ body }, _request, reply) =>
    keepToOurselves(reply, 201).send(desk.add(body)),
  );
  serveRoute(app, accessRoutes.revokeToken, ({ params }, _request, reply) => {
    desk.revoke(params.name);
    return reply.code(204).send();
  });
  serveRoute(app, accessRoutes.rotateToken, ({ params, body }, request, reply) => {
    const caller = callerOf(request);
    if (caller.name !== params.name) requireScope(caller, 'admin');
    return keepToOurselves(reply, 200).send(desk.rotate(params.name, body.token));
  });
  serveRoute(app, accessRoutes.loginCode, (_input, request, reply) =>
    keepToOurselves(reply, 201).send(desk.issueCode(callerOf(request))),
  );
  serveRoute(app, accessRoutes.logIn, logIn(parts));
  serveRoute(app, accessRoutes.session, (_input, request, reply) => {
    const { name, scope, expiresAt } = callerOf(request);
    return keepToOurselves(reply, 200).send({
      name,
      scope,
      expiresAt: expiresAt === null ? null : new Date(expiresAt).toISOString(),
    });
  });
  serveRoute(app, accessRoutes.logOut, (_input, request, reply) => {
    const session = cookie.read(request.headers.cookie);
    if (session !== null) desk.logOut(session);
    return reply.header('set-cookie', cookie.clear()).code(204).send();
  });
}

/** Another site must not log a visitor in as somebody else either. */
function logIn({ desk, cookie, limitAttempts, tls }: AccessParts): RouteHandler<typeof accessRoutes.logIn> {
  const isWrong = (error: unknown) => error instanceof SparkPlugError && error.code === 'LOGIN_CODE_INVALID';
  return ({ body }, request, reply) => {
    refuseOtherOrigin(request.headers, tls);
    const { session, info } = limitAttempts(request, reply, () => desk.logIn(body.code), isWrong);
    request.caller = info.name;
    return keepToOurselves(reply, 200).header('set-cookie', cookie.write(session, sessionLongestMs)).send(info);
  };
}

function callerOf({ identity }: FastifyRequest): Caller {
  if (identity === null) throw new Error('the route is open and knows no caller');
  return identity;
}

/** Answers with a secret in them are nobody's to store. */
function keepToOurselves(reply: FastifyReply, status: number): FastifyReply {
  return reply.code(status).header('cache-control', 'no-store');
}
