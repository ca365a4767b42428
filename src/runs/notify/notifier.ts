// Delivers what is in the outbox, at least once each: tried again for about an hour, then given up with an event.
import type { PostWebhook, WebhookAnswer, WebhookPost } from '../../adapters/webhook/post-webhook.ts';
import type { ChangeSignal } from '../change-signal.ts';
import type { Clock } from '../clock.ts';
import type { CounterStore } from '../state/counter-store.ts';
import { type OutboxEntry, type OutboxStore, outboxKey } from '../state/outbox-store.ts';
import { signBody } from './sign-body.ts';

export interface NotifierParts {
  readonly outbox: OutboxStore;
  readonly counters: CounterStore;
  readonly changes: ChangeSignal;
  readonly clock: Clock;
  readonly version: string;
  readonly post: PostWebhook;
  /** Value of a secret; null when the scheduler was not given one of this name. */
  readonly readSecret: (name: string) => Uint8Array | null;
  readonly record: (kind: string, message: string) => void;
  readonly shutdown: AbortSignal;
}

/** One exchange, from looking up the name to the answer's end. */
const timeoutMs = 10_000;
/** Deliveries at once. */
const together = 8;
const firstDelayMs = 10_000;
const longestDelayMs = 15 * 60_000;
/** With the delays below: the last attempt is about 66 minutes after the first. */
const mostAttempts = 11;

/** Milliseconds between failed attempt `number` (from 1) and the next: 10 s, doubled each time, at most 15 minutes. */
export function notifyDelayMs(number: number): number {
  return Math.min(firstDelayMs * 2 ** (number - 1), longestDelayMs);
}

/** Delivers until the shutdown; rejects with its reason. What is under way then is tried again by the next scheduler. */
export async function deliverNotifications(parts: NotifierParts): Promise<never> {
  const { outbox, clock, changes, shutdown } = parts;
  const active = new Set<string>();
  const failed = Promise.withResolvers<never>();
  const begin = (entry: OutboxEntry): void => {
    active.add(entry.id);
    deliver(parts, entry)
      .catch(failed.reject)
      .finally(() => {
        active.delete(entry.id);
        changes.changed(outboxKey);
      });
  };
  for (;;) {
    shutdown.throwIfAborted();
    const seen = changes.version(outboxKey);
    const now = clock.now();
    // Those under way count as due until they are settled.
    const due = outbox.due(now, now + longestDelayMs, 2 * together).filter(({ id }) => !active.has(id));
    for (const entry of due.slice(0, together - active.size)) begin(entry);
    await Promise.race([failed.promise, waitForMore(parts, seen, now)]);
  }
}

/** Until one is added or settled, or the next is due. */
async function waitForMore(
  { outbox, clock, changes, shutdown }: NotifierParts,
  seen: number,
  now: number,
): Promise<void> {
  const over = new AbortController();
  const signal = AbortSignal.any([shutdown, over.signal]);
  const next = outbox.nextAfter(now);
  const changed = changes.after(outboxKey, seen, signal);
  try {
    await (next === null ? changed : Promise.race([changed, clock.wait(next - now, signal)]));
  } finally {
    over.abort();
  }
}

async function deliver(parts: NotifierParts, entry: OutboxEntry): Promise<void> {
  const { secret } = entry.target;
  const key = secret === null ? null : parts.readSecret(secret);
  // Rather none than one that its receiver cannot trust.
  if (secret !== null && key === null) {
    giveUp(parts, entry, `the secret ${secret} is not set; sparkplug up brings it`);
    return;
  }
  const answer = await parts.post(buildPost(parts, entry, key), { timeoutMs, signal: parts.shutdown });
  parts.shutdown.throwIfAborted();
  if (answer.kind === 'answered' && answer.status >= 200 && answer.status < 300) {
    settle(parts, entry, 'delivered');
    parts.record('notify', `${entry.event} of ${entry.run} was told to ${hostOf(entry)}`);
    return;
  }
  const attempts = entry.attempts + 1;
  if (!mayPass(answer)) giveUp(parts, entry, describe(answer));
  else if (attempts >= mostAttempts) giveUp(parts, entry, `${describe(answer)}, ${attempts} attempts`);
  else postpone(parts, entry, attempts, answer);
}

function buildPost({ clock, version }: NotifierParts, entry: OutboxEntry, key: Uint8Array | null): WebhookPost {
  return {
    url: entry.target.url,
    body: entry.body,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'user-agent': `SparkPlug/${version}`,
      'x-sparkplug-event': entry.event,
      'x-sparkplug-delivery': entry.id,
      ...(key === null ? {} : { 'x-sparkplug-signature': signBody(entry.body, key, clock.now()) }),
    },
  };
}

/** Silence, overload and the receiver's own faults may pass; any other answer is its final word. */
function mayPass(answer: WebhookAnswer): boolean {
  return answer.kind === 'silent' || answer.status >= 500 || answer.status === 429;
}

function postpone(parts: NotifierParts, entry: OutboxEntry, attempts: number, answer: WebhookAnswer): void {
  const { clock, outbox, record } = parts;
  const wantedMs = answer.kind === 'answered' ? (answer.retryAfterMs ?? 0) : 0;
  const delayMs = Math.min(Math.max(notifyDelayMs(attempts), wantedMs), longestDelayMs);
  outbox.postpone(entry.id, attempts, clock.now() + delayMs);
  if (attempts > 1) return;
  const why = `${describe(answer)}; it is tried again for about an hour`;
  record('notify', `${entry.event} of ${entry.run} could not be told to ${hostOf(entry)} yet: ${why}`);
}

function giveUp(parts: NotifierParts, entry: OutboxEntry, why: string): void {
  settle(parts, entry, 'failed');
  parts.record('problem', `${entry.event} of ${entry.run} was not told to ${hostOf(entry)}: ${why}`);
}

function settle({ outbox, counters }: NotifierParts, entry: OutboxEntry, outcome: 'delivered' | 'failed'): void {
  outbox.remove(entry.id);
  counters.add('notifications', { outcome });
}

function describe(answer: WebhookAnswer): string {
  return answer.kind === 'silent' ? answer.reason : `it answered ${answer.status}`;
}

/** The rest of the address may be confidential: many receivers know their callers by it. */
function hostOf({ target }: OutboxEntry): string {
  return new URL(target.url).host;
}
