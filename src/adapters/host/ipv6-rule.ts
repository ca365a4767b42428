// The rule by which this computer's firewall keeps a published port from IPv6 clients elsewhere.
import { runProgram } from './run-program.ts';

/** Arguments of `ip6tables` after `-I` or `-C`. Docker's proxy listens on the machine itself, so `INPUT` sees its clients. */
export function ipv6Rule(port: number): readonly string[] {
  return ['INPUT', '-p', 'tcp', '--dport', `${port}`, '!', '-i', 'lo', '-j', 'REJECT', '--reject-with', 'tcp-reset'];
}

/** Whether that very rule is in force; false as well where this user may not look. */
export async function isIpv6PortRefused(port: number): Promise<boolean> {
  const { found, exitCode } = await runProgram('ip6tables', ['-C', ...ipv6Rule(port)]);
  return found && exitCode === 0;
}
