//! Amounts as specs write them: durations and quantities.

use std::time::Duration;

/// Longest duration, in seconds: ten years.
const LONGEST: f64 = 315_360_000.0;

/// Reads a duration such as `1h30m`, `1.5s` or `300ms`. The error is the end of a sentence.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "is no duration such as `1h30m` or `90s`".to_owned();
    let mut rest = text.trim().strip_prefix('+').unwrap_or(text.trim());
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    if rest.is_empty() {
        return Err(wrong());
    }
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let (number, after) = split(rest);
        let value: f64 = number.parse().map_err(|_| wrong())?;
        let end = after
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(after.len());
        let (unit, next) = after.split_at(end);
        seconds += value
            * match unit {
                "ns" => 1e-9,
                "us" | "µs" | "μs" => 1e-6,
                "ms" => 1e-3,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                _ => return Err(wrong()),
            };
        rest = next;
    }
    if seconds > LONGEST {
        return Err("is longer than ten years".to_owned());
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| wrong())
}

/// Reads a quantity such as `64M`, `1.5Gi` or `100`, rounded up. The error is the end of a sentence.
pub(super) fn quantity(text: &str) -> Result<u64, String> {
    let wrong = || "is no amount such as `64M` or `1Gi`".to_owned();
    let (number, unit) = split(text.trim());
    let value: f64 = number.parse().map_err(|_| wrong())?;
    let factor = match unit {
        "m" => 1e-3,
        "" => 1.0,
        "k" | "K" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "Ki" => 1024.0,
        "Mi" => 1_048_576.0,
        "Gi" => 1_073_741_824.0,
        "Ti" => 1_099_511_627_776.0,
        "Pi" => 1_125_899_906_842_624.0,
        _ => return Err(wrong()),
    };
    let amount = (value * factor).ceil();
    if amount > 9e18 {
        return Err("is too large".to_owned());
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is whole, not negative and fits"
    )]
    Ok(amount as u64)
}

/// Splits a text behind the number it begins with.
fn split(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_those_of_go() {
        for (text, ms) in [
            ("1h30m", 5_400_000),
            ("1.5s", 1500),
            ("300ms", 300),
            ("0", 0),
            ("1m1s", 61_000),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for text in ["", "1", "1d", "-1s", "s", "1..2s", "99999999h", "1h "] {
            assert_eq!(duration(text).is_err(), text != "1h ", "{text:?}");
        }
    }

    #[test]
    fn quantities_are_those_of_kubernetes() {
        for (text, bytes) in [
            ("64M", 64_000_000),
            ("1Gi", 1 << 30),
            ("1.5k", 1500),
            ("100", 100),
            ("500m", 1),
        ] {
            assert_eq!(quantity(text), Ok(bytes), "{text}");
        }
        for text in ["", "M", "1X", "-1", "999999P"] {
            assert!(quantity(text).is_err(), "{text:?}");
        }
    }
}
