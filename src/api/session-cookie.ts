// The cookie that holds a browser's session: out of reach for scripts, and never sent from other sites.

export interface SessionCookie {
  readonly name: string;
  /** The session in a `Cookie` header, null where it holds none. */
  read(header: string | undefined): string | null;
  /** A `Set-Cookie` header that logs in. */
  write(session: string, maxAgeMs: number): string;
  /** A `Set-Cookie` header that logs out. */
  clear(): string;
}

/**
 * Cookies of one host are shared by all its ports, so the name tells the projects of one computer apart.
 * Under TLS the prefix makes browsers refuse one that came without TLS or for more than this host.
 */
export function createSessionCookie(projectId: string, tls: boolean): SessionCookie {
  const name = `${tls ? '__Host-' : ''}sparkplug_session_${projectId}`;
  const attributes = `Path=/; HttpOnly; SameSite=Strict${tls ? '; Secure' : ''}`;
  return {
    name,
    read: (header = '') => {
      const pair = header.split(';').find((text) => text.trim().startsWith(`${name}=`));
      const value = pair?.trim().slice(name.length + 1);
      return value === undefined || value === '' ? null : value;
    },
    write: (session, maxAgeMs) => `${name}=${session}; Max-Age=${Math.floor(maxAgeMs / 1000)}; ${attributes}`,
    clear: () => `${name}=; Max-Age=0; ${attributes}`,
  };
}
