// Writes src/domain/calendar/table.rs from a named package: which days the State Council (国务院办公厅) gave off, and on
// which days of weekends one works instead (调休).
//
//   npm pack chinese-days@1.5.7 && tar -xzf chinese-days-1.5.7.tgz
//   node services/directory/holidays.mjs package
//
// chinese-days, MIT licence; only dates and names are taken. A year that the package does not have yet is announced in
// November: take the version that has it then, and calendars follow by themselves.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const FIRST_YEAR = 2024;
const folder = process.argv[2];
const { name, version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
const days = [];
for (const file of readdirSync(join(folder, "dist/years"))) {
  const year = Number(file.replace(/\.json$/, ""));
  if (!(year >= FIRST_YEAR)) continue;
  const { holidays, workdays } = JSON.parse(readFileSync(join(folder, "dist/years", file), "utf8"));
  for (const [table, isOff] of [[holidays, true], [workdays, false]]) {
    for (const [date, names] of Object.entries(table)) days.push([date, names.split(",")[1], isOff]);
  }
}
days.sort(([left], [right]) => left.localeCompare(right));
const rows = days.map(([date, name, isOff]) => `    ("${date}", "${name}", ${isOff}),\n`).join("");
const text = `//! Made by \`holidays.mjs\`: date, name, and whether nobody works.

/// The package and its version.
pub(super) const SOURCE: &str = "${name} ${version}";

/// In order.
pub(super) const DAYS: &[(&str, &str, bool)] = &[
${rows}];
`;
writeFileSync(new URL("src/domain/calendar/table.rs", import.meta.url), text);
