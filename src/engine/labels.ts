// The labels by which SparkPlug finds its things again; never by a name's prefix.
import { stackLabels } from '../stack/stack-labels.ts';

export const labels = {
  ...stackLabels,
  /** On the Swarm's first node: this Swarm was made by SparkPlug and may be left by it. */
  madeSwarm: 'sparkplug.swarm',
  /** On the Swarm's machines: group id of their Docker socket. */
  socketGid: 'sparkplug.socket-gid',
  /** On images: which of SparkPlug's images it is. */
  image: 'sparkplug.image',
} as const;
