//! How long messages are kept.

use std::time::Duration;

/// Flags of retention.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct RetentionFlags {
    /// How long messages are kept, such as `90d`, `12h`, `30m` or `45s`. By default for ever.
    #[arg(long, env = "ALO_RETAIN", value_parser = age)]
    pub retain: Option<Duration>,
}

fn age(text: &str) -> Result<Duration, String> {
    let wrong = || "must be a whole number and s, m, h or d, such as 90d".to_owned();
    let (unit, seconds) = match text.chars().last() {
        Some('s') => ("s", 1),
        Some('m') => ("m", 60),
        Some('h') => ("h", 60 * 60),
        Some('d') => ("d", 24 * 60 * 60),
        Some(_) | None => return Err(wrong()),
    };
    let number: u64 = text
        .strip_suffix(unit)
        .and_then(|number| number.parse().ok())
        .filter(|number| *number > 0)
        .ok_or_else(wrong)?;
    number
        .checked_mul(seconds)
        .map(Duration::from_secs)
        .ok_or_else(|| "is too long".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_a_number_with_a_unit() {
        for (text, seconds) in [
            ("45s", 45),
            ("30m", 1_800),
            ("12h", 43_200),
            ("90d", 7_776_000),
        ] {
            assert_eq!(age(text), Ok(Duration::from_secs(seconds)));
        }
        for text in [
            "",
            "d",
            "90",
            "0d",
            "-1d",
            "1.5d",
            "90 days",
            "1w",
            "18446744073709551615d",
            "9ä",
        ] {
            assert!(age(text).is_err(), "{text}");
        }
    }
}
