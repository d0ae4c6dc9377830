import chromium from "@sparticuz/chromium";
import { type Browser, chromium as playwright } from "playwright-core";

/**
 * Starts the real Chromium that npm's @sparticuz/chromium carries; it needs libnss3 of the system.
 *
 * @throws telling what to install when it does not start
 */
export async function startBrowser(): Promise<Browser> {
  // Its graphics layer is for machines without fonts and would shadow the system's.
  chromium.setGraphicsMode = false;
  const executablePath = await chromium.executablePath();
  try {
    return await playwright.launch({ executablePath, args: chromium.args, headless: true });
  } catch (error) {
    const missing = /lib(nss3|nssutil3|nspr4)\S*/.exec(String(error))?.[0];
    if (!missing) throw error;
    throw new Error(`Chromium needs ${missing} of the system: install Debian's libnss3 (apt-get install libnss3)`, {
      cause: error,
    });
  }
}
