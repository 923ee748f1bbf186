import { Ferrolite } from "/ferrolite/service-worker.js";
import { answer } from "./service-worker-calls.mjs";

answer(Ferrolite);
