import { Ferrolite, Transaction } from "ferrolite/inline";

import { run, tell } from "./run.js";

const storage = new URLSearchParams(location.search).get("storage") ?? "auto";
tell(run({ Ferrolite, Transaction }, "single", { storage }));
