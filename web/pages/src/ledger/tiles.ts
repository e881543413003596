// Tiles (c2sp.org/tlog-tiles; tlog/tiles.py): with them a proof is made here, and nobody learns of which entry.
import { LedgerError } from "./encoding.js";
import { HASH_OCTETS, inclusionProof, nodeHash, nodesForInclusion } from "./merkle.js";

const HEIGHT = 8;
const WIDTH = 256n;

export interface TileId {
  readonly level: number;
  readonly index: bigint;
}

/** How many hashes a tile has in a tree of `size` leaves: 0 if it does not exist, at most 256. */
export function tileWidth(tile: TileId, size: bigint): number {
  const rest = (size >> BigInt(HEIGHT * tile.level)) - tile.index * WIDTH;
  return Number(rest < 0n ? 0n : rest > WIDTH ? WIDTH : rest);
}

/** The tiles from which the proof of an entry, and of any other in the same lowest tile, is made. */
export function tilesForInclusion(index: bigint, size: bigint): TileId[] {
  const lowest = index >> BigInt(HEIGHT);
  const found = new Map<string, TileId>();
  const last = (lowest + 1n) * WIDTH < size ? (lowest + 1n) * WIDTH : size;
  for (let each = lowest * WIDTH; each < last; each++) {
    for (const [level, place] of nodesForInclusion(each, size)) {
      const { tile } = placed(level, place);
      found.set(key(tile), tile);
    }
  }
  const own = { level: 0, index: lowest };
  found.set(key(own), own);
  return [...found.values()].sort((one, other) => one.level - other.level || Number(one.index - other.index));
}

/** Make the proof of an entry from tiles as they were read, in the order of `tilesForInclusion`. */
export function proofFromTiles(
  index: bigint,
  size: bigint,
  tiles: readonly TileId[],
  contents: readonly Uint8Array[],
): Uint8Array[] {
  if (tiles.length !== contents.length) throw new LedgerError("TILE_MALFORMED", "another number of tiles");
  const known = new Map(tiles.map((tile, at) => [key(tile), contents[at]!]));
  return inclusionProof(index, size, (level, place) => {
    const { tile, first, count } = placed(level, place);
    const content = known.get(key(tile)) ?? new Uint8Array();
    const octets = content.subarray(first * HASH_OCTETS, (first + count) * HASH_OCTETS);
    if (octets.length !== count * HASH_OCTETS) throw new LedgerError("TILE_MALFORMED", "a tile is too short");
    return subtreeRoot(octets);
  });
}

const key = (tile: TileId): string => `${tile.level}/${tile.index}`;

function placed(level: number, index: bigint): { tile: TileId; first: number; count: number } {
  const within = level % HEIGHT;
  const place = index << BigInt(within);
  const tile = { level: Math.floor(level / HEIGHT), index: place / WIDTH };
  return { tile, first: Number(place % WIDTH), count: 1 << within };
}

function subtreeRoot(octets: Uint8Array): Uint8Array {
  let hashes: Uint8Array[] = [];
  for (let at = 0; at < octets.length; at += HASH_OCTETS) hashes.push(octets.subarray(at, at + HASH_OCTETS));
  while (hashes.length > 1) {
    hashes = hashes.flatMap((each, at) => (at % 2 ? [] : [nodeHash(each, hashes[at + 1]!)]));
  }
  return hashes[0]!;
}
