// A health probe that costs one short bash: any HTTP answer at all proves that the event loop turns.
import type { Healthcheck } from './stack-spec.ts';

/**
 * Probes a Node process; a minute of silence gets it replaced. The names of a service appear in DNS after the first
 * healthy answer, hence the short interval. JVM services have no probe: nothing would be won but a later name, since a
 * dead JVM ends its container and a lost one is seen by those that talk to it.
 */
export function probeHttp(host: string, port: number): Healthcheck {
  const script =
    `exec 3<>/dev/tcp/${host}/${port} && printf 'GET /healthz HTTP/1.0\\r\\n\\r\\n' >&3 ` +
    '&& read -r -t 4 -u 3 line && [[ $line == HTTP/* ]]';
  return { test: ['CMD', 'bash', '-c', script], intervalMs: 3000, timeoutMs: 5000, retries: 20, startPeriodMs: 30_000 };
}
