import { compileWhere, type EntityModel } from './compile.ts';
import { parseWhere } from './parse.ts';

export type { Attribute, AttributeType, EntityModel } from './compile.ts';

/** Several expressions, ANDed (a list's `where`, a filter's, the path's space). Empty ones are left out. */
export function whereSql(
  model: EntityModel,
  expressions: readonly string[],
  parameters: unknown[],
): { sql: string; relations: ReadonlySet<string> } {
  const terms = expressions.flatMap((expression) => parseWhere(expression));
  return compileWhere(model, terms, parameters);
}
