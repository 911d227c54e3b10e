/** Cockpit in the guest as a person uses it from another machine: its login page, its shell, and pages in their frames. */
import type { Browser, Frame, Page } from "puppeteer-core";
import { type Conduct, View, watchConduct } from "../cockpit/view.ts";

/** Of an emulated machine, which also encrypts. */
const BOUND_MS = 120_000;
/** Where pictures of it go, to be looked at. */
const PICTURES = "build/vm-cockpit";

/** What our page may not do, whatever Cockpit's own pages do. */
const OURS = /\/nvme-stas\//;

export class Shell {
  readonly page: Page;
  readonly conduct: Conduct;
  /** The login page, and then what is around the pages. */
  readonly around: View;
  /** Our page. */
  readonly ours: View;

  private constructor(page: Page, origin: string) {
    this.page = page;
    this.conduct = watchConduct(page, origin);
    this.around = new View(() => page.mainFrame(), BOUND_MS);
    this.ours = this.pageAt("nvme-stas/");
  }

  /** At the page's address, which for a browser without cookies is the login page. */
  static async open(browser: Browser, origin: string): Promise<Shell> {
    const page = await browser.newPage();
    page.setDefaultTimeout(BOUND_MS);
    await page.setViewport({ width: 1280, height: 900 });
    const shell = new Shell(page, origin);
    await page.goto(`${origin}/nvme-stas`);
    return shell;
  }

  async logIn(user: string, password: string): Promise<void> {
    await this.around.see("User name", "Log in");
    await this.around.fill("#login-user-input", user);
    await this.around.fill("#login-password-input", password);
    await this.around.press("#login-button");
    await this.around.see("NVMe-oF storage", "Limited access");
  }

  /** By the button at the top of the shell, with the password that sudo asks for. */
  async becomeAdmin(password: string): Promise<void> {
    await this.around.press("#super-user-indicator button");
    await this.around.see("Switch to administrative access", "Password");
    await this.around.fill("#switch-to-admin-access-password", password);
    await this.around.press("[role=dialog] button.pf-m-primary");
    await this.around.missing("Switch to administrative access", "Limited access");
    await this.around.see("Administrative access");
  }

  async dropAdmin(): Promise<void> {
    await this.around.press("#super-user-indicator button");
    await this.around.see("Switch to limited access");
    await this.around.press("[role=dialog] button.pf-m-primary");
    await this.around.missing("Switch to limited access");
    await this.around.see("Limited access");
  }

  /** The page of Cockpit whose address has this part. */
  pageAt(part: string): View {
    return new View(() => this.#frameAt(part), BOUND_MS);
  }

  #frameAt(part: string): Frame | undefined {
    return this.page.mainFrame().childFrames().find((frame) =>
      new URL(frame.url(), "https://none").pathname.includes(`/${part}`)
    );
  }

  /** The whole window, for a person to look at. */
  async picture(name: string): Promise<void> {
    await Deno.mkdir(PICTURES, { recursive: true });
    await Deno.writeFile(`${PICTURES}/${name}.png`, await this.page.screenshot());
  }

  /** What our page did that it may not: complaints that name none of Cockpit's own files may be its. */
  misconduct(): readonly string[] {
    const { strayRequests, complaints } = this.conduct;
    const others = complaints.filter((text) => !OURS.test(text));
    if (others.length > 0) console.log(`        Cockpit's own pages complain:\n${others.join("\n")}`);
    return [...strayRequests, ...complaints.filter((text) => OURS.test(text))];
  }
}
