// Times: <time datetime> reads relative to now, with the exact time of the viewer's zone on hover. What is a day or more
// ahead is a date: an end is planned by the calendar.
const MINUTE = 60;
const HOUR = 3_600;
const DAY = 86_400;
const EVERY = 30_000;
const relative = new Intl.RelativeTimeFormat("en", { numeric: "always" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });
const day = new Intl.DateTimeFormat("en-GB", { dateStyle: "long" });

// Whole calendar months from one moment to a later one.
function monthsBetween(from, to) {
  const months = (to.getFullYear() - from.getFullYear()) * 12 + to.getMonth() - from.getMonth();
  const then = new Date(from);
  then.setMonth(from.getMonth() + months);
  return then > to ? months - 1 : months;
}

// Counts what has passed completely, so that nothing is rounded up.
function inWords(moment, now) {
  const seconds = Math.trunc((moment - now) / 1000);
  const size = Math.abs(seconds);
  if (size < 10) return "just now";
  if (size < MINUTE) return relative.format(seconds, "second");
  if (size < HOUR) return relative.format(Math.trunc(seconds / MINUTE), "minute");
  if (size < DAY) return relative.format(Math.trunc(seconds / HOUR), "hour");
  if (seconds > 0) return day.format(moment);
  const months = monthsBetween(new Date(moment), new Date(now));
  if (months < 1) return relative.format(Math.trunc(seconds / DAY), "day");
  return months < 12 ? relative.format(-months, "month") : relative.format(-Math.trunc(months / 12), "year");
}

function show() {
  for (const time of document.querySelectorAll("time[datetime]")) {
    const moment = Date.parse(time.dateTime);
    if (Number.isNaN(moment)) continue;
    time.title = exact.format(moment);
    time.textContent = inWords(moment, Date.now());
  }
}

show();
setInterval(show, EVERY);
