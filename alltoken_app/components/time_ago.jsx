import { useEffect, useState } from "react";

const UNITS = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];
const WORDS = { year: "y", month: "mo", day: "d", hour: "h", minute: "min" };

function relative(at) {
  const seconds = Math.round((Date.now() - at) / 1000);
  const size = Math.abs(seconds);
  if (size < 10) return "now";
  const [unit, length] = UNITS.find(([, length]) => size >= length) ?? ["second", 1];
  const amount = `${Math.floor(size / length)} ${WORDS[unit] ?? "s"}`;
  return seconds > 0 ? `${amount} ago` : `in ${amount}`;
}

function absolute(at, zone, seconds) {
  const text = new Intl.DateTimeFormat("en-GB", {
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: seconds ? "2-digit" : undefined,
    timeZone: zone === "local" ? undefined : zone,
    timeZoneName: "short",
  });
  return text.format(at);
}

export function TimeAgo({ at, zone = "UTC", exact = false, empty = "–" }) {
  const [, tick] = useState(0);
  useEffect(() => {
    if (exact) return undefined;
    const timer = setInterval(() => document.hidden || tick((n) => n + 1), 15_000);
    return () => clearInterval(timer);
  }, [exact]);

  if (!at) return <span className="faint">{empty}</span>;
  const full = absolute(at, zone, true);
  return (
    <time dateTime={new Date(at).toISOString()} title={full} suppressHydrationWarning>
      {exact ? absolute(at, zone, false) : relative(at)}
    </time>
  );
}
