// The labels by which SparkPlug finds its things again; never by a name's prefix.

export const labels = {
  /** On everything a project owns: the project's id. */
  project: 'sparkplug.project',
  /** On services and containers: the component, e.g. `datanode`. */
  component: 'sparkplug.component',
  /** On services: the name inside the project, e.g. `datanode-1`. */
  service: 'sparkplug.service',
  /** On services: hash of the ServiceSpec. */
  spec: 'sparkplug.spec',
  /** On the Swarm's first node: this Swarm was made by SparkPlug and may be left by it. */
  madeSwarm: 'sparkplug.swarm',
  /** On images: which of SparkPlug's images it is. */
  image: 'sparkplug.image',
} as const;
