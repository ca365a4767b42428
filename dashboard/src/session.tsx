// Who is logged in, for every part of the page: what the scope does not allow is not offered.
import { useQuery } from '@tanstack/react-query';
import { createContext, type ReactNode, useContext } from 'react';
import { api } from './api.ts';
import type { Scope, Session } from './api-types.ts';

const ranks: Readonly<Record<Scope, number>> = { read: 0, run: 1, admin: 2 };
const SessionContext = createContext<Session | null>(null);

export function SessionProvider({ session, children }: { readonly session: Session; readonly children: ReactNode }) {
  return <SessionContext value={session}>{children}</SessionContext>;
}

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (session === null) throw new Error('there is no session here');
  return session;
}

/** True when the session's scope covers `needed`. */
export function useMay(needed: Scope): boolean {
  return ranks[useSession().scope] >= ranks[needed];
}

export const sessionKey = ['session'] as const;

/** Asked again at times, so that an ended session is noticed on a page that asks nothing else. */
export function useSessionQuery() {
  return useQuery({
    queryKey: sessionKey,
    queryFn: ({ signal }) => api.session(signal),
    refetchInterval: 60_000,
    staleTime: 30_000,
  });
}
