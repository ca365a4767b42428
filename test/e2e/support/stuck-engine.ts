// An engine that answers no more is a finding of its own: its daemon tells where it waits when it is asked by a signal.
import { copyFile, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import pWaitFor from 'p-wait-for';

const stackFolder = '/var/run/docker';
/** Calls that between them take every lock of the daemon that was ever seen held for good. */
const probes = [['network', 'ls'], ['ps'], ['service', 'ls'], ['volume', 'ls']] as const;
const answerWithinMs = 20_000;
/** Printed of each waiting goroutine: enough to see who waits for whom. */
const printedLines = 14;

/**
 * Where a call goes unanswered, prints which, and what the daemon's goroutines have been waiting for. True then.
 * Debian's 20.10 lacks the fixes of two deadlocks in libnetwork (moby/libnetwork#2679, moby/moby#43379).
 */
export async function explainStuckEngine(artifacts: string): Promise<boolean> {
  const answers = await Promise.all(
    probes.map((args) => execa('docker', args, { reject: false, timeout: answerWithinMs })),
  );
  const stuck = probes.filter((_, index) => answers[index]?.timedOut);
  if (stuck.length === 0) return false;
  console.log(`the engine gives no answer to: ${stuck.map((args) => `docker ${args.join(' ')}`).join(', ')}`);
  const { stdout: pid } = await execa('pgrep', ['-o', '-x', 'dockerd'], { reject: false });
  if (pid === '') return true;
  const before = await listStacks();
  process.kill(Number(pid), 'SIGUSR1');
  const isWritten = async () => (await listStacks()).length > before.length;
  await pWaitFor(isWritten, { interval: 200, timeout: { milliseconds: answerWithinMs, fallback: () => {} } });
  const [file] = (await listStacks()).filter((name) => !before.includes(name));
  if (file === undefined) return true;
  await copyFile(join(stackFolder, file), join(artifacts, 'dockerd-goroutines.txt'));
  const goroutines = (await readFile(join(stackFolder, file), 'utf8')).split('\n\n');
  const waiting = goroutines.filter((text) => /^goroutine \d+ \[(?:semacquire|sync\.|chan|select).*minutes/.test(text));
  const ours = waiting.filter((text) => /libnetwork|daemon\/cluster|swarmkit\/agent|daemon\.\(/.test(text));
  for (const text of ours) console.log(text.split('\n').slice(0, printedLines).join('\n'), '\n');
  return true;
}

async function listStacks(): Promise<readonly string[]> {
  return (await readdir(stackFolder)).filter((name) => name.startsWith('goroutine-stacks'));
}
