// Chromium, driven by Playwright.

import { chromium } from "playwright-core";

import { chromiumPath } from "./environment.mjs";

/** A Chromium that ends with the test, or with the file of tests; `without` are defaults of Playwright. */
export async function launch(t, { without = [] } = {}) {
  const browser = await chromium.launch({
    executablePath: chromiumPath,
    ignoreDefaultArgs: without,
    // No sandbox: tests run as root in containers too. No traffic but the pages' own.
    args: ["--no-sandbox", "--disable-background-networking"],
  });
  t.after(() => browser.close());
  return browser;
}

/**
 * A page in a profile of its own, or another tab `beside` a page; what goes wrong in it is collected in
 * `problems`.
 */
export async function openPage(browser, t, beside) {
  const context = beside?.context() ?? (await browser.newContext({ acceptDownloads: true }));
  if (!beside) t.after(() => context.close());
  const page = await context.newPage();
  const problems = [];
  page.on("pageerror", (error) => problems.push(`uncaught: ${error.stack ?? error}`));
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(`console: ${message.text()} (${message.location().url})`);
  });
  return { page, problems };
}
