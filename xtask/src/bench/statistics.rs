//! Medians, and whether they reach a goal.

use super::results::{Goal, Measure};

/// The summary of several runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// Half of the values are not above, half not below.
    pub median: f64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
}

/// Whether a goal is reached.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// The ratio of the two medians.
    pub ratio: f64,
    /// What it should be.
    pub bound: f64,
    /// Whether it is.
    pub is_met: bool,
}

impl Summary {
    /// `None` without values.
    pub fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median = if sorted.len() % 2 == 1 {
            sorted[middle]
        } else {
            f64::midpoint(sorted[middle - 1], sorted[middle])
        };
        Some(Self { median, min, max })
    }
}

/// The ratio of two series' medians; `None` without values, or if it would be meaningless.
pub fn ratio(of: &[f64], to: &[f64]) -> Option<f64> {
    let (of, to) = (Summary::of(of)?.median, Summary::of(to)?.median);
    (of >= 0.0 && to > 0.0).then(|| of / to)
}

impl Goal {
    /// Whether the measured series reach it; `None` if one of them was not measured.
    pub fn verdict(&self, measure: &Measure) -> Option<Verdict> {
        let ratio = ratio(
            measure.values(&self.series)?,
            measure.values(&self.against)?,
        )?;
        let (bound, is_met) = match (self.at_most, self.at_least) {
            (Some(bound), _) => (bound, ratio <= bound),
            (None, bound) => (bound?, ratio >= bound?),
        };
        Some(Verdict {
            ratio,
            bound,
            is_met,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::results::Series;

    #[test]
    fn the_median_is_in_the_middle() {
        let odd = Summary::of(&[9.0, 1.0, 5.0]).unwrap();
        assert_eq!((odd.median, odd.min, odd.max), (5.0, 1.0, 9.0));
        assert_eq!(Summary::of(&[4.0, 1.0, 2.0, 3.0]).unwrap().median, 2.5);
        assert_eq!(Summary::of(&[]), None);
    }

    #[test]
    fn ratios_are_of_medians() {
        assert_eq!(ratio(&[3.0, 100.0, 1.0], &[2.0]), Some(1.5));
        assert_eq!(ratio(&[1.0], &[]), None);
        assert_eq!(ratio(&[1.0], &[0.0]), None);
        assert_eq!(ratio(&[-1.0], &[1.0]), None);
    }

    #[test]
    fn goals_bound_the_ratio_from_above_or_below() {
        let series = |name: &str, value: f64| Series {
            name: name.to_owned(),
            values: vec![value],
        };
        let measure = Measure {
            title: String::new(),
            unit: String::new(),
            base: "b".to_owned(),
            series: vec![series("a", 3.0), series("b", 2.0)],
            goals: Vec::new(),
        };
        let goal = |against: &str, at_most, at_least| Goal {
            series: "a".to_owned(),
            against: against.to_owned(),
            at_most,
            at_least,
        };
        let met = |goal: Goal| goal.verdict(&measure).map(|verdict| verdict.is_met);
        assert_eq!(met(goal("b", Some(1.5), None)), Some(true));
        assert_eq!(met(goal("b", Some(1.4), None)), Some(false));
        assert_eq!(met(goal("b", None, Some(1.5))), Some(true));
        assert_eq!(met(goal("b", None, Some(1.6))), Some(false));
        assert_eq!(met(goal("c", Some(9.0), None)), None);
    }
}
