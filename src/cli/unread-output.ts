// What becomes of a command whose output nobody reads any more, as behind a `head` that has ended.
import type { EventEmitter } from 'node:events';

/**
 * Without a reader of its output a command has no purpose left: it ends quietly, with 0. Without one of its messages it
 * goes on, since work as long as `sparkplug up 2> >(head -1)` does not depend on who watches.
 */
export function surviveUnreadOutput(
  { stdout, stderr }: { readonly stdout: EventEmitter; readonly stderr: EventEmitter },
  exit: (code: number) => void,
): void {
  stdout.on('error', (error: NodeJS.ErrnoException) => exit(error.code === 'EPIPE' ? 0 : 1));
  stderr.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') exit(1);
  });
}
