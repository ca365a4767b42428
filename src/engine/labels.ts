// The labels by which SparkPlug finds its things again; never by a name's prefix.
import { stackLabels } from '../stack/stack-labels.ts';

export const labels = {
  ...stackLabels,
  /** On the Swarm's first node: this Swarm was made by SparkPlug and may be left by it. */
  madeSwarm: 'sparkplug.swarm',
  /** On the same: it was made at an address so that further machines can join. */
  reachableSwarm: 'sparkplug.swarm.reachable',
  /** On the Swarm's machines: group id of their Docker socket. */
  socketGid: 'sparkplug.socket-gid',
  /** On images: which of SparkPlug's images it is. */
  image: 'sparkplug.image',
  /** On a Swarm node: cores to plan with instead of those that its engine counts. */
  cores: 'sparkplug.cores',
  /** On a Swarm node: simulated cores per real one; absent for 1. */
  coreScale: 'sparkplug.core-scale',
  /** On an engine, in its own settings: `none` where it must hold no DataNodes. */
  storage: 'sparkplug.storage',
  /** On a volume of a machine: its provider takes the machine away soon; the value says how (`terminate`). */
  notice: 'sparkplug.notice',
  /** On the same volume: ISO 8601 time until which the machine is there. */
  noticeUntil: 'sparkplug.notice-until',
  /** On a lab's containers, volumes and network: the project that the lab is of. */
  lab: 'sparkplug.lab',
} as const;
