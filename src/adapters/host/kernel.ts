// What this computer's kernel can do and which addresses it has.
import { readFile } from 'node:fs/promises';
import { networkInterfaces, release } from 'node:os';
import { pathExists } from './path-exists.ts';

/** Kernel modules among `names` that are neither loaded, built in nor available on disk. */
export async function findMissingModules(names: readonly string[]): Promise<readonly string[]> {
  const folder = `/lib/modules/${release()}`;
  const [builtIn, available] = await Promise.all(
    ['modules.builtin', 'modules.dep'].map((file) => readOrNull(`${folder}/${file}`)),
  );
  const missing: string[] = [];
  for (const name of names) {
    const listed = [builtIn, available].some((text) => text?.includes(`/${name}.ko`) === true);
    if (!listed && !(await pathExists(`/sys/module/${name}`))) missing.push(name);
  }
  // A kernel without any list of modules (many virtual machines) tells nothing: everything may be built in.
  return builtIn === null && available === null ? [] : missing;
}

/** IPv6 addresses of this computer that others may reach: neither loopback, link-local nor unique local. */
export function listGlobalIpv6Addresses(): readonly string[] {
  return Object.entries(networkInterfaces()).flatMap(([name, addresses]) =>
    /^(?:docker|br-|veth)/.test(name)
      ? []
      : (addresses ?? [])
          .filter(({ family, internal }) => family === 'IPv6' && !internal)
          .map(({ address }) => address)
          .filter((address) => /^[23]/.test(address)),
  );
}

async function readOrNull(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    return null;
  }
}
