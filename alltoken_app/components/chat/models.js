// What can be talked to, who serves it, and whether the engine of this machine is ready.

import { useEffect, useState } from "react";
import { open } from "./gateway.js";

const POLL = 1_000; // while it loads
const REST = 4_000; // while nobody needs it

export function useModels() {
  const [found, setFound] = useState({ models: null, problem: "" });
  useEffect(() => {
    open("/v1/models?kind=chat&available=true").then(
      ({ data }) => setFound({ models: data, problem: "" }),
      (error) => setFound({ models: [], problem: error.message }),
    );
  }, []);
  return found;
}

// The model with its endpoints; asked again until its engine, if it has one here, is ready.
export function useDetails(id) {
  const [details, setDetails] = useState(null);
  useEffect(() => {
    if (!id) return undefined;
    let timer = 0;
    let here = true;
    const look = async () => {
      const found = await open(`/v1/models/${id}`).catch(() => null);
      if (!here) return;
      setDetails(found);
      const state = found?.engine?.state ?? "ready";
      if (state !== "ready") timer = setTimeout(look, state === "off" ? REST : POLL);
    };
    look();
    return () => {
      here = false;
      clearTimeout(timer);
    };
  }, [id]);
  return details?.id === id ? details : null;
}
