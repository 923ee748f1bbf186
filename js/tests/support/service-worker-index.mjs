import { Ferrolite } from "/ferrolite/index.js";
import { answer } from "./service-worker-calls.mjs";

answer(Ferrolite);
