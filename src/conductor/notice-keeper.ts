// Machines whose provider takes them away soon: their work moves at once, and the Swarm forgets them when they are down.
import { z } from 'zod';
import { Notice } from '../adapters/agent/agent-protocol.ts';
import { SparkPlugError } from '../errors.ts';
import type { NoticeWatch } from '../operations/notice-watch.ts';
import type { Machine } from '../plan/cluster-plan.ts';
import type { Clock } from '../runs/clock.ts';
import type { ClusterStore } from '../runs/state/cluster-store.ts';
import type { ClusterKeeper } from './cluster-keeper.ts';

export interface NoticeKeeperParts {
  readonly watch: NoticeWatch;
  /** All machines of the Swarm; asked only while one is about to go. Throws when the engine is silent. */
  readonly machines: () => Promise<readonly Machine[]>;
  readonly keeper: Pick<ClusterKeeper, 'setDrained'>;
  /** Has the executors on a machine end and hand over what they hold, whatever else goes on. */
  readonly decommission: (machineId: string) => Promise<void>;
  /** Makes the Swarm forget a machine. Throws MACHINE_IN_USE while its drain goes on. */
  readonly remove: (machineId: string) => Promise<void>;
  readonly store: Pick<ClusterStore, 'setting' | 'set'>;
  readonly clock: Clock;
  readonly record: (kind: string, message: string) => void;
  readonly shutdown: AbortSignal;
}

/** Spot instances of EC2 have two minutes from their notice on. */
const watchMs = 3_000;
/** After a drain that was refused: planning it and looking over HDFS's files costs more than a question to an agent. */
const refusedPauseMs = 15_000;
/** A machine that is there so long after its time was not taken: what it says is left from before. */
const staleMs = 600_000;

/** A machine that was given notice; kept over restarts of the scheduler. */
const Noticed = Notice.extend({
  id: z.string(),
  name: z.string(),
  /** Its drain was begun; whoever cancels that is obeyed. */
  asked: z.boolean(),
});
type Noticed = Readonly<z.output<typeof Noticed>>;

/**
 * Asks agents every three seconds. A loop of its own beside the reconciler's, which waits for the changes it makes.
 * Running jobs are not waited for. Executors are decommissioned before anything else, also while somebody's change keeps
 * the drain itself from beginning; then the machine is drained as `machine drain --now` does, which HDFS may refuse
 * where blocks would be lost: nothing is thrown away for a notice. Never returns; ends with the shutdown's reason.
 */
export async function keepNoticed(parts: NoticeKeeperParts): Promise<never> {
  const { watch, clock, shutdown, store } = parts;
  const tell = createTeller(parts.record);
  let refusedUntilMs = 0;
  for (;;) {
    await clock.wait(watchMs, shutdown);
    const said = watch.look();
    const before = readNoticed(store);
    if (before.length === 0 && ![...said.values()].some((notice) => counts(notice, clock))) continue;
    const machines = await parts.machines().catch(() => null);
    if (machines === null) continue;
    const noticed = [...keepStanding(parts, before, said, machines), ...welcome(parts, before, said, machines)];
    writeNoticed(store, noticed);
    const pending = noticed.filter(({ asked }) => !asked);
    if (pending.length > 0 && clock.now() >= refusedUntilMs) {
      const refusal = await drain(parts, pending);
      if (refusal === null) {
        const begun = new Set(pending.map(({ id }) => id));
        writeNoticed(
          store,
          noticed.map((one) => (begun.has(one.id) ? { ...one, asked: true } : one)),
        );
      } else {
        const names = pending.map(({ name }) => name).join(', ');
        // What is busy with something else is asked again at the next look.
        const isBusy = refusal instanceof SparkPlugError && refusal.code === 'CLUSTER_BUSY';
        refusedUntilMs = isBusy ? 0 : clock.now() + refusedPauseMs;
        tell(names, isBusy ? `is drained after this: ${refusal.message}` : `cannot be drained: ${refusal.message}`);
      }
    }
    await forgetDown(parts, readNoticed(store), machines, tell);
  }
}

type Tell = (name: string, text: string) => void;

/** Records what is said again and again once. */
function createTeller(record: NoticeKeeperParts['record']): Tell {
  const told = new Map<string, string>();
  return (name, text) => {
    if (told.get(name) === text) return;
    told.set(name, text);
    record('machine', `${name} ${text}`);
  };
}

function counts(notice: Notice | null, clock: Clock): notice is Notice {
  if (notice === null) return false;
  return notice.until === null || Date.parse(notice.until) > clock.now() - staleMs;
}

/** Those that are still in the Swarm and not told to stay after all. */
function keepStanding(
  { record }: NoticeKeeperParts,
  before: readonly Noticed[],
  said: ReturnType<NoticeWatch['look']>,
  machines: readonly Machine[],
): readonly Noticed[] {
  return before.filter(({ id, name }) => {
    const machine = machines.find((one) => one.id === id);
    if (machine === undefined) return false;
    const stays = machine.state !== 'away' && said.get(id) === null;
    if (stays) record('machine', `${name} stays: its notice was taken back (sparkplug machine return ${name})`);
    return !stays;
  });
}

/** Those that are new: told of, and their executors sent away. */
function welcome(
  { clock, record, decommission }: NoticeKeeperParts,
  before: readonly Noticed[],
  said: ReturnType<NoticeWatch['look']>,
  machines: readonly Machine[],
): readonly Noticed[] {
  return machines.flatMap(({ id, name, conductor }): readonly Noticed[] => {
    const notice = said.get(id) ?? null;
    if (conductor || !counts(notice, clock) || before.some((one) => one.id === id)) return [];
    const { action, until } = notice;
    const when = until === null ? 'soon' : `at ${until}`;
    record('machine', `${name} goes ${when} (${action}): its provider gave notice; it is drained at once`);
    decommission(id).catch((error: unknown) => {
      record('machine', `the executors on ${name} could not be sent away: ${String(error)}`);
    });
    return [{ id, name, action, until, asked: false }];
  });
}

/** Null where it has begun. */
async function drain({ keeper }: NoticeKeeperParts, pending: readonly Noticed[]): Promise<Error | null> {
  try {
    await keeper.setDrained(pending, true, { ifMatch: null, now: true });
    return null;
  } catch (error) {
    // Whatever it is: there is no time to end over it.
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** One that was never drained stays: its DataNode waits for it, and its workers are planned elsewhere. */
async function forgetDown(
  { remove }: NoticeKeeperParts,
  noticed: readonly Noticed[],
  machines: readonly Machine[],
  tell: Tell,
): Promise<void> {
  const isDown = (id: string): boolean => machines.find((machine) => machine.id === id)?.state === 'away';
  for (const { id, name } of noticed.filter((one) => one.asked && isDown(one.id))) {
    try {
      await remove(id);
    } catch (error) {
      if (!(error instanceof SparkPlugError)) throw error;
      // Its drain goes on, or was cancelled.
      if (error.code !== 'MACHINE_IN_USE') tell(name, `is not removed: ${error.message}`);
    }
  }
}

function readNoticed(store: NoticeKeeperParts['store']): readonly Noticed[] {
  const text = store.setting('noticed');
  return text === null ? [] : z.array(Noticed).parse(JSON.parse(text));
}

function writeNoticed(store: NoticeKeeperParts['store'], noticed: readonly Noticed[]): void {
  const text = noticed.length === 0 ? null : JSON.stringify(noticed);
  if (text !== store.setting('noticed')) store.set('noticed', text);
}
