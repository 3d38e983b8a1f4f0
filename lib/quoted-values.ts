const CUT = '(redacted)';
/**
 * How field errors quote what they refuse, in text and as Go prints structures:
 * https://pkg.go.dev/k8s.io/apimachinery/pkg/util/validation/field#Error. Numbers are kept: they are ports and counts.
 */
const QUOTED =
  /\b((?:invalid|unsupported|duplicate) value: )(?:"(?:[^"\\]|\\[\s\S])*(?:"|\\?$)|`[^`]*(?:`|$)|(?!-?\d+(?:\.\d+)?(?:[:,\]\s]|$)|(?:true|false|null|<nil>)(?:[:,\]\s]|$)|\(redacted\))([\s\S]+))/gi;
/** What follows the last structure, without anything that could belong to a value. */
const REASON_AT_END = /[}\])](: [^"'`{}[\]:]{1,200})$/;
/** Older JSON decoders print the text around what they cannot read. */
const DECODER_CONTEXT = /(error found in #\d+ byte of )[\s\S]*$/;

/**
 * A server's message without the values that it quotes: `Invalid value: (redacted): must be …`. The value may be a Secret's,
 * and messages reach records, Temporal and logs. Where a structure is quoted, its end cannot be told, so that everything up to
 * the last reason goes.
 */
export function withoutQuotedValues(message: string): string {
  return message
    .replace(QUOTED, (_all, before: string, structure?: string) => {
      const reason = structure === undefined ? '' : (REASON_AT_END.exec(structure)?.[1] ?? '');
      return `${before}${CUT}${reason}`;
    })
    .replace(DECODER_CONTEXT, `$1${CUT}`);
}
