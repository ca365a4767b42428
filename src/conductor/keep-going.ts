// Work that never ends by itself, taken up again where a bug or a full disk ended it.
import type { Clock } from '../runs/clock.ts';

/** Long enough that a failure that stays does not fill the log. */
const pauseMs = 60_000;

/** Never throws; ends with the shutdown. `onFailure` hears of every failure. */
export async function keepGoing(
  work: () => Promise<never>,
  {
    clock,
    shutdown,
    onFailure,
  }: { readonly clock: Clock; readonly shutdown: AbortSignal; readonly onFailure: (error: unknown) => void },
): Promise<void> {
  while (!shutdown.aborted) {
    try {
      await work();
    } catch (error) {
      if (shutdown.aborted) return;
      onFailure(error);
    }
    await clock.wait(pauseMs, shutdown).catch(() => undefined);
  }
}
