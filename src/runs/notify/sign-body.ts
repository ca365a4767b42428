// The signature of a notification: whoever has the secret can tell that it is ours, unchanged, and fresh. Pure.
import { createHmac } from 'node:crypto';

/** Header `X-SparkPlug-Signature`: `t=<Unix time in seconds>,v1=<hex HMAC-SHA256 over "t.body">`. */
export function signBody(body: string, key: Uint8Array, nowMs: number): string {
  const time = Math.floor(nowMs / 1000);
  const digest = createHmac('sha256', key).update(`${time}.${body}`).digest('hex');
  return `t=${time},v1=${digest}`;
}
