// Answers JSON from its input: each text read as a link, each picture read as a code. Its argument: the built folder.
import { join } from "node:path";
import { argv, stdin } from "node:process";
import { text as whole } from "node:stream/consumers";
import { pathToFileURL } from "node:url";

const built = (name) => import(pathToFileURL(join(argv[2], name)).href);
const { LinkError, parseLink } = await built("links.js");
const { readCode } = await built("picture.js");
const { texts, pictures } = JSON.parse(await whole(stdin));

function read(text) {
  try {
    return parseLink(text);
  } catch (error) {
    if (!(error instanceof LinkError)) throw error;
    return { reason: error.reason, said: error.message };
  }
}

const codes = pictures.map(({ side, rgba }) => {
  const data = new Uint8ClampedArray(Buffer.from(rgba, "base64"));
  return readCode({ width: side, height: side, data }, 5000) ?? null;
});
process.stdout.write(JSON.stringify({ links: texts.map(read), codes }));
