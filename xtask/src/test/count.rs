//! How many tests ran and how they ended, read from what the test programs print.

use std::{fmt, ops::Add, process::ExitStatus};

use anyhow::Result;

/// Numbers of tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Passed.
    pub passed: u32,
    /// Failed.
    pub failed: u32,
    /// Did not run.
    pub skipped: u32,
}

impl Count {
    /// So many passed.
    pub const fn passed(passed: u32) -> Self {
        Self {
            passed,
            failed: 0,
            skipped: 0,
        }
    }

    /// So many failed.
    pub const fn failed(failed: u32) -> Self {
        Self {
            passed: 0,
            failed,
            skipped: 0,
        }
    }

    /// So many did not run.
    pub const fn skipped(skipped: u32) -> Self {
        Self {
            passed: 0,
            failed: 0,
            skipped,
        }
    }

    /// One check; why it failed is printed.
    pub fn check(outcome: Result<()>) -> Self {
        match outcome {
            Ok(()) => Self::passed(1),
            Err(error) => {
                println!("failed: {error:#}");
                Self::failed(1)
            }
        }
    }

    /// Adds a line such as `test result: ok. 3 passed; 0 failed; 1 ignored; …`; other lines add
    /// nothing.
    pub fn add_rust_line(&mut self, line: &str) {
        let Some((_, numbers)) = line.split_once("test result: ") else {
            return;
        };
        let numbers = numbers.split_once(". ").map_or("", |(_, numbers)| numbers);
        for part in numbers.split("; ") {
            let Some((number, what)) = part.split_once(' ') else {
                continue;
            };
            let number = number.parse().unwrap_or(0);
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.skipped += number,
                // Measured, filtered out and the time are not counts of what ran.
                _ => {}
            }
        }
    }

    /// Adds a line such as `ℹ pass 3` of Node's `spec` reporter; other lines add nothing.
    pub fn add_node_line(&mut self, line: &str) {
        let Some((what, number)) = line
            .strip_prefix("ℹ ")
            .and_then(|rest| rest.split_once(' '))
        else {
            return;
        };
        let Ok(number) = number.parse::<u32>() else {
            return;
        };
        match what {
            "pass" => self.passed += number,
            "fail" | "cancelled" => self.failed += number,
            "skipped" | "todo" => self.skipped += number,
            // Tests and suites are sums, the rest is time.
            _ => {}
        }
    }

    /// The count of a test program that has ended: one that failed without naming a test has failed
    /// once, and one that ran no test has lost its tests.
    pub fn ended(self, status: ExitStatus) -> Self {
        if self.failed > 0 || (status.success() && self.passed > 0) {
            return self;
        }
        if status.success() {
            println!("failed: no test ran");
        } else {
            println!("failed: {status}");
        }
        self + Self::failed(1)
    }
}

impl Add for Count {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            skipped: self.skipped + other.skipped,
        }
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    #[test]
    fn rust_results_add_up() {
        let mut count = Count::default();
        for line in [
            "running 3 tests",
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s",
            "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 filtered out; finished in 1.00s",
            "test tells_passed ... ok",
        ] {
            count.add_rust_line(line);
        }
        assert_eq!(count.to_string(), "4 passed, 2 failed, 1 skipped");
    }

    #[test]
    fn node_results_add_up() {
        let mut count = Count::default();
        for line in [
            "✔ sends (3 ms)",
            "ℹ tests 7",
            "ℹ suites 1",
            "ℹ pass 4",
            "ℹ fail 1",
            "ℹ cancelled 1",
            "ℹ skipped 1",
            "ℹ todo 0",
            "ℹ duration_ms 12.5",
        ] {
            count.add_node_line(line);
        }
        assert_eq!(count.to_string(), "4 passed, 2 failed, 1 skipped");
    }

    #[test]
    fn a_program_that_ran_nothing_or_fell_over_has_failed() {
        let good = ExitStatus::from_raw(0);
        let bad = ExitStatus::from_raw(1 << 8);
        assert_eq!(Count::passed(2).ended(good), Count::passed(2));
        assert_eq!(Count::default().ended(good).failed, 1);
        assert_eq!(Count::passed(2).ended(bad).failed, 1);
        assert_eq!(Count::failed(3).ended(bad), Count::failed(3));
    }
}
