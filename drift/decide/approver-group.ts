/** Groups are kept in Slack: `@handle` or `slack:` and the id of a user group. No person and no role is called that. */
const GROUP = /^(?:@[a-z0-9][a-z0-9._-]{0,79}|slack:S[A-Z0-9]{2,})$/;

/** The groups that rules name, each once. */
export function groupsIn(
  rules: readonly {
    readonly approvers: readonly string[];
    readonly breakGlass?: readonly string[];
  }[],
): readonly string[] {
  const named = rules.flatMap((one) => [...one.approvers, ...(one.breakGlass ?? [])]);
  return [...new Set(named.filter(isGroup))];
}

/** Whether an entry of `approvers` names a group. Who belongs to it is looked up by the api when somebody decides. */
export function isGroup(approver: string): boolean {
  return GROUP.test(approver);
}
