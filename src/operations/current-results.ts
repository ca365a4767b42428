// Which version of each result is served: asked of the scheduler each time, remembered for when it is away.
import { readFile, rename, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { type ResultInfo, ResultList } from '../api/schemas.ts';

export interface CurrentResults {
  /** As the scheduler says now; what it said last while it does not answer; empty when it never did. */
  list(): Promise<readonly ResultInfo[]>;
}

/** A reader waits this long for a slow scheduler before it gets the list known last. */
const patienceMs = 500;

/**
 * `fetchList` asks the scheduler. A reader never sees a list older than its own request while the scheduler answers: requests
 * that arrive together share the next question, never one that was already on its way.
 */
export async function createCurrentResults(
  fetchList: () => Promise<readonly ResultInfo[]>,
  cacheFile: string,
): Promise<CurrentResults> {
  let known = await readCache(cacheFile);
  let asking: Promise<void> = Promise.resolve();
  let next: Promise<void> | null = null;

  const ask = async (): Promise<void> => {
    const list = await fetchList();
    const changed = JSON.stringify(list) !== JSON.stringify(known);
    known = list;
    if (changed) await writeCache(cacheFile, list);
  };
  const askNext = (): Promise<void> => {
    next ??= asking.then(() => {
      next = null;
      const question = ask();
      asking = question.catch(() => undefined);
      return question;
    });
    return next;
  };

  return {
    list: async () => {
      const answered = askNext().catch(() => undefined);
      if (known === null) await answered;
      else await Promise.race([answered, delay(patienceMs, undefined, { ref: false })]);
      return known ?? [];
    },
  };
}

async function readCache(file: string): Promise<readonly ResultInfo[] | null> {
  try {
    return ResultList.parse(JSON.parse(await readFile(file, 'utf8'))).results;
  } catch {
    // Absent at the first start; a damaged one is replaced by the scheduler's next answer.
    return null;
  }
}

/** Best effort: with a full disk the list in memory still serves. */
async function writeCache(file: string, results: readonly ResultInfo[]): Promise<void> {
  try {
    await writeFile(`${file}.new`, JSON.stringify({ results }), { flush: true });
    await rename(`${file}.new`, file);
  } catch {
    return;
  }
}
