import { SparkPlugError } from '../errors.ts';

/** An id is the project's name and six characters. */
const idPattern = /^(.+)-[0-9a-z]{6}$/;

/**
 * Refuses a second cluster of the same project name on one engine; `otherIds` are the ids its services carry.
 * @throws SparkPlugError NAME_TAKEN
 */
export function refuseTakenName(name: string, ownId: string, otherIds: readonly string[]): void {
  const taken = otherIds.find((id) => id !== ownId && idPattern.exec(id)?.[1] === name);
  if (taken === undefined) return;
  throw new SparkPlugError('NAME_TAKEN', `another project named ${name} has a cluster on this engine (${taken})`, {
    place: 'name',
    met: name,
    hint: 'change `name` in sparkplug.yaml, or run `sparkplug down` in the folder of the other project',
  });
}
