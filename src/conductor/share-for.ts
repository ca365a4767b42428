// One answer for all who ask at about the same time.
import type { Clock } from '../runs/clock.ts';

/**
 * Who asks while the answer is still awaited, or within `milliseconds` of the question, shares it: however many ask a
 * component that is silent, it is asked once. A failure is not kept.
 * @param version what is asked for has changed where this is another one: no earlier answer is shared then
 */
export function shareFor<T>(
  clock: Clock,
  milliseconds: number,
  ask: () => Promise<T>,
  version: () => number = () => 0,
): () => Promise<T> {
  let shared: Shared<T> | null = null;
  return () => {
    const isFresh = ({ open, askedAtMs }: Shared<T>) => open || Math.abs(clock.now() - askedAtMs) < milliseconds;
    if (shared !== null && shared.version === version() && isFresh(shared)) return shared.answer;
    const entry: Shared<T> = { version: version(), askedAtMs: clock.now(), answer: ask(), open: true };
    shared = entry;
    entry.answer.then(
      () => {
        entry.open = false;
      },
      () => {
        if (shared === entry) shared = null;
      },
    );
    return entry.answer;
  };
}

interface Shared<T> {
  readonly version: number;
  readonly askedAtMs: number;
  readonly answer: Promise<T>;
  open: boolean;
}
