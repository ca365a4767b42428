// The frame around every page: where one can go, who is logged in, and what holds for all pages.
import { useQuery, useQueryClient } from '@tanstack/react-query';
import {
  CalendarClock,
  ChartNoAxesColumn,
  ExternalLink,
  FolderTree,
  LogOut,
  type LucideIcon,
  Menu,
  Play,
  ScrollText,
  Server,
} from 'lucide-react';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { Button } from 'react-aria-components/Button';
import { Link, useLocation } from 'wouter';
import { api, hasCode } from '../api.ts';
import { useSession } from '../session.tsx';
import { applyTheme, readTheme } from '../theme.ts';
import { Segments } from './fields.tsx';
import { ModalDialog } from './modal-dialog.tsx';
import { ProblemView, Warning } from './problem-view.tsx';

interface Place {
  readonly href: string;
  readonly text: string;
  readonly icon: LucideIcon;
}

const places: readonly Place[] = [
  { href: '/', text: 'Cluster', icon: Server },
  { href: '/runs', text: 'Runs', icon: Play },
  { href: '/schedules', text: 'Schedules', icon: CalendarClock },
  { href: '/results', text: 'Results', icon: ChartNoAxesColumn },
  { href: '/files', text: 'Files', icon: FolderTree },
  { href: '/events', text: 'Events', icon: ScrollText },
];

export function Shell({ children }: { readonly children: ReactNode }) {
  const main = useRef<HTMLElement>(null);
  const [menuOpen, setMenuOpen] = useState(false);
  useFocusOnNewPage(main);
  return (
    <>
      <a className="skip-link" href="#main">
        Skip to the content
      </a>
      <div className="shell">
        <header className="side">
          <Brand />
          <Navigation className="nav" label="Pages" iconSize={18} />
          <SparkLinks />
          <AccountPanel />
        </header>
        <header className="top">
          <Brand />
          <Button className="button icon quiet" aria-label="Account and settings" onPress={() => setMenuOpen(true)}>
            <Menu size={20} aria-hidden />
          </Button>
        </header>
        <main className="main" id="main" ref={main} tabIndex={-1}>
          <div className="main-inner">
            <SchedulerBanner />
            {children}
          </div>
        </main>
        <Navigation className="tabs" label="Pages" iconSize={20} />
      </div>
      <ModalDialog title="Account and settings" isOpen={menuOpen} onClose={() => setMenuOpen(false)}>
        <SparkLinks />
        <AccountPanel />
        <div className="actions end">
          <Button slot="close" className="button">
            Close
          </Button>
        </div>
      </ModalDialog>
    </>
  );
}

/** After a change of page the keyboard and the screen reader begin with the new page. */
function useFocusOnNewPage(main: React.RefObject<HTMLElement | null>): void {
  const [location] = useLocation();
  const page = location.split('/')[1] ?? '';
  const before = useRef(page);
  useEffect(() => {
    if (before.current === page) return;
    before.current = page;
    window.scrollTo(0, 0);
    main.current?.focus({ preventScroll: true });
  }, [page, main]);
}

function Brand() {
  return (
    <div className="brand">
      <img src="/favicon.svg" alt="" />
      SparkPlug
    </div>
  );
}

interface NavigationProps {
  readonly className: string;
  readonly label: string;
  readonly iconSize: number;
}

function Navigation({ className, label, iconSize }: NavigationProps) {
  const [location] = useLocation();
  return (
    <nav className={className} aria-label={label}>
      <ul>
        {places.map(({ href, text, icon: Icon }) => {
          const isHere = href === '/' ? location === '/' : location === href || location.startsWith(`${href}/`);
          return (
            <li key={href}>
              <Link className="nav-link" href={href} aria-current={isHere ? 'page' : undefined}>
                <Icon size={iconSize} aria-hidden />
                {text}
              </Link>
            </li>
          );
        })}
      </ul>
    </nav>
  );
}

/** Spark's own pages: they are not ours, so the browser loads them anew. */
function SparkLinks() {
  return (
    <nav className="nav" aria-label="Spark’s own pages">
      <p className="nav-title">Spark’s own pages</p>
      <ul>
        {[
          { href: '/spark/master/', text: 'Master' },
          { href: '/spark/history/', text: 'History' },
        ].map(({ href, text }) => (
          <li key={href}>
            <a className="nav-link" href={href}>
              {text}
              <ExternalLink className="end" size={15} aria-hidden />
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

const scopeTexts = {
  read: 'may look',
  run: 'may look, start and cancel runs',
  admin: 'may do everything',
} as const;

function AccountPanel() {
  const session = useSession();
  const queries = useQueryClient();
  const [, navigate] = useLocation();
  const [theme, setTheme] = useState(readTheme);
  const [error, setError] = useState<unknown>(null);
  const logOut = async (): Promise<void> => {
    try {
      await api.logOut();
    } catch (failure) {
      if (!hasCode(failure, 'AUTH_REQUIRED')) return setError(failure);
    }
    navigate('/login');
    queries.clear();
  };
  return (
    <div className="account">
      <Segments
        label="Colours"
        value={theme}
        options={[
          { value: 'system', text: 'Auto' },
          { value: 'light', text: 'Light' },
          { value: 'dark', text: 'Dark' },
        ]}
        onChange={(choice) => {
          applyTheme(choice);
          setTheme(choice);
        }}
      />
      <p className="account-who">
        <span>
          Logged in as <strong>{session.name}</strong>
        </span>
        <span className="muted">{scopeTexts[session.scope]}</span>
      </p>
      {error === null ? null : <ProblemView error={error} />}
      <Button className="button" onPress={() => void logOut()}>
        <LogOut size={16} aria-hidden />
        Log out
      </Button>
    </div>
  );
}

/** Results and files are served without the scheduler; everything else waits for it. */
function SchedulerBanner() {
  const { error } = useQuery({
    queryKey: ['cluster'],
    queryFn: ({ signal }) => api.cluster(signal),
    refetchInterval: 4_000,
  });
  if (!hasCode(error, 'SCHEDULER_AWAY')) return null;
  return (
    <div role="alert">
      <Warning>
        <p>
          <strong>The scheduler is away.</strong> Results and files are served as before; runs, schedules and the state
          of the cluster come back with it.
        </p>
        <p className="muted">It is restarted by itself within seconds. If not: sparkplug up</p>
      </Warning>
    </div>
  );
}

/** A page without navigation: for those who are not logged in. */
export function PlainPage({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <main className="plain-page">
      <div className="plain-card">
        <Brand />
        <h1>{title}</h1>
        {children}
      </div>
    </main>
  );
}
