// What several screens are made of.
import { type ComponentChildren, type FunctionComponent, h, type VNode } from "preact";
import { useContext, useEffect, useRef, useState } from "preact/hooks";
import { createContext } from "preact";

import { Told } from "../../ui/shell.js";
import type { Fault, Vault } from "../model.js";
import { faultOf, useFault, useSay } from "../texts/index.js";

/** The vault that the screens below show. */
export const VaultContext = createContext<Vault | null>(null);

export function useVault(): Vault {
  const vault = useContext(VaultContext);
  if (vault === null) throw new Error("a screen stands outside the vault");
  return vault;
}

/** A screen: its heading has the focus when it comes, so that a screen reader begins there. */
export function Screen({ title, children }: { title: string; children: ComponentChildren }): VNode {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus({ preventScroll: true }), []);
  return (
    <section class="card" aria-labelledby="screen">
      <h2 id="screen" tabIndex={-1} ref={heading}>
        {title}
      </h2>
      {children}
    </section>
  );
}

export function FaultTold({ fault }: { fault: Fault | null }): VNode {
  const told = useFault();
  return (
    <div aria-live="assertive">
      {fault && <Told as={fault.passing ? "unsure" : "bad"}>{told(fault)}</Told>}
    </div>
  );
}

export interface Acting {
  readonly busy: boolean;
  readonly fault: Fault | null;
  /** Do one thing; what is asked for while it is done is not done a second time. */
  readonly act: (work: () => Promise<void>) => void;
  readonly clear: () => void;
}

/** One thing at a time: a second tap on a button finds the first one's work and begins none. */
export function useActing(): Acting {
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<Fault | null>(null);
  const running = useRef(false);
  const act = (work: () => Promise<void>): void => {
    if (running.current) return;
    running.current = true;
    setBusy(true);
    setFault(null);
    const ended = (failed: Fault | null): void => {
      running.current = false;
      setBusy(false);
      setFault(failed);
    };
    work().then(
      () => ended(null),
      (error: unknown) => ended(faultOf(error)),
    );
  };
  return { busy, fault, act, clear: () => setFault(null) };
}

export type Read<T> = { readonly value: T } | { readonly fault: Fault } | null;

/** What a promise of the vault gives: null while it is waited for. `again` asks once more. */
export function useRead<T>(read: () => Promise<T>, of: readonly unknown[] = []): [Read<T>, () => void] {
  const [got, setGot] = useState<Read<T>>(null);
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    let gone = false;
    read().then(
      (value) => gone || setGot({ value }),
      (error: unknown) => gone || setGot({ fault: faultOf(error) }),
    );
    return () => void (gone = true);
  }, [turn, ...of]);
  return [got, () => setTurn((count) => count + 1)];
}

interface WaitedProps<T> {
  readonly read: Read<T>;
  readonly children: (value: T) => ComponentChildren;
}

/** Shows what was read once it is there, and before that that it is waited for, or why it is not there. */
export function Waited<T>({ read, children }: WaitedProps<T>): VNode {
  const say = useSay();
  if (read === null) return <p role="status">{say("vault.loading")}</p>;
  if ("fault" in read) return <FaultTold fault={read.fault} />;
  return <>{children(read.value)}</>;
}

/** A screen, or a part of one, whose code is loaded when it is first shown. */
export function later<Props extends object>(load: () => Promise<FunctionComponent<Props>>): FunctionComponent<Props> {
  return (props) => {
    const [read] = useRead(load);
    return <Waited read={read}>{(Shown) => h(Shown, props)}</Waited>;
  };
}

/** Hand octets to the person as a file. */
export function saveFile(octets: Uint8Array, name: string): void {
  const address = URL.createObjectURL(new Blob([octets.slice()], { type: "application/octet-stream" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  // The browser has taken the file's content by then.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

interface PassphraseProps {
  readonly id: string;
  readonly label: string;
  readonly about?: string;
  readonly fresh: boolean;
  readonly value: string;
  readonly changed: (value: string) => void;
}

export function Passphrase({ id, label, about, fresh, value, changed }: PassphraseProps): VNode {
  return (
    <p>
      <label for={id}>{label}</label>
      <input
        id={id}
        type="password"
        autocomplete={fresh ? "new-password" : "current-password"}
        required
        value={value}
        aria-describedby={about === undefined ? undefined : `${id}-about`}
        onInput={(event) => changed(event.currentTarget.value)}
      />
      {about !== undefined && (
        <span id={`${id}-about`} class="quiet">
          {about}
        </span>
      )}
    </p>
  );
}
