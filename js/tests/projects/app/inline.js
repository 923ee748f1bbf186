import { Ferrolite, Transaction } from "ferrolite/inline";

import { run, tell } from "./run.js";

tell(run({ Ferrolite, Transaction }, "project"));
