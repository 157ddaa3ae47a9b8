// Opens a vault file after its description in docs/vault.md, with nothing but Node's own crypto.
//
//   node open.mjs vault.smcp < {"keys": ["64 hex digits", ...], "passphrase": "..." or null}
//
// Prints {"tenant\tname\tversion": "value in hex"}; ends with 3 if anything is not as it was written.

import { argon2Sync, createDecipheriv, createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";

const FORMAT = "smcp.vault/1";

function bound(...parts) {
  return Buffer.concat(
    parts.flatMap((part) => {
      const data = Buffer.from(String(part), "utf8");
      const length = Buffer.alloc(4);
      length.writeUInt32BE(data.length);
      return [Buffer.from(typeof part === "number" ? "i" : "s"), length, data];
    }),
  );
}

function hkdf(key, salt, info, length) {
  return Buffer.from(hkdfSync("sha256", key, salt, info, length));
}

function derived(key, purpose, length) {
  return hkdf(key, Buffer.alloc(0), Buffer.concat([Buffer.from("smcp.vault/1 derive\0"), purpose]), length);
}

function refuse(what) {
  console.error(what);
  process.exit(3);
}

function unseal(key, token, place) {
  const [salt, commitment, nonce] = [token.subarray(0, 32), token.subarray(32, 64), token.subarray(64, 76)];
  const [ciphertext, tag] = [token.subarray(76, -16), token.subarray(-16)];
  const both = hkdf(key, salt, Buffer.concat([Buffer.from("smcp.vault/1 seal\0"), place]), 64);
  if (token.length < 92 || !timingSafeEqual(both.subarray(32), commitment)) refuse("does not open");
  const cipher = createDecipheriv("aes-256-gcm", both.subarray(0, 32), nonce, { authTagLength: 16 });
  cipher.setAAD(place);
  cipher.setAuthTag(tag);
  try {
    return Buffer.concat([cipher.update(ciphertext), cipher.final()]);
  } catch {
    return refuse("does not open");
  }
}

function masters(header, given) {
  const keys = given.keys.map((key) => Buffer.from(key, "hex"));
  if (given.passphrase) {
    const { salt, memory, passes, lanes } = header.derivation;
    const message = Buffer.from(given.passphrase.normalize("NFC"), "utf8");
    const nonce = Buffer.from(salt, "base64");
    keys.push(argon2Sync("argon2id", { message, nonce, parallelism: lanes, tagLength: 32, memory, passes }));
  }
  const known = new Map(keys.map((key) => [derived(key, bound("fingerprint"), 8).toString("hex"), key]));
  return new Map(header.keys.map(({ id, fingerprint }) => [id, known.get(fingerprint)]));
}

function main(path) {
  const data = readFileSync(path);
  const cut = data.lastIndexOf("\n", data.length - 2) + 1;
  const [header, ...entries] = data.subarray(0, cut - 1).toString("utf8").split("\n").map((line) => JSON.parse(line));
  const keys = masters(header, JSON.parse(readFileSync(0, "utf8")));
  const first = keys.get(header.first_key_id);
  if (header.format !== FORMAT || !first) refuse("the key is another one");
  const vault = header.vault_id;
  const mac = createHmac("sha256", derived(first, bound(FORMAT, "mac", vault), 32)).update(data.subarray(0, cut)).digest("hex");
  if (JSON.parse(data.subarray(cut).toString("utf8")).mac !== mac) refuse("was changed");
  const opened = entries.map(({ tenant, name, version, key_id, wrapped, value }) => {
    const master = keys.get(key_id);
    if (!master || key_id < header.least_key_id) refuse("the key is another one");
    const dataKey = unseal(master, Buffer.from(wrapped, "base64"), bound(FORMAT, "wrap", vault, key_id, name, version, tenant));
    const plaintext = unseal(dataKey, Buffer.from(value, "base64"), bound(FORMAT, "value", vault, name, version, tenant));
    return [[tenant, name, version].join("\t"), plaintext.toString("hex")];
  });
  console.log(JSON.stringify(Object.fromEntries(opened)));
}

main(process.argv[2]);
