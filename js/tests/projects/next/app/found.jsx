"use client";

import { Ferrolite, Transaction } from "ferrolite";
import { useEffect, useState } from "react";

import { run, tell } from "../run.js";

/** The server renders this, too, and imports the package for it; the effect runs in the browser alone. */
export function Found() {
  const [found, setFound] = useState("not yet");
  useEffect(() => {
    const outcome = run({ Ferrolite, Transaction }, "project");
    tell(outcome);
    outcome.then(({ found }) => setFound(found.join()), (error) => setFound(error.message));
  }, []);
  return <p>{`${Ferrolite.name.length > 0 ? "found" : ""}: ${found}`}</p>;
}
