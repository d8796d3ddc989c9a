/** Opens a page of this site. If only the fragment differs, it reloads, which browsers do not do by themselves. */
export function openPage(path: string): void {
  const { pathname, search } = location;
  location.assign(path);
  if (path.startsWith(`${pathname}${search}#`)) location.reload();
}
