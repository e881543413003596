// Links that a QR code carries, read strictly (disclosure/links.py). A link is a secret: no error repeats it.

/** What a link can be for. An errand's link is a vault's own, which nobody hands over: it is not read. */
export type Action = "present" | "consent" | "account" | "offer" | "send";

export interface Link {
  readonly action: Action;
  /** host:port of the service, as the link names it: whether it is ours is for the caller to compare. */
  readonly server: string;
  /** The resource's name, "exchanges/..." for "present". */
  readonly name: string;
  /** The ticket, the code or, for "send", the hash of the recipient's card. */
  readonly secret: string;
}

/** What was scanned or pasted is no link of ours. */
export class LinkError extends Error {
  readonly reason = "LINK_INVALID";
  override readonly name = "LinkError";
}

const MAX_LENGTH = 1000;
const MAX_PORT = 65_535;
const TOKEN = "([A-Za-z0-9_-]{1,200})";
const ACTIONS = "(present|consent|account|offer|send)";
const WRITTEN = new RegExp(`^zk://${ACTIONS}\\?server=([^&=]+)&id=${TOKEN}&secret=${TOKEN}$`);
const SERVER = /^[A-Za-z0-9.[\]:-]{1,255}:([1-9][0-9]{0,4})$/;
const ESCAPED: Readonly<Record<string, string>> = { "%3A": ":", "%5B": "[", "%5D": "]" };
const COLLECTIONS = {
  present: "exchanges",
  consent: "consents",
  account: "departments",
  offer: "offers",
} as const;

/** Read a link that is written exactly as the service writes links. Raises LinkError. */
export function parseLink(written: string): Link {
  const parts = written.length <= MAX_LENGTH ? WRITTEN.exec(written) : null;
  if (parts === null) throw new LinkError("this is no link of the service");
  const [, action, escaped, id, secret] = parts as unknown as [string, Action, string, string, string];
  return { action, server: readServer(escaped), name: resource(action, id), secret };
}

/** A server as it is written in a link; LinkError. */
export function readServer(escaped: string): string {
  if (/[:[\]]/.test(escaped)) throw new LinkError("the server is not written as in a link");
  const server = escaped.replace(/%(?:3A|5B|5D)/g, (each) => ESCAPED[each] ?? each);
  const port = SERVER.exec(server)?.[1];
  if (port === undefined || Number(port) > MAX_PORT) throw new LinkError("the server is not host:port");
  return server;
}

function resource(action: Action, id: string): string {
  return action === "send" ? id.replace("-", "/") : `${COLLECTIONS[action]}/${id}`;
}

/** A link as the service writes it: what `parseLink` reads. */
export function writeLink({ action, server, name, secret }: Link): string {
  const escaped = server.replace(/[:[\]]/g, (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`);
  const id = action === "send" ? name.replace("/", "-") : name.slice(name.indexOf("/") + 1);
  return `zk://${action}?server=${escaped}&id=${id}&secret=${secret}`;
}
