// Which Node runs the bundled programs. Imported before anything is installed, so it runs on Node 20 and imports nothing.

/** What undici needs. */
export const oldestNode = '22.19';

/** @param {string} version such as `20.11.1` */
export function isNewEnough(version) {
  return version.localeCompare(oldestNode, 'en', { numeric: true }) >= 0;
}
