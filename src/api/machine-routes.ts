// The scheduler's routes about scaling and machines.
import type { FastifyInstance, FastifyReply } from 'fastify';
import { readIfMatch } from './read-if-match.ts';
import { machineRoutes } from './routes/machine-routes.ts';
import type { Operation, ScaleChange } from './schemas.ts';
import { serveRoute } from './serve-route.ts';

export interface ChangeFlags {
  readonly ifMatch: number | null;
  readonly now: boolean;
  readonly force: boolean;
}

export type ChangeAnswer =
  | { readonly kind: 'unchanged'; readonly revision: number }
  | { readonly kind: 'accepted'; readonly operation: Operation };

/** Machines are named as in `GET /machines`; unknown ones throw MACHINE_UNKNOWN. */
export interface MachineDesk {
  scale(change: ScaleChange, flags: ChangeFlags): Promise<ChangeAnswer>;
  drainMachine(name: string, flags: ChangeFlags): Promise<ChangeAnswer>;
  returnMachine(name: string, flags: ChangeFlags): Promise<ChangeAnswer>;
  removeMachine(name: string): Promise<void>;
}

export function registerMachineRoutes(app: FastifyInstance, desk: MachineDesk): void {
  serveRoute(app, machineRoutes.scale, async ({ body, query, headers }, _request, reply) =>
    sendChange(reply, await desk.scale(body, readFlags(query, headers))),
  );
  serveRoute(app, machineRoutes.drain, async ({ params, query, headers }, _request, reply) =>
    sendChange(reply, await desk.drainMachine(params.name, readFlags(query, headers))),
  );
  serveRoute(app, machineRoutes.return, async ({ params, query, headers }, _request, reply) =>
    sendChange(reply, await desk.returnMachine(params.name, readFlags(query, headers))),
  );
  serveRoute(app, machineRoutes.remove, async ({ params }, _request, reply) => {
    await desk.removeMachine(params.name);
    return reply.code(204).send();
  });
}

function readFlags(
  query: { readonly now: boolean; readonly force: boolean },
  headers: { readonly 'if-match'?: string | undefined },
): ChangeFlags {
  return { ...query, ifMatch: readIfMatch(headers['if-match']) };
}

/** 202 with the operation's address, or 200 where there was nothing to do. */
export function sendChange(reply: FastifyReply, answer: ChangeAnswer): FastifyReply {
  if (answer.kind === 'unchanged') return reply.send({ revision: answer.revision, unchanged: true });
  const { id } = answer.operation;
  return reply.code(202).header('location', `/api/v1/operations/${id}`).send({ operation: id });
}
