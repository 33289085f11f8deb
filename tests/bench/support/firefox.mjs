// Firefox, driven through geckodriver: Playwright drives only a Firefox of its own.

import { Builder } from "selenium-webdriver";
import { Options, ServiceBuilder } from "selenium-webdriver/firefox.js";

import { required } from "../../support/environment.mjs";

/** How long a script in the page may take, in milliseconds. */
const SCRIPT = 180_000;

/** Opens a page in a Firefox that ends with the scope; `call(name, ...args)` calls a function of its `bench`. */
export async function openInFirefox(t, url) {
  const driver = await new Builder()
    .forBrowser("firefox")
    .setFirefoxOptions(new Options().addArguments("-headless"))
    .setFirefoxService(new ServiceBuilder(required("GECKODRIVER")))
    .build();
  t.after(() => driver.quit());
  await driver.manage().setTimeouts({ script: SCRIPT });
  await driver.get(url);
  await driver.wait(() => driver.executeScript("return globalThis.bench !== undefined"), 30_000);
  const capabilities = await driver.getCapabilities();
  const call = async (name, ...args) => {
    const { value, error } = await driver.executeAsyncScript(
      `const [name, args, done] = arguments;
       Promise.resolve().then(() => bench[name](...args)).then((value) => done({ value }), (error) => done({ error: String(error) }));`,
      name,
      args,
    );
    if (error) throw new Error(`bench.${name}: ${error}`);
    return value;
  };
  return { version: capabilities.get("browserVersion"), call };
}
