// What the old builder leaves behind: the images of stages that only others copied from, host settings and all.

/**
 * Ids of the last image of each stage but the final one; of a build that failed, of the final one, too. The id after FROM is
 * the image that a stage starts from, and never among them.
 */
export function findStages(log: readonly string[], succeeded: boolean): readonly string[] {
  const stages: string[] = [];
  let last: string | null = null;
  let afterFrom = false;
  for (const line of log) {
    if (/^Step \d+\/\d+ : FROM/.test(line)) {
      if (last !== null) stages.push(last);
      last = null;
      afterFrom = true;
      continue;
    }
    const id = /^ ---> ([0-9a-f]{12})$/.exec(line.trimEnd())?.[1];
    if (id === undefined) continue;
    if (afterFrom) afterFrom = false;
    else last = id;
  }
  return succeeded || last === null ? stages : [...stages, last];
}
