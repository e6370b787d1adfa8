// What can be talked to, and whether the engine of this machine is ready.

import { useEffect, useState } from "react";
import { open } from "./gateway.js";

const POLL = 1_000;

const speaks = (model) => {
  const out = model.architecture?.output_modalities;
  return out ? out.includes("text") : model.kind !== "embeddings";
};

export function useModels() {
  const [found, setFound] = useState({ models: null, problem: "" });
  useEffect(() => {
    open("/v1/models").then(
      ({ data }) => setFound({ models: data.filter(speaks), problem: "" }),
      (error) => setFound({ models: [], problem: error.message }),
    );
  }, []);
  return found;
}

// {state, detail, progress} while the local engine is not ready; null when it is, or is not needed.
export function useEngine(needed) {
  const [status, setStatus] = useState(null);
  useEffect(() => {
    if (!needed) return undefined;
    let timer = 0;
    let here = true;
    const look = async () => {
      const said = await open("/web/engine").catch(() => null);
      if (!here) return;
      const ready = !said || said.state === "ready";
      setStatus(ready ? null : said);
      if (!ready) timer = setTimeout(look, POLL);
    };
    look();
    return () => {
      here = false;
      clearTimeout(timer);
    };
  }, [needed]);
  return needed ? status : null;
}
