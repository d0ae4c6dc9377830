/** Why a store could not do what it was asked. */
export type StoreErrorReason = "NotFound" | "Corrupt" | "BadUri" | "Full" | "ReadOnly";

/** The store, or what lies in it, is not as it should be. */
export class StoreError extends Error {
  override readonly name = "StoreError";
  readonly reason: StoreErrorReason;

  constructor(reason: StoreErrorReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** @returns the same failure of the file system, told as what it means for a store */
export function storeFailure(error: unknown, doing: string): unknown {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  switch (code) {
    case "ENOSPC":
    case "EDQUOT":
      return new StoreError("Full", `${doing}: no space is left on the store's volume`, { cause: error });
    case "EROFS":
    case "EACCES":
    case "EPERM":
      return new StoreError("ReadOnly", `${doing}: the store is mounted read-only or not writable for this user`, {
        cause: error,
      });
    case "ENOENT":
    case "ENOTDIR":
      return new StoreError("NotFound", `${doing}: there is no such folder, and none can be made`, { cause: error });
    default:
      return error;
  }
}
