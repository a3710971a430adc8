//! Clocks of cron inputs.

use std::time::Duration;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::amounts;

/// When a cron input ticks, in UTC.
#[derive(Clone, Debug)]
pub struct Schedule(Kind);

#[derive(Clone, Debug)]
enum Kind {
    /// At the minutes that a pattern names.
    Pattern(Box<Cron>),
    /// Again and again after a while.
    Every(Duration),
}

impl Schedule {
    /// Reads five fields (`0 * * * *`), a name (`@daily`) or `@every 90s`. The error says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() {
            return Err("Empty spec string".to_owned());
        }
        if text.len() > 256 {
            return Err("longer than 256 bytes".to_owned());
        }
        if let Some(every) = text.strip_prefix("@every ") {
            let every = amounts::duration(every).map_err(|why| format!("`@every` {why}"))?;
            // Seconds are the least that clocks of clusters know.
            return Ok(Self(Kind::Every(every.max(Duration::from_secs(1)))));
        }
        let parser = CronParser::builder()
            .seconds(Seconds::Disallowed)
            .year(Year::Disallowed)
            .build();
        match parser.parse(text) {
            Ok(cron) => Ok(Self(Kind::Pattern(Box::new(cron)))),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Returns the first tick after a time, both in Unix milliseconds; none when there is none any more.
    pub fn next(&self, after: i64) -> Option<i64> {
        match &self.0 {
            Kind::Every(every) => after.checked_add(i64::try_from(every.as_millis()).ok()?),
            Kind::Pattern(cron) => {
                let from = Timestamp::from_millisecond(after).ok()?.to_zoned(TimeZone::UTC);
                let next = cron.find_next_occurrence(&from, false).ok()?;
                Some(next.timestamp().as_millisecond())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_tick_in_utc() {
        let next = |text: &str| Schedule::parse(text).expect(text).next(0);
        assert_eq!(next("30 1 * * *"), Some(90 * 60_000));
        assert_eq!(
            next("@daily"),
            Some(24 * 3_600_000),
            "the first tick is after the time, not at it"
        );
        assert_eq!(next("@every 90s"), Some(90_000));
    }

    #[test]
    fn wrong_clocks_are_refused() {
        for text in [
            "",
            " ",
            "* * * *",
            "* * * * * *",
            "61 * * * *",
            "@every x",
            "@never",
            "a b c d e",
        ] {
            assert!(Schedule::parse(text).is_err(), "{text:?}");
        }
        assert_eq!(
            Schedule::parse("").expect_err("nothing is no clock"),
            "Empty spec string"
        );
    }
}
