// Host keys as cloud-init writes them to a machine's console: the one way to know them before the first connection.
import { type HostKey, parseHostKeys } from './host-key.ts';

const begin = '-----BEGIN SSH HOST KEY KEYS-----';
const end = '-----END SSH HOST KEY KEYS-----';

/** The keys of the machine at `address`, of its latest boot; none where the console does not hold them (yet). */
export function readConsoleHostKeys(shown: string, address: string): readonly HostKey[] {
  const lines = shown.split(/\r?\n/);
  // Other messages of the console may stand in front of a line, such as the kernel's time.
  const start = lines.findLastIndex((line) => line.endsWith(begin));
  const stop = lines.findIndex((line, index) => index > start && line.endsWith(end));
  if (start < 0 || stop < 0) return [];
  return lines.slice(start + 1, stop).flatMap((line) => {
    const [, type, key] = /\b((?:ssh|ecdsa)-[\w-]+) ([A-Za-z0-9+/=]+)/.exec(line) ?? [];
    return type === undefined || key === undefined ? [] : parseHostKeys(`${address} ${type} ${key}`);
  });
}
