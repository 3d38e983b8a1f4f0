import { autoscalersAmong } from '../desired/autoscalers.ts';
import type { Comparison } from '../drift/compare/compare.ts';
import {
  applyIgnoreRules,
  type CompiledRules,
  compileIgnoreRules,
  NO_RULES,
  type RuledComparison,
} from '../drift/compare/ignore.ts';
import { type KubeObject, refOf } from '../drift/resource-ref.ts';
import { type Config, parseConfig } from '../lib/config.ts';

/** Where the compared objects are said to stand, for rules that ask. */
type RuleOptions = {
  /** Text and name of a realign.yaml; without it only annotations and defaults count. */
  readonly config?: { readonly text: string; readonly file: string };
  readonly environment?: string;
  readonly unit?: string;
};

/** Applies the rules to the comparison of one declared object. */
export type ByRules = (object: KubeObject, comparison: Comparison) => RuledComparison;

/** The rules of a configuration for objects from files. Throws CONFIG_INVALID. `declared` is searched for autoscalers. */
export function createByRules(
  { config, environment, unit = '' }: RuleOptions,
  declared: readonly KubeObject[],
): ByRules {
  const parsed = config && parseConfig(config.text, { file: config.file, env: {} });
  const rules: CompiledRules = parsed ? compileRules(parsed) : NO_RULES;
  const place = environment ?? onlyEnvironment(parsed);
  const placed = declared.map((object) => ({ ref: refOf(place, object), object }));
  const autoscalerOf = autoscalersAmong(placed);
  return (object, comparison) => {
    const subject = () => {
      const ref = refOf(place, object);
      const { labels = {}, annotations = {} } = object.metadata;
      const autoscaler = autoscalerOf(ref);
      return { ...ref, unit, labels, annotations, ...(autoscaler && { autoscaler }) };
    };
    return applyIgnoreRules(comparison, rules, subject, Date.now());
  };
}

function compileRules({ ignore, severities, ignoreAnnotations }: Config): CompiledRules {
  return compileIgnoreRules(ignore, severities, ignoreAnnotations);
}

function onlyEnvironment(config: Config | undefined): string {
  const [only, ...others] = config?.environments ?? [];
  return only && others.length === 0 ? only.name : '';
}
