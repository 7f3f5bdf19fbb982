/** What `mesh.reload` is told. */
export interface ReloadOptions {
  /** How long the new version is watched: a failure of one of its agents takes it back, ms. Default 2,000. */
  readonly windowMs?: number;
}

/** What became of a module. */
export interface ReloadResult {
  /** Its URL. */
  readonly module: string;
  /**
   * `reloaded`: its agents run the new version, their states kept. `refused`: it could not be loaded, and nothing was
   * changed. `reverted`: it failed, and its agents run the version before, with their states.
   */
  readonly outcome: "reloaded" | "refused" | "reverted";
  /** Agents that changed over, back again when it was reverted. */
  readonly agents: number;
  /** Why it was refused or reverted. */
  readonly why?: string;
}
