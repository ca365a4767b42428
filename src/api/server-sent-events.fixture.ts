// For tests: server-sent events as a server writes them.

/** One event as it goes over the wire. */
export function formatServerSentEvent(event: string, data: unknown, id?: string | number): string {
  const idLine = id === undefined ? '' : `id: ${id}\n`;
  return `${idLine}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
