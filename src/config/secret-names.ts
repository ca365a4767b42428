// Names of the files in /run/secrets: which ones SparkPlug makes itself, and which a user may choose.

/** Secrets that SparkPlug makes for every cluster. */
export const systemSecrets = ['spark_auth', 'control', 'web_tokens'] as const;
/** Those that it makes for a cluster whose published port speaks HTTPS. */
export const tlsSecrets = ['web_tls_cert', 'web_tls_key'] as const;
/** How the scheduler's webhooks leave: certificate authorities and proxies, whose addresses may hold passwords. */
export const webhookSecret = 'webhook_settings';
/** Those that it makes for a cluster of several machines. */
export const fleetSecrets = [
  'cluster_ca',
  'registry_tls_cert',
  'registry_tls_key',
  'registry_htpasswd',
  'registry_password',
  'agent_tls_cert',
  'agent_tls_key',
  'agent_client_cert',
  'agent_client_key',
] as const;
export type FleetSecret = (typeof fleetSecrets)[number];
/** The key of the cluster's own authority: it lies beside the secrets and never leaves this computer. */
export const authorityKey = 'cluster_ca_key';
export type SystemSecret = (typeof systemSecrets)[number];

/** Swarm takes 64 characters, of which `<project>-<6>_<name>_<12>` spends 21 on what is not the two names. */
const mostNameCharacters = 43;

/** Why `name` cannot be a job's secret in a project of that name; null for one that can. */
export function refuseSecretName(
  name: string,
  project: string,
): { readonly message: string; readonly hint: string } | null {
  const reserved: readonly string[] = [
    ...systemSecrets,
    ...tlsSecrets,
    ...fleetSecrets,
    authorityKey,
    webhookSecret,
    'token',
  ];
  if (reserved.includes(name))
    return { message: 'SparkPlug has a secret of this name itself.', hint: 'Choose another name.' };
  const most = mostNameCharacters - project.length;
  if (/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name) && name.length <= most && !name.endsWith('.tmp')) return null;
  return {
    message: 'This is no name for a secret.',
    hint: `Use letters, digits, \`_\`, \`-\` and \`.\`, a letter or digit first, ${most} at most in this project.`,
  };
}
