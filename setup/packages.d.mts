/** How many packages of package-lock.json belong on this machine, and how many of them are there. */
export function countPackages(root: string): { readonly unpacked: number; readonly wanted: number };
