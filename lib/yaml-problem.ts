import type { ErrorCode } from 'yaml';

/** What the parser's own messages say, without the text that they quote: it may be a Secret's value. */
const PROBLEMS: Readonly<Record<ErrorCode, string>> = {
  ALIAS_PROPS: 'an alias cannot have an anchor or a tag',
  BAD_ALIAS: 'an alias is not written as one',
  BAD_COLLECTION_TYPE: 'a tag does not fit what it stands before',
  BAD_DIRECTIVE: 'a directive is not written as one',
  BAD_DQ_ESCAPE: 'a text in double quotes has an escape that YAML does not know',
  BAD_INDENT: 'a line is not indented as those around it',
  BAD_PROP_ORDER: 'anchors and tags must come after the indicator',
  BAD_SCALAR_START: 'a plain text cannot begin with this character: put it in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'a map cannot begin on the line of another key: put the value in quotes',
  BLOCK_IN_FLOW: 'a block cannot stand inside brackets or braces',
  DUPLICATE_KEY: 'a key is there twice in one map',
  IMPOSSIBLE: 'the text cannot be read',
  KEY_OVER_1024_CHARS: 'a key is longer than 1,024 characters',
  MISSING_CHAR: 'a character is missing: a closing quote, bracket or brace, or a space or colon',
  MULTILINE_IMPLICIT_KEY: 'a key goes over several lines',
  MULTIPLE_ANCHORS: 'a value has more than one anchor',
  MULTIPLE_DOCS: 'there is more than one document',
  MULTIPLE_TAGS: 'a value has more than one tag',
  NON_STRING_KEY: 'a key is not a text',
  RESOURCE_EXHAUSTION: 'it nests too deeply',
  TAB_AS_INDENT: 'a tab is not allowed as indentation',
  TAG_RESOLVE_FAILED: 'a tag is not known, or does not fit its value',
  UNEXPECTED_TOKEN: 'a character stands where none of its kind can: put the value in quotes',
};

/** Why YAML cannot be read, in words that hold nothing of it. `error` is the parser's, or what reading a document's values threw. */
export function yamlProblem(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (isKnown(code)) return PROBLEMS[code];
  const message = error instanceof Error ? error.message : '';
  if (/alias count/i.test(message)) return 'its aliases stand for too much';
  if (/alias/i.test(message)) return 'an alias names no anchor before it';
  if (/merge/i.test(message)) return 'only maps can be merged';
  return PROBLEMS.IMPOSSIBLE;
}

function isKnown(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(PROBLEMS, code);
}
