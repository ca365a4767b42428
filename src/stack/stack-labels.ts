// The labels that a deployed stack carries; everything of a project is found again by them.

export const stackLabels = {
  /** On everything a project owns: the project's id. */
  project: 'sparkplug.project',
  /** On services and containers: the component, e.g. `datanode`. */
  component: 'sparkplug.component',
  /** On services and containers: the name inside the project, e.g. `datanode-1`. */
  service: 'sparkplug.service',
  /** On services and containers: hash of the ServiceSpec. */
  spec: 'sparkplug.spec',
  /** On services: id of the machine they must stay on; absent where any manager will do. */
  machine: 'sparkplug.machine',
} as const;
