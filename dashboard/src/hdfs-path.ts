// Paths of HDFS: pure.

/** Name of the last part; empty for the root. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

export function joinPath(folder: string, name: string): string {
  return folder === '/' ? `/${name}` : `${folder}/${name}`;
}

/** From the root down to the path itself. */
export function listAncestors(path: string): string[] {
  const parts = path.split('/').filter(Boolean);
  return ['/', ...parts.map((_, index) => `/${parts.slice(0, index + 1).join('/')}`)];
}

/** The page's address of a folder. */
export function folderHref(path: string): string {
  return path === '/' ? '/files' : `/files${path.split('/').map(encodeURIComponent).join('/')}`;
}

/** The folder of the page's address, from its part behind `/files/`, as it stands there. */
export function folderOfHref(rest: string | undefined): string {
  const parts = (rest ?? '').split('/').filter(Boolean);
  return `/${parts.map(decodePart).join('/')}`;
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    // Not an address that this page made; the API says what is wrong with it.
    return part;
  }
}

/** Why a name cannot be used for a file or a folder; null when it can. */
export function findNameProblem(name: string): string | null {
  if (name === '' || name === '.' || name === '..') return 'give it a name';
  return /[/:\0]/.test(name) ? 'a name holds no slash and no colon' : null;
}
