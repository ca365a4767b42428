// The client's calls about scaling and machines.
import { type CallOptions, signalOf } from './exchange.ts';
import type { components } from './openapi.d.ts';
import { MachineList, OperationStarted, type ScaleChange, Unchanged } from './schemas.ts';
import { readData, settled, type TypedClient } from './typed-client.ts';

/** `unchanged`: the cluster already is like that and nothing was started. */
export type Submission =
  | { readonly kind: 'accepted'; readonly operation: string }
  | { readonly kind: 'unchanged'; readonly revision: number };

export interface ChangeCall extends CallOptions {
  /** Only when the cluster still has this revision. */
  readonly ifMatch?: number;
  /** Do not wait for running jobs. */
  readonly now?: boolean;
  /** Go on where data would be lost. */
  readonly force?: boolean;
}

export interface MachineCalls {
  machines(options?: CallOptions): Promise<MachineList['machines']>;
  scale(change: ScaleChange, options?: ChangeCall): Promise<Submission>;
  /** Takes all of the project off a machine. */
  drainMachine(name: string, options?: ChangeCall): Promise<Submission>;
  /** Lets a drained machine take containers again. */
  returnMachine(name: string, options?: ChangeCall): Promise<Submission>;
  /** Makes the Swarm forget a machine that was drained. */
  removeMachine(name: string, options?: CallOptions): Promise<void>;
}

export function machineCalls(api: TypedClient): MachineCalls {
  return {
    machines: async (call) =>
      (await readData(MachineList, api.GET('/api/v1/machines', { ...signalOf(call) }))).machines,
    scale: (change, call = {}) => {
      const body = change as components['schemas']['ScaleChange'];
      return readSubmission(api.POST('/api/v1/cluster/scale', { params: flagsOf(call), body, ...signalOf(call) }));
    },
    drainMachine: (name, call = {}) => {
      const params = { path: { name }, ...flagsOf(call) };
      return readSubmission(api.POST('/api/v1/machines/{name}/drain', { params, ...signalOf(call) }));
    },
    returnMachine: (name, call = {}) => {
      const params = { path: { name }, ...flagsOf(call) };
      return readSubmission(api.POST('/api/v1/machines/{name}/return', { params, ...signalOf(call) }));
    },
    removeMachine: async (name, call) => {
      await settled(api.DELETE('/api/v1/machines/{name}', { params: { path: { name } }, ...signalOf(call) }));
    },
  };
}

/** Flags that are off and a revision that is not asked for are left out. */
export function flagsOf({ ifMatch, now, force }: ChangeCall) {
  return {
    query: { ...(now === true && { now }), ...(force === true && { force }) },
    header: ifMatch === undefined ? {} : { 'if-match': `"${ifMatch}"` },
  };
}

/** What a change answered: 202 with its operation, or 200. */
export async function readSubmission(submitting: Parameters<typeof settled>[0]): Promise<Submission> {
  const answer = await settled(submitting);
  if (answer.response.status === 202) {
    return { kind: 'accepted', operation: (await readData(OperationStarted, submitting)).operation };
  }
  return { kind: 'unchanged', revision: (await readData(Unchanged, submitting)).revision };
}
