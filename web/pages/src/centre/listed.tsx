// A listing of the service's, page by page, as a table.
import { type ComponentChildren, type VNode, createContext } from "preact";
import { useContext, useEffect, useRef, useState } from "preact/hooks";

import { useText } from "../messages/index.js";
import { EdgeError, isSignedOut } from "../ui/edge.js";
import { Told } from "../ui/shell.js";
import { type Asked, type Listing, type Listings, type Page, read } from "./books.js";
import { useTexts } from "./texts/index.js";

/** What is done when the session has ended. */
export const SignedOut = createContext<() => void>(() => {});

export interface Column<Row> {
  readonly head: string;
  readonly cell: (row: Row) => ComponentChildren;
  readonly number?: boolean;
}

interface Read<Told> {
  readonly told: Told | undefined;
  readonly error: unknown;
  readonly busy: boolean;
  readonly again: () => void;
}

/** Read something of the centre's, anew when what is asked changes; what was told stays until there is another.
 *  With `every` it is read again so many milliseconds after each answer, without a word, while the page is seen. */
export function useBooks<Told>(listing: string, asked: Asked, every?: number): Read<Told> {
  const [state, set] = useState<{ told?: Told; error?: unknown; busy: boolean }>({ busy: true });
  const [round, setRound] = useState(0);
  const quiet = useRef(false);
  const signedOut = useContext(SignedOut);
  const key = JSON.stringify([listing, asked]);
  useEffect(() => {
    let current = true;
    if (!quiet.current) set((before) => ({ ...before, busy: true }));
    quiet.current = false;
    read<Told>(listing, asked).then(
      (told) => current && set({ told, busy: false }),
      (error: unknown) => {
        if (!current) return;
        if (isSignedOut(error)) signedOut();
        else set((before) => ({ ...before, error, busy: false }));
      },
    );
    return () => void (current = false);
  }, [key, round]);
  useEffect(() => {
    if (every === undefined || state.busy) return undefined;
    const timer = setInterval(() => {
      if (document.hidden) return;
      clearInterval(timer);
      quiet.current = true;
      setRound((count) => count + 1);
    }, every);
    return () => clearInterval(timer);
  }, [every, state]);
  return { told: state.told, error: state.error, busy: state.busy, again: () => setRound((count) => count + 1) };
}

interface Props<Name extends Listing> {
  readonly listing: Name;
  readonly asked?: Asked | undefined;
  readonly title: string;
  readonly columns: readonly Column<Listings[Name]>[];
  readonly id: (row: Listings[Name]) => string;
}

/** All of a listing in a table of its own columns. It is mounted anew for another question (`key`). */
export function Listed<Name extends Listing>({ listing, asked, title, columns, id }: Props<Name>): VNode {
  const shown = (rows: readonly Listings[Name][]): VNode => <Table title={title} columns={columns} rows={rows} id={id} />;
  return <Paged listing={listing} asked={asked} id={id} shown={shown} />;
}

interface PagedProps<Name extends Listing> {
  readonly listing: Name;
  readonly asked?: Asked | undefined;
  readonly id: (row: Listings[Name]) => string;
  readonly shown: (rows: readonly Listings[Name][]) => VNode;
  /** How many lines a person sees of rows, where it is not one for each. */
  readonly lines?: (rows: readonly Listings[Name][]) => number;
}

/** All of a listing, as far as the person wants to see. It is mounted anew for another question (`key`). */
export function Paged<Name extends Listing>({ listing, asked = {}, id, shown, lines }: PagedProps<Name>): VNode {
  const { text } = useTexts();
  const [page, setPage] = useState("");
  const [rows, setRows] = useState<readonly Listings[Name][]>([]);
  const { told, error, busy, again } = useBooks<Page<Listings[Name]>>(listing, { ...asked, page });
  useEffect(() => {
    if (told) setRows((before) => joined(before, told.rows, id));
  }, [told]);
  const next = told?.next ?? "";
  return (
    <>
      {rows.length > 0 && shown(rows)}
      <State error={error} busy={busy} again={again}>
        {told && rows.length === 0 && told.rows.length === 0 && <p>{text("none")}</p>}
        {rows.length > 0 && (
          <p class="quiet">{text(next ? "loaded_more" : "loaded", { count: lines?.(rows) ?? rows.length })}</p>
        )}
      </State>
      {next && !busy && error === undefined && (
        <button type="button" onClick={() => setPage(next)}>
          {text("more")}
        </button>
      )}
    </>
  );
}

/** A name is there once, also where it was on two pages because something was registered between them. */
function joined<Row>(before: readonly Row[], more: readonly Row[], id: (row: Row) => string): readonly Row[] {
  return [...new Map([...before, ...more].map((each) => [id(each), each])).values()];
}

interface StateProps {
  readonly error: unknown;
  readonly busy: boolean;
  readonly again: () => void;
  readonly children?: ComponentChildren;
}

/** How a reading stands, told to screen readers too. */
export function State({ error, busy, again, children }: StateProps): VNode {
  const general = useText();
  const { text } = useTexts();
  const told = (): string => {
    if (!(error instanceof EdgeError) || error.status === 503) return text("service_away");
    return error.status === 429 ? text("busy") : text("refused", { reason: error.reason });
  };
  return (
    <div role="status">
      {busy && <p>{general("app.loading")}</p>}
      {!busy && error !== undefined && (
        <>
          <Told as="unsure">{told()}</Told>
          <button type="button" onClick={again}>
            {general("app.try_again")}
          </button>
        </>
      )}
      {!busy && children}
    </div>
  );
}

interface TableProps<Row> {
  readonly title: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly id: (row: Row) => string;
}

/** A table whose first column names its rows; it scrolls in itself where it is wider than the window. */
export function Table<Row>({ title, columns, rows, id }: TableProps<Row>): VNode {
  const text = useText();
  return (
    <div class="scrolls" tabIndex={0} role="region" aria-label={text("app.table", { title })}>
      <table>
        <thead>
          <tr>
            {columns.map((each) => (
              <th key={each.head} scope="col">
                {each.head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={id(row)}>
              {columns.map((each, at) =>
                at === 0 ? (
                  <th key={each.head} scope="row">
                    {each.cell(row)}
                  </th>
                ) : (
                  <td key={each.head} class={each.number ? "number" : undefined}>
                    {each.cell(row)}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
