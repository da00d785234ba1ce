// Times: <time datetime> reads relative to now, with the exact time of the viewer's zone on hover.
const STEPS = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];
const EVERY = 30_000;
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

function inWords(moment) {
  const seconds = Math.round((moment - Date.now()) / 1000);
  if (Math.abs(seconds) < 10) return "just now";
  const [unit, length] = STEPS.find(([, size]) => Math.abs(seconds) >= size);
  return relative.format(Math.trunc(seconds / length), unit);
}

function show() {
  for (const time of document.querySelectorAll("time[datetime]")) {
    const moment = Date.parse(time.dateTime);
    if (Number.isNaN(moment)) continue;
    time.title = exact.format(moment);
    time.textContent = inWords(moment);
  }
}

show();
setInterval(show, EVERY);
