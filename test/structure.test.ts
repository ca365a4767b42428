// Who may import whom: the table of the architecture, checked on every source file.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join, posix, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Everybody may import these: they know nothing of the pipeline. */
const common = ['errors.ts', 'progress.ts', 'units.ts', 'version.ts', 'package-root.ts', 'cron.ts', 'config/units.ts'];

/** `types X`: only `import type` from X. Files are named in full, folders without a slash at the end. */
const table: Readonly<Record<string, readonly string[]>> = {
  config: [],
  plan: ['types config'],
  stack: ['types config', 'types plan'],
  images: ['types config', 'types stack', 'adapters'],
  engine: ['types config', 'types plan', 'stack', 'adapters'],
  runs: ['types config', 'types stack', 'api/schemas.ts', 'adapters'],
  adapters: ['types api/schemas.ts'],
  operations: ['config', 'plan', 'stack', 'images', 'engine', 'runs', 'adapters', 'api/schemas.ts', 'api/client.ts'],
  // The shapes of the REST API are nobody's; its client is a gate to the outside like an adapter.
  'api/schemas.ts': [],
  'api/client.ts': ['api', 'types config', 'types stack'],
  api: ['operations', 'api/schemas.ts', 'types config', 'types stack'],
  cli: ['operations', 'api/schemas.ts'],
  // The processes that put the parts together; the scheduler alone changes a living cluster, by the engine.
  conductor: [
    'operations',
    'api',
    'api/schemas.ts',
    'runs',
    'adapters',
    'engine',
    'types config',
    'types plan',
    'types stack',
  ],
};

interface Import {
  readonly target: string;
  readonly typeOnly: boolean;
}

interface Source {
  /** Path below src/, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

const sources: readonly Source[] = globSync('src/**/*.ts', { cwd: root })
  .map((file) => ({ path: relative('src', file).replaceAll('\\', '/'), text: readFileSync(join(root, file), 'utf8') }))
  .sort((a, b) => a.path.localeCompare(b.path));

const isTest = ({ path }: Source) => /\.(test|fixture)\.ts$/.test(path);
const product = sources.filter((source) => !isTest(source));

/** Text without comments and string contents would be safer; import statements at a line's start are enough here. */
function listImports(source: Source): readonly Import[] {
  const pattern =
    /^(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/gm;
  return [...source.text.matchAll(pattern)].flatMap(([, typeOnly, stated, dynamic]) => {
    const target = stated ?? dynamic ?? '';
    if (!target.startsWith('.')) return [];
    const path = posix.normalize(posix.join(posix.dirname(source.path), target));
    return [{ target: path, typeOnly: typeOnly !== undefined }];
  });
}

/** The row of the table for a path: its own file name if the table has it, else its top folder. */
function findGroup(path: string): string {
  return path in table ? path : (path.split('/')[0] ?? path);
}

function covers(allowed: string, path: string): boolean {
  return path === allowed || path.startsWith(`${allowed}/`);
}

function isAllowed(from: string, { target, typeOnly }: Import): boolean {
  const group = findGroup(from);
  if (common.includes(target) || target.startsWith('..')) return true;
  if (findGroup(target) === group) return true;
  return (table[group] ?? []).some((entry) => {
    const typesOf = entry.startsWith('types ') ? entry.slice('types '.length) : null;
    return typesOf === null ? covers(entry, target) : typeOnly && covers(typesOf, target);
  });
}

test('every folder of src/ has its row in the table', () => {
  const folders = new Set(
    product
      .map((source) => source.path)
      .filter((path) => path.includes('/'))
      .map(findGroup),
  );
  assert.deepEqual(
    [...folders].filter((folder) => !(folder in table)),
    [],
  );
});

test('imports follow the table of the architecture', () => {
  const wrong = product
    .filter((source) => source.path.includes('/'))
    .flatMap((source) =>
      listImports(source)
        .filter((found) => !isAllowed(source.path, found))
        .map((found) => `${source.path} imports ${found.typeOnly ? 'types of ' : ''}${found.target}`),
    );
  assert.deepEqual(wrong, []);
});

test('an import against the table is found', () => {
  const reverse = { path: 'plan/x.ts', text: "import { up } from '../operations/up.ts';\n" };
  const [found] = listImports(reverse);
  assert.ok(found !== undefined && !isAllowed(reverse.path, found));
  const typesOnly = { path: 'plan/x.ts', text: "import type { ClusterConfig } from '../config/cluster-config.ts';\n" };
  const [type] = listImports(typesOnly);
  assert.ok(type !== undefined && isAllowed(typesOnly.path, type));
});

test('relative imports name the .ts file', () => {
  const wrong = sources.flatMap((source) =>
    listImports(source)
      .filter(({ target }) => !/\.(ts|json)$/.test(target))
      .map(({ target }) => `${source.path} imports ${target}`),
  );
  assert.deepEqual(wrong, []);
});

test('no barrel files, no default exports, no any', () => {
  const rules: readonly [string, (source: Source) => boolean][] = [
    ['is a barrel file', ({ path }) => /(^|\/)index\.ts$/.test(path)],
    [
      'only passes exports on',
      ({ text }) =>
        /^export\s[^'";]*\sfrom\s/m.test(text) &&
        !/^(export )?(async )?(const|function|class|interface|type [A-Z])/m.test(text),
    ],
    ['has a default export', ({ text }) => /^export default\b/m.test(text)],
    [
      'uses any',
      ({ text }) =>
        /(:|<|\bas|\|)\s*any\b(?=\s*([[\]>,;)|={]|$))/m.test(text.replace(/\/\/.*$|\/\*[\s\S]*?\*\//gm, '')),
    ],
    ['is an enum or a namespace', ({ text }) => /^(export )?(const )?(enum|namespace)\s/m.test(text)],
  ];
  const wrong = sources.flatMap((source) =>
    rules.filter(([, breaks]) => breaks(source)).map(([what]) => `${source.path} ${what}`),
  );
  assert.deepEqual(wrong, []);
});

test('files are kebab-case and say what they are', () => {
  const wrong = sources
    .map(({ path }) => path)
    .filter(
      (path) =>
        !/^([a-z0-9]+(-[a-z0-9]+)*\/)*[a-z0-9]+(-[a-z0-9]+)*(\.test|\.fixture|\.d)?\.ts$/.test(path) ||
        /(^|[/-])(utils?|helpers?|misc|manager)([-./]|$)/.test(path),
    );
  assert.deepEqual(wrong, []);
});

test('only shells print or exit', () => {
  const shells = ['cli', 'api', 'conductor'];
  const wrong = product
    .filter((source) => !shells.includes(source.path.split('/')[0] ?? ''))
    .filter(({ text }) => /\bconsole\.\w+\(|process\.exit\(|process\.std(out|err)\.write\(/.test(text))
    .map(({ path }) => path);
  assert.deepEqual(wrong, []);
});
