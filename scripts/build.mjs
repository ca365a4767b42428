// Builds dist/: the command line, the conductor's processes and the dashboard; each part when its sources changed.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const out = join(root, 'dist');
/** What dist/ is made of: per part the file that tells its sources' hash, and its sources. */
const parts = {
  programs: { stampFile: join(out, '.stamp'), folders: ['src'], files: ['scripts/build.mjs'] },
  dashboard: {
    stampFile: join(out, '.dashboard-stamp'),
    folders: ['dashboard/src', 'dashboard/public'],
    files: ['dashboard/index.html', 'dashboard/vite.config.mjs', 'scripts/build.mjs'],
  },
};

const programs = {
  cli: 'src/cli/main.ts',
  web: 'src/conductor/web.ts',
  scheduler: 'src/conductor/scheduler.ts',
  agent: 'src/conductor/agent.ts',
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

function hashSources({ folders, files }) {
  const hash = createHash('sha256');
  const own = ['package.json', 'package-lock.json', ...files].map((file) => join(root, file));
  for (const file of [...folders.flatMap((folder) => listSources(join(root, folder))), ...own].sort()) {
    hash
      .update(`${relative(root, file)}\0`)
      .update(readFileSync(file))
      .update('\0');
  }
  return hash.digest('hex');
}

function readStamp({ stampFile }) {
  try {
    return readFileSync(stampFile, 'utf8');
  } catch {
    return null;
  }
}

function isPartNeeded(part) {
  return readStamp(part) !== hashSources(part);
}

/** True when dist/ does not match the sources. */
export function isBuildNeeded() {
  return Object.values(parts).some(isPartNeeded);
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
    // Loaded from node_modules, and of the SDK only what a verb asks for: most verbs never do.
    external: ['@duckdb/node-api', '@aws-sdk/*'],
    banner: { js: banner },
    logLevel: 'warning',
    legalComments: 'none',
  });
}

async function buildPrograms() {
  // Written aside and renamed: a `sparkplug` that starts meanwhile reads a whole file.
  const aside = join(out, `.new-${process.pid}`);
  try {
    await bundleInto(aside);
    for (const name of readdirSync(aside)) renameSync(join(aside, name), join(out, name));
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

/** Smaller files gain nothing. */
const leastBytesToCompress = 1024;

/** Vite wants a newer Node than the one that npm may run with. */
async function buildDashboard() {
  const pinned = join(root, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node');
  const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js');
  const aside = join(out, `.new-dashboard-${process.pid}`);
  const target = join(out, 'dashboard');
  const args = [vite, 'build', '--config', join(root, 'dashboard', 'vite.config.mjs'), '--outDir', aside];
  try {
    await promisify(execFile)(existsSync(pinned) ? pinned : process.execPath, args, { cwd: root });
    for (const file of listSources(aside).filter((name) => /\.(js|css|html|svg)$/.test(name))) {
      const content = readFileSync(file);
      if (content.length >= leastBytesToCompress) writeFileSync(`${file}.gz`, gzipSync(content, { level: 9 }));
    }
    rmSync(target, { recursive: true, force: true });
    renameSync(aside, target);
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

const builders = { programs: buildPrograms, dashboard: buildDashboard };

/** Writes dist/{cli,web,scheduler,agent}.js and dist/dashboard/. A stamp comes last, so an interrupted build is done again. */
export async function build() {
  mkdirSync(out, { recursive: true });
  for (const [name, part] of Object.entries(parts)) {
    if (!isPartNeeded(part)) continue;
    const stamp = hashSources(part);
    rmSync(part.stampFile, { force: true });
    await builders[name]();
    writeFileSync(part.stampFile, stamp);
  }
}
