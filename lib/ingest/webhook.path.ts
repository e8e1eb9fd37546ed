/** Finds the requests that are for the webhook controller, before any framework has looked at them. */
export class WebhookPath {
  private readonly prefixes: readonly string[];

  /** @param globalPrefix the host's, which it may also have excluded the controller from */
  constructor(path: string, globalPrefix: string) {
    const own = `/${trimmed(path)}/`;
    this.prefixes = globalPrefix ? [`/${trimmed(globalPrefix)}${own}`, own] : [own];
  }

  /** Whether this URL's path is `<prefix>/<path>/:source[/:connection]`. */
  matches(url: string): boolean {
    const query = url.indexOf('?');
    const path = query < 0 ? url : url.slice(0, query);
    return this.prefixes.some((prefix) => {
      if (!path.startsWith(prefix)) return false;
      const segments = path.slice(prefix.length).replace(/\/$/, '').split('/');
      return segments.length <= 2 && segments.every((segment) => segment !== '');
    });
  }
}

function trimmed(path: string): string {
  return path.replace(/^\/+|\/+$/g, '');
}
