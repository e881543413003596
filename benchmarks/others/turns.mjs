// The other end of a comparison, for node: see turns.py.
import {createInterface} from 'node:readline';

export const COUNT = 10;
export const SHOWN = [0, 3, 6];
const encoder = new TextEncoder();
export const MESSAGES = Array.from({length: COUNT}, (_, i) => encoder.encode(`message ${i}`));
export const HEADER = encoder.encode('header');
export const NONCE = encoder.encode('nonce of the verifier');

export function require(holds) {
  if (!holds) throw new Error('the package does not verify what it made');
}

export async function serve(setting, operations, octets) {
  console.log(JSON.stringify({setting, octets, operations: Object.keys(operations)}));
  for await (const line of createInterface({input: process.stdin})) {
    const [name, repeats] = line.split(' ');
    const operation = operations[name.replace('_', ' ')];
    const start = process.cpuUsage();
    for (let i = 0; i < Number(repeats); i++) await operation();
    const {user, system} = process.cpuUsage(start);
    console.log((user + system) / 1e6 / Number(repeats));
  }
}
