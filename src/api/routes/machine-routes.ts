// The routes that change how many followers there are, and on which machines.
import { z } from 'zod';
import { defineRoutes, empty, flag, text } from '../route-entry.ts';
import { ScaleChange } from '../schemas.ts';
import { changeAnswers, ifMatch } from './changing.ts';

const tag = 'Cluster';
const machineName = z.object({ name: text('Name of the machine, as `GET /api/v1/machines` lists it.') });
const changing = {
  query: z.strictObject({
    now: flag('Do not wait for running jobs.'),
    force: flag('Go on where data would be lost; the operation says what was.'),
  }),
  headers: ifMatch,
  answers: changeAnswers,
} as const;
const refusals = ['CLUSTER_BUSY', 'REVISION_CONFLICT', 'NO_ROOM', 'REPLICATION_IMPOSSIBLE', 'CONFIG_INVALID'] as const;

export const machineRoutes = defineRoutes({
  scale: {
    id: 'scaleCluster',
    method: 'POST',
    path: '/api/v1/cluster/scale',
    tag,
    scope: 'admin',
    answeredBy: 'scheduler',
    summary: 'Change the number of workers and DataNodes',
    description:
      'Beats the numbers of `sparkplug.yaml` until those change, or until `"file"` is given. What goes is drained first.',
    ...changing,
    body: { schema: ScaleChange },
    problems: refusals,
  },
  drain: {
    id: 'drainMachine',
    method: 'POST',
    path: '/api/v1/machines/:name/drain',
    tag,
    scope: 'admin',
    answeredBy: 'scheduler',
    summary: 'Take all of the project off a machine',
    params: machineName,
    ...changing,
    problems: [...refusals, 'MACHINE_UNKNOWN', 'MACHINE_IS_CONDUCTOR'],
  },
  return: {
    id: 'returnMachine',
    method: 'POST',
    path: '/api/v1/machines/:name/return',
    tag,
    scope: 'admin',
    answeredBy: 'scheduler',
    summary: 'Let a drained machine take containers again',
    params: machineName,
    ...changing,
    problems: [...refusals, 'MACHINE_UNKNOWN', 'MACHINE_IS_CONDUCTOR'],
  },
  remove: {
    id: 'removeMachine',
    method: 'DELETE',
    path: '/api/v1/machines/:name',
    tag,
    scope: 'admin',
    answeredBy: 'scheduler',
    summary: 'Forget a machine that was drained',
    params: machineName,
    answers: { 204: empty('The Swarm no longer has it.') },
    problems: ['MACHINE_UNKNOWN', 'MACHINE_IS_CONDUCTOR', 'MACHINE_IN_USE', 'CLUSTER_BUSY'],
  },
});
