// Names that carry content: Swarm's configs and secrets cannot change, so a new content needs a new name.
import { createHash } from 'node:crypto';

/** First 12 hex digits of the SHA-256: short enough for a name, far too long to meet twice in one project. */
export function hashContent(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex').slice(0, 12);
}

/** Name in Swarm of something a project owns: `<projectId>_<name>`, with a hash where content matters. */
export function swarmName(projectId: string, name: string, hash?: string): string {
  return hash === undefined ? `${projectId}_${name}` : `${projectId}_${name}_${hash}`;
}
