// Images from one engine to another, streamed: nothing of them lies on a disk in between.
import { execa } from 'execa';
import { SparkPlugError } from '../../errors.ts';

interface Transfer {
  /** Docker contexts. */
  readonly from: string;
  readonly to: string;
  readonly refs: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

/** Layers that the other engine has already are sent again and dropped there. @throws SparkPlugError DOCKER_FAILED */
export async function transferImages({ from, to, refs, signal }: Transfer): Promise<void> {
  if (refs.length === 0) return;
  signal?.throwIfAborted();
  const cancel = signal === undefined ? {} : { cancelSignal: signal };
  const result = await execa('docker', ['--context', from, 'save', ...refs], {
    ...cancel,
    reject: false,
    buffer: { stdout: false },
    stdin: 'ignore',
  }).pipe('docker', ['--context', to, 'load', '--quiet'], { ...cancel, reject: false });
  signal?.throwIfAborted();
  const failed = [...result.pipedFrom, result].find(({ exitCode }) => exitCode !== 0);
  if (failed === undefined) return;
  throw new SparkPlugError('DOCKER_FAILED', `images could not be copied: ${String(failed.stderr).trim()}`, {
    met: `from context ${from} to ${to}`,
    hint: 'run the command again; what has arrived stays',
  });
}
