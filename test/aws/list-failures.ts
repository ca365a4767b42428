// Which calls of an operation fail in which way, each in a run of its own.
import type { Fault } from './fault-proxy.ts';

export interface Failure {
  /** From 1. */
  readonly call: number;
  readonly action: string;
  readonly fault: Fault;
}

/** What never reached AWS is the same there, however the caller learns of it: the ways take turns. */
const notDone: readonly Fault[] = ['error', 'cut', 'throttling'];
/** `npm run test:aws` fails every call, `npm test` one in three: all of them take minutes. */
const stride = process.env.SPARKPLUG_AWS_CALLS === 'all' ? 1 : 3;

/** For the titles of tests. */
export const failingCalls = stride === 1 ? 'every call' : 'one call in three';

/** Calls that only read are the same whether they have worked or not; of others the answer is lost in a run more. */
export function listFailures(calls: readonly string[]): readonly Failure[] {
  return calls.flatMap((action, index): readonly Failure[] => {
    if (index % stride > 0) return [];
    const fault = notDone[(index / stride) % notDone.length] ?? 'error';
    const failure = { call: index + 1, action, fault };
    return isChange(action) ? [failure, { ...failure, fault: 'lost' }] : [failure];
  });
}

export function isChange(action: string): boolean {
  return !/^(?:Describe|Get|List)/.test(action);
}
