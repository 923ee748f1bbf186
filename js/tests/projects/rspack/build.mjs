import { rspack } from "@rspack/core";

import config from "./rspack.config.mjs";

rspack(config, (error, stats) => {
  if (error) throw error;
  if (stats.hasErrors()) throw new Error(stats.toString("errors-only"));
});
