// The pages' one policy of Trusted Types, `zk-pages` (web_edge/headers.py): which scripts a page may start besides its own.
// An address passes if it is one of those that the page names here, and no other.

interface Policy {
  createScriptURL(address: string): string;
}

interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(address: string): string }): Policy;
}

const known = new Set<string>();
let policy: Policy | undefined;

/** Let a script be started by its address, which is written in this page's own code. */
export function trusted(address: string): string {
  known.add(address);
  const types = (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes;
  if (types === undefined) return address;
  policy ??= types.createPolicy("zk-pages", {
    createScriptURL(asked) {
      if (known.has(asked)) return asked;
      throw new TypeError("no script of this page");
    },
  });
  return policy.createScriptURL(address);
}
