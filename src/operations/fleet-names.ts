// Names that the parts of a cluster of several machines know each other by.

/** The one user of the registry. */
export const registryUser = 'sparkplug';
/** What agents and scheduler prove to each other, wherever they are. */
export const agentHost = 'agent.sparkplug';
export const schedulerHost = 'scheduler.sparkplug';
/** The registry's name on the control network. */
export const registryHost = 'registry';
