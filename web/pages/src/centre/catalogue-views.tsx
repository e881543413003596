// What is registered: departments, data items, purposes, verifiers, policies.
import { Fragment, type ComponentChildren, type VNode } from "preact";
import { useState } from "preact/hooks";

import type { Both, Item, Named, Policy } from "./books.js";
import { Listed } from "./listed.js";
import { useTexts } from "./texts/index.js";

const ID = (row: { readonly name: string }): string => row.name;

/** Whose rows are shown, where a person has asked for one's only. */
export interface Of {
  readonly of: Named | undefined;
  readonly all: () => void;
}

export function DepartmentsView({ items }: { items: (of: Named) => void }): VNode {
  const { text, word, day } = useTexts();
  return (
    <Card id="departments" title={text("view.departments")} about={text("departments.about")}>
      <Listed
        listing="departments"
        title={text("view.departments")}
        id={ID}
        columns={[
          { head: text("name"), cell: (row) => <Name row={row} /> },
          { head: text("identifies"), cell: (row) => row.identifies.map(word).join(", ") || "–" },
          { head: text("since"), cell: (row) => day(row.since), number: true },
          { head: text("view.items"), cell: (row) => <Go label={text("its_items")} row={row} go={items} /> },
        ]}
      />
    </Card>
  );
}

export function ItemsView({ of, all }: Of): VNode {
  const { text, of: told, word } = useTexts();
  const [query, setQuery] = useState("");
  const [asked, setAsked] = useState("");
  const title = of ? text("items.of", { name: told(of) }) : text("view.items");
  const search = (event: Event): void => {
    event.preventDefault();
    setAsked(query.trim());
  };
  return (
    <Card id="items" title={title} about={text("items.about")}>
      <form onSubmit={search} role="search">
        <label for="query">{text("search.label")}</label>
        <div class="row searching">
          <input
            id="query"
            type="search"
            maxLength={60}
            autocomplete="off"
            value={query}
            onInput={(event) => setQuery(event.currentTarget.value)}
          />
          <button type="submit">{text("search")}</button>
          {of && <All all={all} />}
        </div>
      </form>
      <Listed
        key={`${of?.name ?? ""} ${asked}`}
        listing="items"
        asked={{ parent: of?.name ?? "", query: asked }}
        title={title}
        id={ID}
        columns={[
          { head: text("name"), cell: (row) => <Name row={row} /> },
          { head: text("department"), cell: (row) => <Mono name={row.department} /> },
          { head: text("sensitivity"), cell: (row) => word(row.sensitivity) },
          { head: text("subject"), cell: (row) => word(row.subject) },
          { head: text("refresh"), cell: (row) => <Refresh row={row} /> },
          { head: text("validity"), cell: (row) => text("days", { days: row.validity_days }), number: true },
          { head: text("applicable"), cell: (row) => text(row.applicable ? "yes" : "no") },
          { head: text("state"), cell: (row) => word(row.state) },
          { head: text("source"), cell: (row) => told(row.source) },
        ]}
      />
    </Card>
  );
}

export function PurposesView(): VNode {
  const { text, of: told } = useTexts();
  return (
    <Card id="purposes" title={text("view.purposes")} about={text("purposes.about")}>
      <Listed
        listing="purposes"
        title={text("view.purposes")}
        id={ID}
        columns={[
          { head: text("name"), cell: (row) => <Name row={row} /> },
          { head: text("basis"), cell: (row) => told(row.legal_basis) },
        ]}
      />
    </Card>
  );
}

export function VerifiersView({ policies }: { policies: (of: Named) => void }): VNode {
  const { text, day } = useTexts();
  return (
    <Card id="verifiers" title={text("view.verifiers")} about={text("verifiers.about")}>
      <Listed
        listing="verifiers"
        title={text("view.verifiers")}
        id={ID}
        columns={[
          { head: text("name"), cell: (row) => <Name row={row} /> },
          { head: text("since"), cell: (row) => day(row.since), number: true },
          { head: text("view.policies"), cell: (row) => <Go label={text("its_policies")} row={row} go={policies} /> },
        ]}
      />
    </Card>
  );
}

export function PoliciesView({ of, all }: Of): VNode {
  const { text, of: told, word } = useTexts();
  const title = of ? text("policies.of", { name: told(of) }) : text("view.policies");
  return (
    <Card id="policies" title={title} about={text("policies.about")}>
      {of && (
        <p>
          <All all={all} />
        </p>
      )}
      <Listed
        key={of?.name ?? ""}
        listing="policies"
        asked={{ parent: of?.name ?? "" }}
        title={title}
        id={ID}
        columns={[
          { head: text("purpose"), cell: (row) => <Titled both={row.text} name={row.name} /> },
          { head: text("asks"), cell: (row) => <Asks row={row} /> },
          { head: text("basis"), cell: (row) => told(row.legal_basis) },
          { head: text("retention"), cell: (row) => text("days", { days: row.retention_days }), number: true },
          { head: text("receipt"), cell: (row) => <Whole said={row.receipt ? word(row.receipt) : text("receipt.unsaid")} /> },
          { head: text("state"), cell: (row) => <Whole said={word(row.state)} /> },
        ]}
      />
    </Card>
  );
}

interface CardProps {
  readonly id: string;
  readonly title: string;
  readonly about: string;
  readonly children: ComponentChildren;
}

export function Card({ id, title, about, children }: CardProps): VNode {
  return (
    <section class="card" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      <p class="quiet">{about}</p>
      {children}
    </section>
  );
}

export function Name({ row }: { row: Named }): VNode {
  return <Titled both={row} name={row.name} />;
}

function Titled({ both, name }: { both: Both; name: string }): VNode {
  const { of } = useTexts();
  return (
    <>
      {of(both)}
      <br />
      <Mono name={name} />
    </>
  );
}

export function Mono({ name }: { name: string }): VNode {
  return <span class="mono quiet">{name}</span>;
}

/** A word that is not broken where the table is narrow. */
function Whole({ said }: { said: string }): VNode {
  return <span class="whole">{said}</span>;
}

function Refresh({ row }: { row: Item }): VNode {
  const { text, word } = useTexts();
  return <>{row.refresh === "periodic" ? text("every_days", { days: row.refresh_days }) : word(row.refresh)}</>;
}

function Asks({ row }: { row: Policy }): VNode {
  const { text } = useTexts();
  const { standing } = row;
  return (
    <ul class="lines asks">
      {row.items.map((each) => (
        <li key={each.item}>
          <Mono name={each.item} />
          {each.shown.length > 0 && <Line line={text("shown", { attributes: each.shown.join(", ") })} />}
          {each.proven.length > 0 && <Line line={text("proven", { attributes: each.proven.join(", ") })} />}
        </li>
      ))}
      {standing && <li>{text("standing", { times: standing.times, days: standing.days })}</li>}
      {row.escrows > 0 && <li>{text("escrows", { count: row.escrows })}</li>}
    </ul>
  );
}

function Line({ line }: { line: string }): VNode {
  return (
    <Fragment>
      <br />
      {line}
    </Fragment>
  );
}

function Go({ label, row, go }: { label: string; row: Named; go: (of: Named) => void }): VNode {
  const { of } = useTexts();
  return (
    <button type="button" class="small" aria-label={`${label}: ${of(row)}`} onClick={() => go(row)}>
      {label}
    </button>
  );
}

function All({ all }: { all: () => void }): VNode {
  const { text } = useTexts();
  return (
    <button type="button" class="small" onClick={all}>
      {text("all")}
    </button>
  );
}
