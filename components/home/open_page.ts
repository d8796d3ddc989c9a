/** Goes to a page of this site, also when only the fragment differs: browsers do not load that by themselves. */
export function openPage(path: string): void {
  const { pathname, search } = location;
  location.assign(path);
  if (path.startsWith(`${pathname}${search}#`)) location.reload();
}
