// A transfer that goes on where it broke off.
import { Readable } from 'node:stream';
import { hdfsAway } from './webhdfs-error.ts';

const mostBreaks = 3;

/**
 * The bytes of `first` and, where it breaks off before there are `bytes` of them, of what `goOn` opens behind those that
 * came. An error of `goOn` ends it, as does one of the source that `isBreak` does not know; HDFS_AWAY after three breaks
 * without a byte between them. Destroying it ends the source.
 */
export function resumeStream(
  first: Readable,
  bytes: number,
  isBreak: (error: unknown) => boolean,
  goOn: (behind: number) => Promise<Readable>,
): Readable {
  let source = first;
  async function* read(): AsyncGenerator<Buffer> {
    let got = 0;
    let breaks = 0;
    for (;;) {
      let cause: unknown = new Error(`only ${got} of ${bytes} bytes came`);
      try {
        for await (const chunk of source as AsyncIterable<Buffer>) {
          got += chunk.length;
          breaks = 0;
          yield chunk;
        }
      } catch (error) {
        if (!isBreak(error)) throw error;
        cause = error;
      }
      if (got >= bytes) return;
      breaks += 1;
      if (breaks >= mostBreaks) throw hdfsAway(cause);
      source = await goOn(got);
      if (stream.destroyed) source.destroy();
    }
  }
  const stream = Readable.from(read());
  return stream.once('close', () => source.destroy());
}
