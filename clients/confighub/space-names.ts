/** Remembers the slugs of spaces: answers to writes name spaces by id only. */
export type SpaceNames = {
  remember(spaceId: string, slug: string): void;
  slugOf(spaceId: string): Promise<string>;
};

const MAX_SPACES = 10_000;

export function createSpaceNames(read: (spaceId: string) => Promise<string>): SpaceNames {
  const slugs = new Map<string, string>();
  const remember = (spaceId: string, slug: string) => {
    if (slug === '') return;
    if (slugs.size >= MAX_SPACES) slugs.clear();
    slugs.set(spaceId, slug);
  };
  return {
    remember,
    slugOf: async (spaceId) => {
      const known = slugs.get(spaceId);
      if (known !== undefined) return known;
      const slug = await read(spaceId);
      remember(spaceId, slug);
      return slug;
    },
  };
}
