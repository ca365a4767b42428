// The head of a page and the states that every page has: waiting, empty, refused.
import { type ReactNode, useEffect } from 'react';

interface PageProps {
  readonly title: string;
  /** For the browser's tab, where the heading alone would not do. */
  readonly tabTitle?: string;
  readonly about?: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}

export function Page({ title, tabTitle, about, actions, children }: PageProps) {
  useEffect(() => {
    document.title = `${tabTitle ?? title} · SparkPlug`;
  }, [title, tabTitle]);
  return (
    <>
      <header className="page-head">
        <div className="page-head-text">
          <h1>{title}</h1>
          {about === undefined ? null : <div className="muted">{about}</div>}
        </div>
        {actions === undefined ? null : <div className="actions">{actions}</div>}
      </header>
      {children}
    </>
  );
}

interface CardProps {
  readonly title: string;
  readonly actions?: ReactNode;
  /** True: the content reaches the card's edges, as tables do. */
  readonly flush?: boolean;
  readonly children: ReactNode;
}

export function Card({ title, actions, flush = false, children }: CardProps) {
  return (
    <section className="card" aria-label={title}>
      <div className="card-head">
        <h2>{title}</h2>
        {actions}
      </div>
      <div className={flush ? 'card-body flush' : 'card-body'}>{children}</div>
    </section>
  );
}

export function Loading({ what }: { readonly what: string }) {
  return (
    <p className="empty" role="status">
      Loading {what} …
    </p>
  );
}

export function Empty({ children }: { readonly children: ReactNode }) {
  return <div className="empty">{children}</div>;
}

interface ListOfProps<T> {
  /** For `Loading …`. */
  readonly what: string;
  /** Undefined until they have come. */
  readonly items: readonly T[] | undefined;
  /** True: they will not come. Why is said elsewhere. */
  readonly isRefused: boolean;
  /** Stands in their place then. */
  readonly refused?: ReactNode;
  /** Where there are none. */
  readonly empty: ReactNode;
  readonly children: (items: readonly T[]) => ReactNode;
}

/** What was asked for, or the state that keeps it from being shown. */
export function ListOf<T>({ what, items, isRefused, refused = null, empty, children }: ListOfProps<T>) {
  if (items === undefined) return isRefused ? refused : <Loading what={what} />;
  return items.length === 0 ? <Empty>{empty}</Empty> : children(items);
}

interface FigureProps {
  readonly name: string;
  /** False: a sentence and not a number. */
  readonly large?: boolean;
  readonly children: ReactNode;
}

/** One named value; stands in a `<dl className="figures">`. */
export function Figure({ name, large = true, children }: FigureProps) {
  return (
    <div className="figure">
      <dt>{name}</dt>
      <dd className={large ? undefined : 'plain'}>{children}</dd>
    </div>
  );
}
