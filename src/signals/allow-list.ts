/**
 * Whether a Prometheus URL of a custom resource is one that the installation allows (decision 40). Scheme, host and port
 * must be those of an allowed URL, and the path must be under its path: as text, `http://prometheus` would allow
 * `http://prometheus.example.com` and `http://prometheus@example.com` too.
 *
 * @param allowed  URLs, such as http://prometheus.monitoring:9090
 * @returns false as well for what is no URL, has a user or password, a query or a fragment
 */
export function isAllowedUrl(text: string, allowed: readonly string[]): boolean {
  const url = parse(text);
  if (!url || url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") return false;
  return allowed.some((prefix) => {
    const base = parse(prefix);
    return base !== null && url.origin === base.origin && folder(url.pathname).startsWith(folder(base.pathname));
  });
}

function parse(text: string): URL | null {
  const url = URL.parse(text);
  return url && (url.protocol === "http:" || url.protocol === "https:") ? url : null;
}

function folder(path: string): string {
  return path.endsWith("/") ? path : `${path}/`;
}
