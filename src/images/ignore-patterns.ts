// Patterns as in .gitignore: which paths of a project are left out of its image.

interface Rule {
  readonly expression: RegExp;
  readonly negated: boolean;
  readonly foldersOnly: boolean;
}

/** Never part of an app: version control, environments, caches, keys and SparkPlug's own files. */
export const defaultIgnores: readonly string[] = [
  '.git/',
  '.hg/',
  '.svn/',
  '/.sparkplug/',
  '/.sparkplugignore',
  '/sparkplug.yaml',
  'node_modules/',
  '__pycache__/',
  '*.pyc',
  '.venv/',
  'venv/',
  '.pytest_cache/',
  '.mypy_cache/',
  '.ruff_cache/',
  '.ipynb_checkpoints/',
  '.idea/',
  '.vscode/',
  '.DS_Store',
  '.env',
];

export type IsIgnored = (path: string, isFolder: boolean) => boolean;

/**
 * A test for paths relative to the project, with forward slashes. The last pattern that matches decides, `!` takes a path
 * in again, a pattern with a slash before its end counts from the top.
 */
export function compileIgnores(patterns: readonly string[]): IsIgnored {
  const rules = patterns.flatMap(compileRule);
  return (path, isFolder) => {
    const rule = rules.findLast(({ expression, foldersOnly }) => (isFolder || !foldersOnly) && expression.test(path));
    return rule !== undefined && !rule.negated;
  };
}

/** Lines of an ignore file: blank ones and comments say nothing. */
export function parseIgnoreFile(text: string): readonly string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.replace(/(?<!\\)\s+$/, ''))
    .filter((line) => line !== '' && !line.startsWith('#'));
}

function compileRule(pattern: string): readonly Rule[] {
  const negated = pattern.startsWith('!');
  const stated = (negated ? pattern.slice(1) : pattern).replace(/^\\(?=[#!])/, '');
  const foldersOnly = stated.endsWith('/');
  const body = stated.replace(/\/+$/, '');
  if (body === '') return [];
  const anchored = body.includes('/');
  const expression = toExpression(body.replace(/^\//, ''));
  return [{ expression: new RegExp(`${anchored ? '^' : '(?:^|/)'}${expression}$`), negated, foldersOnly }];
}

/** `*` and `?` stop at a slash, `**` does not. */
function toExpression(glob: string): string {
  const parts = glob.match(/\*\*\/|\/\*\*$|\*\*|\*|\?|\[[^\]]+\]|\\.|./gs) ?? [];
  return parts.map(toExpressionPart).join('');
}

function toExpressionPart(part: string): string {
  if (part === '**/') return '(?:.*/)?';
  if (part === '/**') return '/.*';
  if (part === '**') return '.*';
  if (part === '*') return '[^/]*';
  if (part === '?') return '[^/]';
  if (part.length > 1 && part.startsWith('[')) return part.replace(/^\[!/, '[^').replaceAll('\\', '\\\\');
  return (part.startsWith('\\') ? part.slice(1) : part).replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}
