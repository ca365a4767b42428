// Bundles the command line and the two conductor processes into dist/, when their sources changed since the last time.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stampFile = join(root, 'dist', '.stamp');

const programs = {
  cli: 'src/cli/main.ts',
  web: 'src/conductor/web.ts',
  scheduler: 'src/conductor/scheduler.ts',
};

// Some packages are CommonJS and expect these names.
const banner = [
  "import { createRequire as __createRequire } from 'node:module';",
  "import { fileURLToPath as __fileURLToPath } from 'node:url';",
  "import { dirname as __dirnameOf } from 'node:path';",
  'const require = __createRequire(import.meta.url);',
  'const __filename = __fileURLToPath(import.meta.url);',
  'const __dirname = __dirnameOf(__filename);',
].join('\n');

function listSources(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.test.ts'))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}

function hashSources() {
  const hash = createHash('sha256');
  const own = ['package.json', 'package-lock.json', 'scripts/build.mjs'].map((file) => join(root, file));
  for (const file of [...listSources(join(root, 'src')), ...own].sort()) {
    hash
      .update(`${relative(root, file)}\0`)
      .update(readFileSync(file))
      .update('\0');
  }
  return hash.digest('hex');
}

function readStamp() {
  try {
    return readFileSync(stampFile, 'utf8');
  } catch {
    return null;
  }
}

/** True when dist/ does not match the sources. */
export function isBuildNeeded() {
  return readStamp() !== hashSources();
}

/** Bundles the programs named (all by default) into a folder. */
export async function bundleInto(outdir, names = Object.keys(programs)) {
  const { build: bundle } = await import('esbuild');
  await bundle({
    absWorkingDir: root,
    entryPoints: Object.fromEntries(names.map((name) => [name, programs[name]])),
    outdir,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    external: ['@duckdb/node-api'],
    banner: { js: banner },
    logLevel: 'warning',
    legalComments: 'none',
  });
}

/** Writes dist/{cli,web,scheduler}.js. The stamp comes last, so an interrupted build is done again. */
export async function build() {
  const stamp = hashSources();
  const out = join(root, 'dist');
  mkdirSync(out, { recursive: true });
  rmSync(stampFile, { force: true });
  // Written aside and renamed: a `sparkplug` that starts meanwhile reads a whole file.
  const aside = join(out, `.new-${process.pid}`);
  try {
    await bundleInto(aside);
    for (const name of readdirSync(aside)) renameSync(join(aside, name), join(out, name));
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
  writeFileSync(stampFile, stamp);
}
