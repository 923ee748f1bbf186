import { Ferrolite, Transaction } from "ferrolite";

import { run, tell } from "./run.js";

tell(run({ Ferrolite, Transaction }, "project"));
