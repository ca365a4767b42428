// Logging in with a one-time code: from the link that `sparkplug open` gives, or pasted.
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { Button } from 'react-aria-components/Button';
import { useLocation } from 'wouter';
import { api } from '../api.ts';
import { TextField } from '../components/fields.tsx';
import { ProblemView } from '../components/problem-view.tsx';
import { PlainPage } from '../components/shell.tsx';
import { readLoginLink } from '../read-login-link.ts';
import { sessionKey } from '../session.tsx';

export function LoginPage() {
  const queries = useQueryClient();
  const [, navigate] = useLocation();
  const [link, setLink] = useState(() => readLoginLink(window.location.href));
  const [typed, setTyped] = useState('');
  const [state, setState] = useState<'waiting' | 'asking'>(link.code === null ? 'waiting' : 'asking');
  const [error, setError] = useState<unknown>(null);
  const used = useRef<string | null>(null);

  const logIn = async (code: string): Promise<void> => {
    setState('asking');
    setError(null);
    try {
      const session = await api.logIn(code);
      queries.clear();
      queries.setQueryData(sessionKey, session);
      navigate(link.to, { replace: true });
    } catch (failure) {
      setError(failure);
      setState('waiting');
    }
  };

  useEffect(() => {
    document.title = 'Log in · SparkPlug';
    // A code works once: it must not stay in the address or the browser's history.
    window.history.replaceState(null, '', window.location.pathname + window.location.search);
    if (link.code === null || used.current === link.code) return;
    used.current = link.code;
    void logIn(link.code);
  });

  // A link opened while this page is shown changes the fragment alone.
  useEffect(() => {
    const readAgain = (): void => {
      const next = readLoginLink(window.location.href);
      if (next.code !== null) setLink(next);
    };
    window.addEventListener('hashchange', readAgain);
    return () => window.removeEventListener('hashchange', readAgain);
  }, []);

  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const code = readLoginLink(typed.trim()).code ?? typed.trim();
    if (code !== '') void logIn(code);
  };

  if (state === 'asking' && error === null) {
    return (
      <PlainPage title="Log in">
        <p role="status">Logging in …</p>
      </PlainPage>
    );
  }
  return (
    <PlainPage title="Log in">
      {error === null ? null : <ProblemView error={error} />}
      <HowToLogIn />
      <form className="form" onSubmit={submit}>
        <TextField
          label="Log-in code"
          help="The code, or the whole link. It is valid once, for ten minutes."
          value={typed}
          onChange={setTyped}
          isRequired
          isMono
        />
        <Button className="button primary" type="submit">
          Log in
        </Button>
      </form>
    </PlainPage>
  );
}

/** Shown in place of any page when nobody is logged in. */
export function SessionEnded({ wasLoggedIn }: { readonly wasLoggedIn: boolean }) {
  const [location, navigate] = useLocation();
  const to = encodeURIComponent(location);
  return (
    <PlainPage title={wasLoggedIn ? 'Your session has ended' : 'You are not logged in'}>
      <HowToLogIn />
      <Button className="button primary" onPress={() => navigate(`/login?to=${to}`)}>
        I have a code
      </Button>
    </PlainPage>
  );
}

function HowToLogIn() {
  return (
    <div className="stack">
      <p>In the project’s folder, ask for a link with a one-time code and open it in this browser:</p>
      <code className="code-block">sparkplug open</code>
    </div>
  );
}
