// The hosts of the shared cases once more, encrypted.

const key = Uint8Array.from({ length: 32 }, (_, n) => n * 7 + 1);
const argon2 = { memoryKib: 64, iterations: 1, lanes: 1 };

/** How a database is encrypted in tests. Passphrases cross from Node into pages as they are, keys do not. */
export const encryptions = {
  "aes-256-gcm": { key },
  "chacha20-poly1305": { passphrase: "of the tests", cipher: "chacha20-poly1305", argon2 },
};

/** Each host by its name, and with each cipher. */
export function withCiphers(hosts) {
  const encrypted = Object.entries(hosts).flatMap(([name, host]) =>
    Object.entries(encryptions).map(([cipher, encryption]) => [
      `${name}, ${cipher}`,
      { ...host, options: { ...host.options, encryption } },
    ]),
  );
  return { ...hosts, ...Object.fromEntries(encrypted) };
}

/** The cases of a group on a host; those about encryption bring their own keys, and want a host without. */
export const casesOn = (kind, group, cases) => (group === "encryption" && kind.includes(",") ? [] : cases);
