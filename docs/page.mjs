/**
 * @file Takes the pictures of the live page that docs/watching.md shows, of a run that trains.
 *
 *   node dist/cli/main.js train quickstart --page 127.0.0.1:8080
 *   node docs/page.mjs http://127.0.0.1:8080 docs/pictures
 *
 * A checkpoint is looked at first, so there must be one.
 */
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import sharp from 'sharp';

const [url, folder] = process.argv.slice(2);
const PICTURES = [
  { name: 'page-light', colorScheme: 'light', width: 1280, height: 1180, scale: 1 },
  { name: 'page-dark', colorScheme: 'dark', width: 1280, height: 1180, scale: 1 },
  { name: 'page-phone-light', colorScheme: 'light', width: 390, height: 1150, scale: 1.5 },
  { name: 'page-phone-dark', colorScheme: 'dark', width: 390, height: 1150, scale: 1.5 },
];
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox'],
});
for (const { name, colorScheme, width, height, scale } of PICTURES) {
  const context = await browser.newContext({
    ...{ colorScheme, viewport: { width, height }, deviceScaleFactor: scale },
    locale: 'en-GB',
  });
  const page = await context.newPage();
  await page.goto(url);
  await page.locator('[data-chart="gradientNorm"] canvas').waitFor();
  await page.locator('.lane canvas').first().waitFor();
  const state = page.locator('#pictures-state');
  await state.filter({ hasText: /./ }).waitFor();
  if (!(await page.locator('#pictures .tiles').count())) await page.locator('#look').click();
  await page.locator('#pictures .tiles').first().waitFor({ timeout: 120_000 });
  // A beat more, so that lanes and curves are of the same second.
  await page.waitForResponse((reply) => reply.url().includes('/lanes'));
  const shot = await page.screenshot();
  const path = join(folder, `${name}.png`);
  await sharp(shot).png({ palette: true, colours: 256, compressionLevel: 9 }).toFile(path);
  await context.close();
}
await browser.close();
