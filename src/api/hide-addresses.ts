// Addresses of webhooks are often the whole of the receiver's protection: only admins see more than whose they are.
import type { JobConfig, NotifyTarget } from '../config/cluster-config.ts';
import type { DesiredState } from '../stack/desired-state.ts';
import type { Scope } from './schemas.ts';

/** Header by which web tells the scheduler what a caller may; nobody else's is passed on. */
export const scopeHeader = 'x-sparkplug-scope';

/** The desired state as a caller of that scope may see it: `https://hooks.example.com/…` but for `admin`. */
export function hideAddresses(desired: DesiredState, scope: Scope | null): DesiredState {
  if (scope === 'admin') return desired;
  const { config } = desired;
  return { ...desired, config: { ...config, jobs: config.jobs.map(hideOfJob) } };
}

function hideOfJob({ onFailure, onSuccess, ...job }: JobConfig): JobConfig {
  return {
    ...job,
    ...(onFailure && { onFailure: hide(onFailure) }),
    ...(onSuccess && { onSuccess: hide(onSuccess) }),
  };
}

function hide(target: NotifyTarget): NotifyTarget {
  return { ...target, url: URL.canParse(target.url) ? `${new URL(target.url).origin}/…` : '…' };
}
