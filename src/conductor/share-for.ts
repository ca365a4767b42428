// One answer for all who ask at about the same time.
import type { Clock } from '../runs/clock.ts';

/**
 * Who asks while the answer is still awaited, or within `milliseconds` of the question, shares it: however many ask a
 * component that is silent, it is asked once. A failure is not kept.
 */
export function shareFor<T>(clock: Clock, milliseconds: number, ask: () => Promise<T>): () => Promise<T> {
  let shared: { readonly askedAtMs: number; readonly answer: Promise<T>; open: boolean } | null = null;
  return () => {
    if (shared !== null && (shared.open || Math.abs(clock.now() - shared.askedAtMs) < milliseconds)) {
      return shared.answer;
    }
    const entry = { askedAtMs: clock.now(), answer: ask(), open: true };
    shared = entry;
    entry.answer.then(
      () => {
        entry.open = false;
      },
      () => {
        shared = null;
      },
    );
    return entry.answer;
  };
}
