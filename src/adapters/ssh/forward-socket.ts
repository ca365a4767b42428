// The socket of an engine on another machine as a socket here, through OpenSSH: one connection for any number of calls.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import pWaitFor, { TimeoutError } from 'p-wait-for';
import { pathExists } from '../host/path-exists.ts';
import { explainSshFailure, type SshTarget, sshArguments } from './ssh-shell.ts';

const openTimeoutMs = 30_000;

export interface ForwardedSocket {
  close(): Promise<void>;
}

/**
 * @param localSocket path of the socket to make, which must not exist
 * @throws SparkPlugError SSH_UNREACHABLE, SSH_REFUSED, HOST_KEY_UNKNOWN, HOST_KEY_CHANGED
 */
export async function forwardSocket(
  target: SshTarget,
  { localSocket, remoteSocket, signal }: { localSocket: string; remoteSocket: string; signal: AbortSignal },
  program = 'ssh',
): Promise<ForwardedSocket> {
  const child = spawn(
    program,
    [
      ...sshArguments(target),
      ...['-N', '-o', 'ExitOnForwardFailure=yes', '-L', `${localSocket}:${remoteSocket}`],
      target.destination,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, LC_ALL: 'C' } },
  );
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = `${said}${chunk.toString('utf8')}`.slice(-4_000);
  });
  // Without a listener a missing program would end this process.
  child.on('error', (error) => {
    said = error.message;
  });
  try {
    await pWaitFor(async () => hasEnded(child) || (await pathExists(localSocket)), {
      interval: 100,
      timeout: openTimeoutMs,
      signal,
    });
    if (hasEnded(child)) throw explainSshFailure(target.destination, said);
  } catch (error) {
    await end(child);
    if (error instanceof TimeoutError) throw explainSshFailure(target.destination, said || 'no answer');
    throw error;
  }
  return { close: () => end(child) };
}

function hasEnded({ exitCode, signalCode, pid }: ChildProcess): boolean {
  return pid === undefined || exitCode !== null || signalCode !== null;
}

async function end(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const closed = once(child, 'exit');
  child.kill();
  await closed;
}
