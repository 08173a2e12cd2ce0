// Seals a file for the vault before it leaves this machine, in the form that `p20` uses (docs/adr/0013): HPKE of
// RFC 9180 (X25519, HKDF-SHA256, AES-256-GCM) around a fresh key, then Tink's AES256-GCM-HKDF-1MB under that key.
// Any part of the sealed file can be made again, so an upload can be repeated and paused like any other.
(() => {
  "use strict";

  const { subtle } = globalThis.crypto;
  const SEGMENT = 1 << 20;
  const TAG = 16;
  const ROOM = SEGMENT - TAG; // of plaintext in a segment; the first one has the header's bytes less
  const HEADER = 40;
  const MAGIC = "P20PIEC1";
  const HEAD = MAGIC.length + 32 + 32 + TAG;

  const text = (words) => new TextEncoder().encode(words);
  const join = (...parts) => {
    const all = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
    parts.reduce((at, part) => (all.set(part, at), at + part.length), 0);
    return all;
  };
  const short = (number) => Uint8Array.of(number >> 8, number & 255);
  const NONE = new Uint8Array();

  const hmac = async (key, data) => {
    const whole = key.length ? key : new Uint8Array(32); // the same to HMAC, and no key may be empty here
    const made = await subtle.importKey("raw", whole, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    return new Uint8Array(await subtle.sign("HMAC", made, data));
  };
  const extract = (suite, salt, label, secret) => hmac(salt, join(text("HPKE-v1"), suite, text(label), secret));
  const expand = async (suite, secret, label, info, size) => {
    const told = join(short(size), text("HPKE-v1"), suite, text(label), info, Uint8Array.of(1));
    return (await hmac(secret, told)).slice(0, size);
  };

  // Wraps a key for the vault alone, bound to `info`: HPKE, base mode.
  const wrap = async (key, vault, info) => {
    const kem = join(text("KEM"), short(0x20));
    const suite = join(text("HPKE"), short(0x20), short(1), short(2));
    const own = await subtle.generateKey({ name: "X25519" }, true, ["deriveBits"]);
    const theirs = await subtle.importKey("raw", vault, { name: "X25519" }, false, []);
    const enc = new Uint8Array(await subtle.exportKey("raw", own.publicKey));
    const dh = new Uint8Array(await subtle.deriveBits({ name: "X25519", public: theirs }, own.privateKey, 256));
    const prk = await extract(kem, NONE, "eae_prk", dh);
    const shared = await expand(kem, prk, "shared_secret", join(enc, vault), 32);
    const context = join(
      Uint8Array.of(0),
      await extract(suite, NONE, "psk_id_hash", NONE),
      await extract(suite, NONE, "info_hash", info),
    );
    const secret = await extract(suite, shared, "secret", NONE);
    const raw = await expand(suite, secret, "key", context, 32);
    const iv = await expand(suite, secret, "base_nonce", context, 12);
    const cipher = await subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt"]);
    return join(enc, new Uint8Array(await subtle.encrypt({ name: "AES-GCM", iv }, cipher, key)));
  };

  const placeOf = async (slot, attempt) => {
    const told = text(JSON.stringify({ attempt, number: 0, slot }));
    return join(text("p20win/piece/1\n"), new Uint8Array(await subtle.digest("SHA-256", told)));
  };

  // Draws a fresh key for one attempt at sending, and prepares what opens with it.
  const begin = async (vault, slot, attempt) => {
    const info = await placeOf(slot, attempt);
    const key = crypto.getRandomValues(new Uint8Array(32));
    const salt = crypto.getRandomValues(new Uint8Array(32));
    const prefix = crypto.getRandomValues(new Uint8Array(7));
    const head = join(text(MAGIC), await wrap(key, vault, info), Uint8Array.of(HEADER), salt, prefix);
    const base = await subtle.importKey("raw", key, "HKDF", false, ["deriveKey"]);
    const how = { name: "HKDF", hash: "SHA-256", salt, info };
    const cipher = await subtle.deriveKey(how, base, { name: "AES-GCM", length: 256 }, false, ["encrypt"]);
    return { attempt, head, prefix, cipher, tags: new Map() };
  };

  const countOf = (size) => Math.max(1, Math.ceil((size + HEADER) / ROOM));
  const sizeOf = (size) => HEAD + HEADER + size + countOf(size) * TAG;
  const same = (one, other) => one.every((byte, at) => byte === other[at]);

  const segment = async (file, sealing, index) => {
    const first = index ? index * ROOM - HEADER : 0;
    const last = (index + 1) * ROOM - HEADER;
    const plain = await file.slice(first, Math.min(last, file.size)).arrayBuffer();
    const isLast = index === countOf(file.size) - 1;
    const number = Uint8Array.of(index >>> 24, index >>> 16, index >>> 8, index, isLast ? 1 : 0);
    const iv = join(sealing.prefix, number);
    const sealed = new Uint8Array(await subtle.encrypt({ name: "AES-GCM", iv }, sealing.cipher, plain));
    const tag = sealed.slice(-TAG);
    // One nonce must never seal two contents: what was changed meanwhile does not leave.
    if (!same(sealing.tags.get(index) || tag, tag)) throw new Error("The file was changed while it was sent.");
    sealing.tags.set(index, tag);
    return sealed;
  };

  // Gives the bytes of the sealed file from start to end.
  const part = async (file, sealing, start, end) => {
    const parts = [];
    if (start < HEAD + HEADER) parts.push(sealing.head.slice(start, end));
    for (let index = Math.max(0, Math.floor((start - HEAD) / SEGMENT)); index < countOf(file.size); index++) {
      const at = HEAD + (index ? index * SEGMENT : HEADER);
      const next = Math.min(HEAD + (index + 1) * SEGMENT, sizeOf(file.size));
      if (at >= end) break;
      if (next <= start) continue;
      const sealed = await segment(file, sealing, index);
      parts.push(sealed.slice(Math.max(start - at, 0), Math.min(end, next) - at));
    }
    return new Blob(parts);
  };

  // Opens a file for tus-js-client; the attempt is known once the portal has named the upload.
  const source = (file, { vault, slot, attempt }) => {
    const size = sizeOf(file.size);
    let sealing = null;
    return {
      size,
      async slice(start, end) {
        if (!sealing || sealing.attempt !== attempt()) sealing = await begin(vault, slot, attempt());
        return { value: await part(file, sealing, start, Math.min(end, size)), done: end >= size };
      },
      close() {},
    };
  };

  const isSupported = async () => {
    try {
      await subtle.generateKey({ name: "X25519" }, true, ["deriveBits"]);
      return true;
    } catch {
      return false;
    }
  };

  const readKey = (words) => {
    const raw = atob(words.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(raw, (letter) => letter.charCodeAt(0));
  };

  globalThis.p20seal = { isSupported, readKey, source };
})();
