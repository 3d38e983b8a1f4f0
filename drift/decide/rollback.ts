/** What a unit's revision says that a rollback has made: whoever reads it knows which change set is undone. */
export function rollbackDescription(changeSet: {
  readonly space: string;
  readonly slug: string;
}): string {
  return `Rolled back change set ${changeSet.space}/${changeSet.slug}`;
}
