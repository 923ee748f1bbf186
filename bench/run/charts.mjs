// The page with the charts of published benchmarks: one chart of bars for each row of a table, drawn as SVG.
import { compared, REFERENCES, shown } from "./compare.mjs";

const WIDTH = 400;
const BAR_HEIGHT = 16;
const NAME_WIDTH = 150;
const FIGURE_WIDTH = 70;
const BARS_WIDTH = WIDTH - NAME_WIDTH - FIGURE_WIDTH;
/** Bars end at so many times Ferrolite's: one subject that takes a thousand times as long would leave nothing to be seen. */
const LONGEST = 8;

/** The whole page, which needs no script. */
export function charts(runs) {
  return `<!doctype html>
<html lang="en">
<head>
  <!-- Made by bench/run/report.mjs of docs/benchmarks/*.json. -->
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>Ferrolite: benchmarks</title>
  <link rel="icon" href="../icon.svg" type="image/svg+xml">
  <link rel="stylesheet" href="bench.css">
</head>
<body>
  <h1>Benchmarks</h1>
  <p>
    Medians; the thin line goes from the fastest run to the slowest. Bars that are cut end in an arrow. Pale are subjects that are no
    databases, or that do less than the others, as commits without a flush. Numbers and settings are in <code>docs/benchmarks.md</code>.
  </p>
${runs.map(runPart).join("\n")}
</body>
</html>
`;
}

function runPart({ name, date, machine, versions, tables }) {
  const facts = `${date}, ${machine.cpu}, ${machine.cores} cores, ${machine.memory}, ${machine.system}. `;
  const list = Object.entries(versions)
    .map(([what, version]) => `${what} ${version}`)
    .join(", ");
  return `  <h2>${escaped(name)}</h2>\n  <p class="quiet">${escaped(facts + list)}.</p>\n${tables.map(tablePart).join("\n")}`;
}

function tablePart(table) {
  const drawn = table.rows.filter((row) => table.subjects.filter((subject) => row.values[subject]).length > 1);
  if (drawn.length === 0) return "";
  const figures = drawn.map((row) => `    <figure>${chart(table, row)}</figure>`).join("\n");
  return `  <h3>${escaped(table.title)}</h3>\n  <p>${escaped(table.about)}</p>\n  <div class="charts">\n${figures}\n  </div>`;
}

function chart(table, row) {
  const { references = REFERENCES } = table;
  const { own } = compared(table, row);
  const known = table.subjects.filter((subject) => row.values[subject]);
  const sign = row.better === "more" ? -1 : 1;
  known.sort((a, b) => sign * (row.values[a].median - row.values[b].median));
  const largest = Math.max(...known.map((subject) => row.values[subject].max));
  const end = row.values[own] && row.better !== "more" ? Math.min(largest, LONGEST * row.values[own].median) : largest;
  const at = (value) => NAME_WIDTH + Math.min(BARS_WIDTH, (value / (end || 1)) * BARS_WIDTH);

  const bars = known.map((subject, place) => {
    const { median, min, max, runs } = row.values[subject];
    const top = place * BAR_HEIGHT;
    const isAside = references.includes(subject) || (row.aside ?? []).includes(subject);
    const kind = subject.startsWith("Ferrolite") ? "own" : isAside ? "aside" : "peer";
    const isCut = median > end;
    const middle = top + BAR_HEIGHT / 2;
    const width = round(Math.max(1, at(median) - NAME_WIDTH));
    const figure = shown(median) + (isCut ? " »" : "");
    const [from, to] = [round(at(min)), round(at(max))];
    const spread = `<line x1="${from}" x2="${to}" y1="${middle}" y2="${middle}" stroke="currentColor" stroke-width="1"/>`;
    const text = `${subject}: ${shown(median)} ${row.unit}, ${runs} runs from ${shown(min)} to ${shown(max)}`;
    return (
      `<g><title>${escaped(text)}</title>` +
      `<text x="${NAME_WIDTH - 6}" y="${middle + 4}" text-anchor="end">${escaped(subject)}</text>` +
      `<rect class="${kind}" x="${NAME_WIDTH}" y="${top + 3}" width="${width}" height="${BAR_HEIGHT - 6}"/>` +
      (isCut ? "" : spread) +
      `<text x="${round(Math.max(at(median), isCut ? 0 : at(max)) + 5)}" y="${middle + 4}">${escaped(figure)}</text></g>`
    );
  });
  const caption = `<figcaption>${escaped(row.work)}, ${escaped(row.unit)}${row.better === "more" ? " (more is better)" : ""}</figcaption>`;
  const height = known.length * BAR_HEIGHT;
  return `${caption}<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escaped(row.work)}">${bars.join("")}</svg>`;
}

const round = (number) => Math.round(number * 10) / 10;
const escaped = (text) => String(text).replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
