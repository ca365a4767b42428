// Which of Spark's own pages an address below /spark/ means, and where that page is asked for. Pure.

/** `master` also passes on to the workers; `driver` is the running driver of one application. */
export type SparkUi =
  | { readonly kind: 'master' }
  | { readonly kind: 'history' }
  | { readonly kind: 'driver'; readonly application: string };

export type SparkTarget =
  | {
      readonly kind: 'page';
      readonly ui: SparkUi;
      /** Path at the component itself. */
      readonly path: string;
      /** What stands before the component's own paths in ours. */
      readonly prefix: string;
    }
  | { readonly kind: 'redirect'; readonly path: string }
  /** A worker's page with the log of an executor: it is kept elsewhere once the application has ended. */
  | { readonly kind: 'executor-log'; readonly page: SparkTarget & { readonly kind: 'page' } };

/** As the master names applications (`spark.deploy.appIdPattern`). */
export const applicationIdPattern = /^app-\d{14}-\d{4,9}$/;

/**
 * What makes a path another than it looks; what ends a stage or an application; and the daemons' own JSON, in which workers
 * show the environment of executors as it is. The pages need none of them.
 */
const refusedSegments: ReadonlySet<string> = new Set(['.', '..', 'kill', 'json']);

/**
 * The target of a path below `/spark/`, null where there is none. The history server stands at `/spark` itself, not at
 * `/spark/history`: its pages find the application behind the first `history` of their own address.
 */
export function resolveSparkPath(path: string): SparkTarget | null {
  const segments = path.split('/').slice(2);
  if (segments.map(decode).some((segment) => refusedSegments.has(segment) || /[\\%]/.test(segment))) return null;
  const [first, ...rest] = segments;
  switch (first) {
    case 'master':
      return rest.length === 0 ? { kind: 'redirect', path: '/spark/master/' } : resolveMaster(rest);
    case 'driver':
      return resolveDriver(rest);
    case 'history':
      return resolveHistory(rest);
    case '':
    case 'static':
    case 'api':
    case 'logPage':
    case 'log':
      return history(`/${segments.join('/')}`);
    default:
      return null;
  }
}

/** Where the history server shows an application; `path` as at the driver. */
export function historyPath(application: string, path: string): string {
  return `/spark/history/${application}${path === '/' ? '/jobs/' : path}`;
}

function resolveMaster(rest: readonly string[]): SparkTarget {
  const page = { kind: 'page', ui: { kind: 'master' }, path: `/${rest.join('/')}`, prefix: '/spark/master' } as const;
  const [first, target = '', ...below] = rest;
  if (first !== 'proxy') return page;
  // The master would pass on to whatever address an application registered; ours is the driver's own.
  if (!target.startsWith('worker-')) return { kind: 'redirect', path: `/spark/driver/${[target, ...below].join('/')}` };
  return below[0] === 'logPage' ? { kind: 'executor-log', page } : page;
}

function resolveDriver([application = '', ...rest]: readonly string[]): SparkTarget | null {
  if (!applicationIdPattern.test(application)) return null;
  const prefix = `/spark/driver/${application}`;
  if (rest.length === 0) return { kind: 'redirect', path: `${prefix}/` };
  return { kind: 'page', ui: { kind: 'driver', application }, path: `/${rest.join('/')}`, prefix };
}

function resolveHistory(rest: readonly string[]): SparkTarget {
  const [first] = rest;
  if (first === undefined) return { kind: 'redirect', path: '/spark/history/' };
  if (first === 'history') return { kind: 'redirect', path: `/spark/${rest.join('/')}` };
  return history(first === '' ? '/' : `/history/${rest.join('/')}`);
}

function history(path: string): SparkTarget {
  return { kind: 'page', ui: { kind: 'history' }, path, prefix: '/spark' };
}

/** Undone once; what stays encoded after that is refused, as is what cannot be undone. */
function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return '%';
  }
}
