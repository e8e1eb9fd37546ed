/** Where webhooks go, and what signs them. */
export interface Endpoint {
  readonly url: string;
  readonly secrets: readonly string[];
}

/** The endpoints as they are now: one for everything, and one of its own for a connected account that has it. */
export class Endpoints {
  private main: string | null = null;
  private readonly own = new Map<string, { url: string; secrets: readonly string[] | null }>();

  constructor(
    /** The main endpoint's secrets. Changed in place when a secret is rolled, so never copied. */
    private readonly mainSecrets: readonly string[],
  ) {}

  /** `account: null` sets the main endpoint; `url: null` takes one away. @throws TypeError if it is no URL. */
  set(account: string | null, url: string | null, secrets: readonly string[] | null): void {
    const checked = url === null ? null : new URL(url).href;
    if (account === null) this.main = checked;
    else if (checked === null) this.own.delete(account);
    else this.own.set(account, { url: checked, secrets });
  }

  /** Where an event of this account goes; `null` for nowhere. */
  of(account: string | null): Endpoint | null {
    const own = account === null ? undefined : this.own.get(account);
    if (own) return { url: own.url, secrets: own.secrets ?? this.mainSecrets };
    return this.main === null ? null : { url: this.main, secrets: this.mainSecrets };
  }
}
