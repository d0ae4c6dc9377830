/** A bar on a terminal, a line for every tenth elsewhere; on standard error. */
export function progressBar(): (doing: string, share: number) => void {
  let told = -1;
  return (doing, share) => {
    if (process.stderr.isTTY) {
      const full = Math.round(share * 24);
      process.stderr.write(
        `\r\u001b[2K${"█".repeat(full)}${"░".repeat(24 - full)} ${(100 * share).toFixed(0).padStart(3)}% ${doing}${share >= 1 ? "\n" : ""}`,
      );
      return;
    }
    const tenth = Math.floor(share * 10 + 1e-9);
    if (tenth <= told) return;
    told = tenth;
    process.stderr.write(`evenkeel: ${tenth * 10}% ${doing}\n`);
  };
}
