/** What stands between a name and its value; every part is bounded. */
const SETS = [
  String.raw`\\{0,2}["'][ \t]{0,16}:\s{0,16}`, // "name": value
  String.raw`\\{0,2}["']?[ \t]{0,16}:?=[ \t]{0,16}`, // name=value
  // A colon alone sets nothing: ports and image tags follow one.
  String.raw`[ \t]{0,16}:[ \t]{1,16}`, // name: value
  ':(?=["\'])', // name:"value"
  String.raw`:[ \t]{0,16}\r?\n[ \t]{0,32}-[ \t]{1,16}`, // name:\n  - value
].join('|');
const VALUE = String.raw`(?=\\{0,2}"[^"\\]|'[^']|[^\s"'\\])`;
const NOT_A_WORD_OF_STATE = String.raw`(?!\\{0,2}["']?(?:true|false|null|none|enabled|disabled)(?:[\s,;\\"'}\]]|$))`;
/**
 * A name with what sets it, or else the whole run of its characters: were it not taken at once, each character of it would be
 * tried as a beginning. So the work grows with the length of the text alone.
 */
const NAME_OR_RUN = new RegExp(
  String.raw`(?<name>[\w.-]+)(?:(?<sets>${SETS})|[ \t]{1,16}(?!-))${VALUE}${NOT_A_WORD_OF_STATE}|[\w.-]+`,
  'g',
);

/**
 * The names that a text sets to a value, as dotenv, properties, YAML, JSON, queries, connection strings and command lines do
 * (`--flag value` counts). Names that are set to nothing, or to a word such as `true` or `disabled`, are left out.
 */
export function* assignmentsIn(text: string): Generator<string> {
  for (const { groups } of text.matchAll(NAME_OR_RUN)) {
    const name = groups?.['name'];
    if (name !== undefined && (groups?.['sets'] !== undefined || name.startsWith('-'))) yield name;
  }
}
