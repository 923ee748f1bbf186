// How the subjects of a benchmark stand to each other: for the report and for its charts.

/** What is no database, where a table does not say it itself. */
export const REFERENCES = ["floor", "memory", "limit"];

/** The subject that is compared, and those that it is compared with: databases that do the same in this row. */
export function compared(table, row) {
  const { subjects, references = REFERENCES } = table;
  const own = subjects.find((subject) => subject.startsWith("Ferrolite"));
  const peers = subjects.filter(
    (subject) => !subject.startsWith("Ferrolite") && !references.includes(subject) && !(row.aside ?? []).includes(subject),
  );
  const sign = row.better === "more" ? -1 : 1;
  const ranked = peers.filter((peer) => row.values[peer]).sort((a, b) => sign * (row.values[a].median - row.values[b].median));
  return { own, best: ranked[0] };
}

/** How Ferrolite stands to a peer: below 1 it is ahead, whichever way is better. */
export function ratioOf(row, own, best) {
  if (!row.values[own] || !row.values[best]) return undefined;
  const ratio = row.values[own].median / row.values[best].median;
  return row.better === "more" ? 1 / ratio : ratio;
}

/**
 * How long work takes in one run for each unit of time that it takes in another: of each row that is in both, Ferrolite's medians
 * and the ratios of all subjects that were measured in both.
 */
export function across(from, to) {
  return to.tables.flatMap((table) => {
    const other = from.tables.find(({ id }) => id === table.id);
    return table.rows.flatMap((row) => {
      const before = other?.rows.find(({ work, unit }) => work === row.work && unit === row.unit);
      const { own } = compared(table, row);
      if (!/^[mu]s/.test(row.unit) || !before?.values[own] || !row.values[own]) return [];
      const both = table.subjects.filter((subject) => before.values[subject] && row.values[subject]);
      const ratios = Object.fromEntries(
        both.map((subject) => [subject, row.values[subject].median / before.values[subject].median]),
      );
      return [{ table: table.title, work: row.work, unit: row.unit, own, from: before.values[own], to: row.values[own], ratios }];
    });
  });
}

/** Three digits that mean something. */
export function shown(number) {
  if (number === 0) return "0";
  if (Math.abs(number) >= 100) return Math.round(number).toLocaleString("en");
  return String(Number(number.toPrecision(3)));
}
