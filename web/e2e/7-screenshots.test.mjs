// Pictures of every page for people to look at: light, dark and phone, into $SCREENSHOTS.
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { everyPage, furnish } from "./pages.mjs";
import { BASE, DESK, login, open, PHONE, settled } from "./support.mjs";

const MODES = {
  light: { colorScheme: "light", viewport: DESK },
  dark: { colorScheme: "dark", viewport: DESK },
  phone: { colorScheme: "light", viewport: PHONE, deviceScaleFactor: 2 },
};

for (const [mode, options] of Object.entries(MODES)) {
  test(`screenshots, ${mode}`, { skip: !process.env.SCREENSHOTS && "SCREENSHOTS is not set" }, async (t) => {
    const directory = path.resolve(process.env.SCREENSHOTS);
    await mkdir(directory, { recursive: true });
    const browser = await open(t, options);
    const { page } = browser;
    const shoot = (name) => page.screenshot({ path: path.join(directory, `${mode}-${name}.png`) });
    await page.goto(`${BASE}/login`);
    await page.getByRole("heading", { name: "Log in" }).waitFor();
    await shoot("login");
    await login(page);
    await furnish(page);
    for (const [name, address] of Object.entries(await everyPage(page))) {
      await page.goto(BASE + address);
      await settled(page);
      await shoot(name);
    }
    await browser.close();
  });
}
