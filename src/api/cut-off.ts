// An answer may take hours: a stream of events, a download, an upload. It ends with the token or log-in it was asked with.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { WriteLog } from './web-app.ts';

/** A question to the database for each open answer: cheap, and as soon as a person who revokes a token expects it. */
const defaultEveryMs = 1_000;

/**
 * Looks again at who asked, for every answer that is under way, and cuts the connections of those who would no longer
 * be let in. To be registered after admission, so that `mayGoOn` is known.
 * @param everyMs milliseconds between two looks
 */
export function registerCutOff(app: FastifyInstance, log: WriteLog, everyMs: number = defaultEveryMs): void {
  const open = new Map<FastifyRequest, FastifyReply>();
  app.addHook('onRequest', (request, reply, done) => {
    if (request.mayGoOn !== null) {
      open.set(request, reply);
      reply.raw.once('close', () => open.delete(request));
    }
    done();
  });
  const cutOff = (request: FastifyRequest, reply: FastifyReply): void => {
    open.delete(request);
    const { id, caller } = request;
    log({ time: new Date().toISOString(), level: 'info', event: 'cut off: token or log-in ended', id, caller });
    reply.raw.destroy();
  };
  const look = (): void => {
    try {
      for (const [request, reply] of open) if (request.mayGoOn?.() === false) cutOff(request, reply);
    } catch (error) {
      // A database that cannot be read now refuses new requests by itself; what was let in goes on until it can.
      log({
        time: new Date().toISOString(),
        level: 'error',
        event: 'callers cannot be looked up',
        error: String(error),
      });
    }
  };
  const timer = setInterval(look, everyMs).unref();
  app.addHook('onClose', (_app, done) => {
    clearInterval(timer);
    done();
  });
}
