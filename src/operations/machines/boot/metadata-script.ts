// The instance metadata service, version 2 only, for scripts of POSIX sh; pure.

/** Link-local, the same on every instance. */
const metadataUrl = 'http://169.254.169.254/latest';

/**
 * Defines `ask_metadata PATH [curl's options]`. The session token goes to curl through its standard input: everybody on the
 * machine can read a command line.
 */
export const defineAskMetadata: readonly string[] = [
  'ask_metadata() {',
  '  path=$1',
  '  shift',
  `  session=$(curl -fsS --max-time 5 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' ${metadataUrl}/api/token) || return 1`,
  `  curl -sS --max-time 5 "$@" --config - "${metadataUrl}/$path" <<END_OF_SETTINGS`,
  'header = "X-aws-ec2-metadata-token: $session"',
  'END_OF_SETTINGS',
  '}',
];
