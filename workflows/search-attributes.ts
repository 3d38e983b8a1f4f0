import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';

export const ENVIRONMENT = defineSearchAttributeKey(
  'RealignEnvironment',
  SearchAttributeType.KEYWORD,
);
export const KIND = defineSearchAttributeKey('RealignKind', SearchAttributeType.KEYWORD);
export const NAMESPACE = defineSearchAttributeKey('RealignNamespace', SearchAttributeType.KEYWORD);
export const SEVERITY = defineSearchAttributeKey('RealignSeverity', SearchAttributeType.KEYWORD);
export const PHASE = defineSearchAttributeKey('RealignPhase', SearchAttributeType.KEYWORD);
export const UNIT = defineSearchAttributeKey('RealignUnit', SearchAttributeType.KEYWORD);

/** All of them: at most ten keywords fit a namespace whose visibility store is SQL. */
export const SEARCH_ATTRIBUTES = [ENVIRONMENT, KIND, NAMESPACE, SEVERITY, PHASE, UNIT] as const;
