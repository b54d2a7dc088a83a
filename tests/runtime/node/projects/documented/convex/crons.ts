import { cronJobs } from "convex/server";

import { internal } from "./_generated/api";

const crons = cronJobs();
const { tick, tickInAction } = internal.scheduling;
crons.interval("every minute and a half", { seconds: 90 }, tick, { what: "interval" });
crons.hourly("hourly", { minuteUTC: 10 }, tick, { what: "hourly" });
crons.daily("daily", { hourUTC: 3, minuteUTC: 30 }, tick, { what: "daily" });
crons.weekly("weekly", { dayOfWeek: "tuesday", hourUTC: 12, minuteUTC: 0 }, tickInAction, { what: "weekly" });
crons.monthly("monthly", { day: 2, hourUTC: 6, minuteUTC: 0 }, tick, { what: "monthly" });
crons.cron("by a line", "15 */6 * * *", tick, { what: "cron" });

export default crons;
