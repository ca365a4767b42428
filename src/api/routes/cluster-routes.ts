// The routes about the cluster: its state, changes of it, machines and history.
import { z } from 'zod';
import { defineRoutes, events, flag, json, largestCount, text, wholeNumber } from '../route-entry.ts';
import {
  ClusterEventList,
  ClusterHistory,
  ClusterStatus,
  DesiredAnswer,
  ExecRequest,
  MachineList,
  NewDesiredState,
  Operation,
} from '../schemas.ts';
import { changeAnswers, ifMatch } from './changing.ts';

const tag = 'Cluster';
const operationId = z.object({ id: text('Id of the operation, as the change of the cluster answered it.') });
const lastEventId = text('Number of the last event that the reader has; the stream goes on after it.').optional();

export const clusterRoutes = defineRoutes({
  status: {
    id: 'clusterStatus',
    method: 'GET',
    path: '/api/v1/cluster',
    tag,
    scope: 'read',
    answeredBy: 'scheduler',
    summary: 'State of the cluster and of each component',
    answers: { 200: json(ClusterStatus, 'The state, at most a second old.') },
  },
  history: {
    id: 'clusterHistory',
    method: 'GET',
    path: '/api/v1/cluster/history',
    tag,
    scope: 'read',
    answeredBy: 'scheduler',
    summary: 'Use of the cluster over time',
    query: z.strictObject({ minutes: wholeNumber(1, 1440, 'How far back; 60 by default.').optional() }),
    answers: { 200: json(ClusterHistory, 'Samples, oldest first.') },
  },
  machines: {
    id: 'machines',
    method: 'GET',
    path: '/api/v1/machines',
    tag,
    scope: 'read',
    answeredBy: 'scheduler',
    summary: 'Machines and the containers on them',
    answers: { 200: json(MachineList, 'The machines, the conductor first.') },
  },
  componentLog: {
    id: 'componentLog',
    method: 'GET',
    path: '/api/v1/components/:name/logs',
    tag,
    // What a job prints may hold what only those who may start it should see.
    scope: 'run',
    answeredBy: 'scheduler',
    summary: 'What a component writes',
    description:
      'The last lines of its container. With `follow=true` or `Accept: text/event-stream` a stream of events `log`, each a `ComponentLine` whose `at` is the event’s id, also over replacements of the container.',
    params: z.object({ name: text('Such as `spark-master` or `datanode-1`.', /^[a-z][a-z0-9-]{0,62}$/) }),
    query: z.strictObject({
      tail: wholeNumber(1, 5000, 'At most this many of the lines so far, the newest; 500 by default.').optional(),
      follow: flag('Stay connected and get each new line.'),
    }),
    headers: z.object({
      'last-event-id': text('Id of the last event that the reader has.', /^[0-9TZ:.-]{20,40}$/).optional(),
    }),
    answers: {
      200: { description: 'The lines.', content: { 'text/plain': null, 'text/event-stream': null } },
    },
    problems: ['COMPONENT_UNKNOWN'],
  },
  desired: {
    id: 'desiredState',
    method: 'GET',
    path: '/api/v1/cluster/desired',
    tag,
    scope: 'read',
    answeredBy: 'scheduler',
    summary: 'What the cluster should be',
    description: 'Addresses of webhooks are whole for the scope `admin` only; others see whose they are.',
    answers: { 200: json(DesiredAnswer, 'The current revision.', { etag: 'The revision, for `If-Match`.' }) },
  },
  submitDesired: {
    id: 'submitDesiredState',
    method: 'PUT',
    path: '/api/v1/cluster/desired',
    tag,
    scope: 'admin',
    answeredBy: 'scheduler',
    summary: 'Change the cluster',
    description:
      'Takes the whole desired state, as the command line makes it from `sparkplug.yaml`. The change is carried out as an operation.',
    query: z.strictObject({ now: flag('Do not wait for running jobs.') }),
    headers: ifMatch,
    body: { schema: NewDesiredState },
    answers: changeAnswers,
    problems: ['CLUSTER_BUSY', 'CLI_TOO_OLD', 'REVISION_CONFLICT', 'CONFIG_INVALID'],
  },
  operation: {
    id: 'operation',
    method: 'GET',
    path: '/api/v1/operations/:id',
    tag,
    scope: 'read',
    answeredBy: 'scheduler',
    summary: 'A change of the cluster and its steps',
    params: operationId,
    answers: { 200: json(Operation, 'The operation as it stands.') },
    problems: ['OPERATION_UNKNOWN'],
  },
  operationEvents: {
    id: 'operationEvents',
    method: 'GET',
    path: '/api/v1/operations/:id/events',
    tag,
    scope: 'read',
    answeredBy: 'scheduler',
    summary: 'Follow a change of the cluster',
    params: operationId,
    answers: { 200: events('Events `operation`, each with the whole `Operation`; ends after the final one.') },
    problems: ['OPERATION_UNKNOWN'],
  },
  cancelOperation: {
    id: 'cancelOperation',
    method: 'POST',
    path: '/api/v1/operations/:id/cancel',
    tag,
    scope: 'admin',
    answeredBy: 'scheduler',
    summary: 'Stop a change of the cluster',
    params: operationId,
    answers: { 202: json(Operation, 'It stops after the step under work.') },
    problems: ['OPERATION_UNKNOWN'],
  },
  exec: {
    id: 'execInComponent',
    method: 'POST',
    path: '/api/v1/components/:name/exec',
    tag,
    scope: 'admin',
    answeredBy: 'scheduler',
    summary: 'Run a command in a container of the cluster',
    description:
      'On whichever machine it is, without a terminal. The command goes on where the caller leaves; its own failure is an exit code.',
    params: z.object({ name: text('Name of the component, such as `datanode-2`.') }),
    body: { schema: ExecRequest },
    answers: {
      200: events(
        'Events `output` with `{"source": "stdout" or "stderr", "data": base64}` as they come, then `exit` with `{"exitCode": number}`.',
      ),
    },
    problems: ['COMPONENT_UNKNOWN', 'CLUSTER_NOT_READY', 'AGENT_AWAY'],
  },
  events: {
    id: 'clusterEvents',
    method: 'GET',
    path: '/api/v1/events',
    tag,
    scope: 'read',
    answeredBy: 'scheduler',
    summary: 'What happened in the cluster',
    description:
      'With `follow=true` or `Accept: text/event-stream` a stream of server-sent events, whose `id` is the event’s `seq`.',
    query: z.strictObject({
      limit: wholeNumber(1, 2000, 'At most this many, the newest; 200 by default.').optional(),
      follow: flag('Stay connected and get each new event.'),
      from: wholeNumber(0, largestCount, 'First `seq` wanted of a stream.').optional(),
    }),
    headers: z.object({ 'last-event-id': lastEventId }),
    answers: {
      200: {
        description: 'The events, newest last.',
        content: { 'application/json': ClusterEventList, 'text/event-stream': null },
      },
    },
  },
});
