// The time, for texts such as "3 min ago" and durations that go on.
import { useEffect, useState } from 'react';

/** Milliseconds since 1970, anew at every interval. */
export function useNow(intervalMs: number): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), intervalMs);
    return () => clearInterval(timer);
  }, [intervalMs]);
  return now;
}
