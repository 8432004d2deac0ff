/**
 * Every character that parts words, in what is searched and in what is asked for: all of ASCII that is neither letter nor digit. Taken out
 * before PostgreSQL's parser sees the text, which else keeps `my-image_v2.qcow2` or `registry.example.org` as one word.
 * The migration that makes the column `search` names the same characters.
 */
const SEPARATORS = /[\0-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f\s]+/u;

const MAX_WORDS = 32;

/** `q` as a tsquery: every word has to be there, each as the beginning of a word. null where it holds no word. */
export function tsqueryOf(q: string): string | null {
  const words = q.split(SEPARATORS).filter(Boolean).slice(0, MAX_WORDS);
  return words.length === 0 ? null : words.map((word) => `'${word}':*`).join(' & ');
}
