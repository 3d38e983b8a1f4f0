/**
 * Keys that people generate (`openssl rand -base64 32`, a cloud's access keys) tell by nothing but their randomness when they stand under an
 * innocent name. What follows finds them among the long words of Kubernetes, which are made of words, of hexadecimal digits, or of
 * one case. Whatever could be a path, a digest, an id or a public key is left alone: hiding that would make differences unreadable.
 */

/** Shorter ones cannot be told from words. */
const MIN_CHARACTERS = 32;
/** More of one word says nothing new. */
const JUDGED_CHARACTERS = 44;
/** Words in one text that are judged; the others are taken for as harmless as these. */
const MAX_WORDS = 2_000;
const MIN_OF_EACH_CLASS = 3;
/** Bits for each character; 32 random ones have about 4.5, words joined to one some 4. */
const MIN_ENTROPY_BITS = 4.2;
/** How many neighbours are of different classes: 0.62 of random ones, 0.3 of words in CamelCase. */
const MIN_CHANGES = 0.45;
/** In random characters six letters of one case in a row are rare, in words they are common. */
const WORDLIKE = /[a-z]{7}|[A-Z]{7}|\d{8}/;
/** With `/` between its parts it may be a path: then less of a word is enough to take it for one. */
const WORDLIKE_PATH = /^\/|\/$|\/\/|[a-z]{6}|[A-Z]{6}|\d{6}/;

const LONG_WORD = /[A-Za-z0-9+/_-]{32,}={0,2}/g;
/** What stands in front of digests, of keys that are public, and of pictures. */
const HARMLESS_BEFORE =
  /(?:\bsha(?:1|224|256|384|512)[-:=]|\bh1:|\bssh-[\w-]{1,20} |\becdsa-[\w-]{1,30} |\bdata:(?:image|font|text)\/[\w.+-]{1,30};base64,)$/;
/** Certificates and public keys by how their base64 begins. */
const HARMLESS_BEGINNING =
  /^(?:sha(?:1|224|256|384|512)-|LS0tLS1CRUdJTiBDRVJUSUZJQ0FU|LS0tLS1CRUdJTiBQVUJMSUMg|AAAA[BCE][23][A-Z0-9])/i;
const BEFORE_CHARACTERS = 80;

/** True for a text in which a word of at least 32 characters is as random as a key. */
export function holdsRandomKey(text: string): boolean {
  let left = MAX_WORDS;
  for (const { 0: word, index } of text.matchAll(LONG_WORD)) {
    left -= 1;
    if (left < 0) return false;
    const before = text.slice(Math.max(0, index - BEFORE_CHARACTERS), index);
    if (HARMLESS_BEFORE.test(before) || HARMLESS_BEGINNING.test(word)) continue;
    // A key of itself, or a part of a path or an address that is one.
    const parts = word.split('/').filter((one) => one.length >= MIN_CHARACTERS);
    if ([word, ...parts].some((one) => isRandom(one.slice(0, JUDGED_CHARACTERS)))) return true;
  }
  return false;
}

function isRandom(word: string): boolean {
  // Signs that join words are no sign of randomness.
  const characters = word.replaceAll(/[^A-Za-z0-9]/g, '');
  if (characters.length < MIN_CHARACTERS - 4 || /^[\da-f-]+$/i.test(characters)) return false;
  if (WORDLIKE.test(word) || (word.includes('/') && WORDLIKE_PATH.test(word))) return false;
  const count = (of: RegExp) => characters.match(of)?.length ?? 0;
  const counts = [count(/[a-z]/g), count(/[A-Z]/g), count(/\d/g)];
  if (counts.some((one) => one < MIN_OF_EACH_CLASS)) return false;
  return changesIn(characters) >= MIN_CHANGES && entropyOf(characters) >= MIN_ENTROPY_BITS;
}

/** The part of neighbours that are of different classes. */
function changesIn(characters: string): number {
  const borders = characters.match(/[a-z](?![a-z])|[A-Z](?![A-Z])|\d(?!\d)/g)?.length ?? 1;
  return (borders - 1) / (characters.length - 1);
}

/** Shannon's, in bits for each character. */
function entropyOf(characters: string): number {
  const counts = new Map<string, number>();
  for (const one of characters) counts.set(one, (counts.get(one) ?? 0) + 1);
  const parts = [...counts.values()].map((count) => count / characters.length);
  return parts.reduce((bits, part) => bits - part * Math.log2(part), 0);
}
