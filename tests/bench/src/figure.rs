//! What a benchmark found: spreads over rounds, percentiles, and the two ways to print them.

use serde::Serialize;
use serde_json::{Value, json};

/// Least, middle and greatest of the rounds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// The least.
    pub min: f64,
    /// The middle one; with an even number of rounds the mean of the middle two.
    pub median: f64,
    /// The greatest.
    pub max: f64,
}

impl Spread {
    /// Returns the spread of what rounds measured; `None` when there was no round.
    pub fn of(rounds: &[f64]) -> Option<Self> {
        let mut sorted = rounds.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median = if sorted.len() % 2 == 1 {
            sorted[middle]
        } else {
            f64::midpoint(sorted[middle - 1], sorted[middle])
        };
        Some(Self { min: rounded(min), median: rounded(median), max: rounded(max) })
    }
}

/// Returns the value below or at which so many percent of the values lie; `None` when there is none.
pub fn percentile(values: &[f64], percent: usize) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied()
}

/// Returns a number of things as a measure.
pub fn number(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}

/// Keeps a thousandth: nothing here is measured more exactly.
fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// What a figure is compared with.
#[derive(Debug, Clone, PartialEq)]
pub enum Peer {
    /// There is nothing to compare with.
    None,
    /// A program that was measured in the same run.
    Measured(&'static str, Spread),
    /// A number that others state.
    Stated(&'static str, f64),
}

/// What is good enough.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Goal {
    /// The figure is for information.
    None,
    /// At least so many times the peer.
    Times(f64),
    /// At most so much.
    AtMost(f64),
    /// Less than the peer, and at most so much.
    LessAndAtMost(f64),
}

/// One line of the outcome.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// What was measured; it begins with the name of the benchmark.
    pub name: String,
    /// Of all numbers but the ratio.
    pub unit: &'static str,
    /// What our programs reached.
    pub ours: Spread,
    /// What they are compared with.
    pub peer: Peer,
    /// What is good enough.
    pub goal: Goal,
}

impl Figure {
    /// Returns a figure without peer and goal; an error when there was no round.
    pub fn of(name: impl Into<String>, unit: &'static str, rounds: &[f64]) -> anyhow::Result<Self> {
        let name = name.into();
        let ours = Spread::of(rounds).ok_or_else(|| anyhow::anyhow!("{name}: nothing was measured"))?;
        Ok(Self { name, unit, ours, peer: Peer::None, goal: Goal::None })
    }

    /// Compares it with a program that was measured in the same run.
    pub fn against(self, peer_name: &'static str, rounds: &[f64]) -> anyhow::Result<Self> {
        let peer = Spread::of(rounds).ok_or_else(|| anyhow::anyhow!("{peer_name}: nothing was measured"))?;
        Ok(Self { peer: Peer::Measured(peer_name, peer), ..self })
    }

    /// Compares it with a number that others state.
    #[must_use]
    pub fn against_stated(self, peer_name: &'static str, number: f64) -> Self {
        Self { peer: Peer::Stated(peer_name, number), ..self }
    }

    /// Says what is good enough.
    #[must_use]
    pub fn with_goal(self, goal: Goal) -> Self {
        Self { goal, ..self }
    }

    /// Returns ours divided by the peer's, by the medians.
    pub fn ratio(&self) -> Option<f64> {
        let peer = match &self.peer {
            Peer::None => return None,
            Peer::Measured(_, spread) => spread.median,
            Peer::Stated(_, number) => *number,
        };
        (peer > 0.0).then(|| rounded(self.ours.median / peer))
    }

    /// Reports whether the median is good enough; `None` without a goal.
    pub fn is_met(&self) -> Option<bool> {
        match self.goal {
            Goal::None => None,
            Goal::Times(times) => Some(self.ratio().is_some_and(|ratio| ratio >= times)),
            Goal::AtMost(most) => Some(self.ours.median <= most),
            Goal::LessAndAtMost(most) => {
                Some(self.ratio().is_some_and(|ratio| ratio < 1.0) && self.ours.median <= most)
            }
        }
    }

    fn goal_text(&self) -> Option<String> {
        let unit = self.unit;
        match self.goal {
            Goal::None => None,
            Goal::Times(times) => Some(format!("ratio >= {times}")),
            Goal::AtMost(most) => Some(format!("<= {most} {unit}")),
            Goal::LessAndAtMost(most) => Some(format!("ratio < 1 and <= {most} {unit}")),
        }
    }

    /// Returns the figure for programs, one object.
    pub fn json(&self) -> Value {
        let (peer_name, peer) = match &self.peer {
            Peer::None => (None, Value::Null),
            Peer::Measured(name, spread) => (Some(*name), json!(spread)),
            Peer::Stated(name, number) => (Some(*name), json!(number)),
        };
        json!({
            "name": self.name, "unit": self.unit, "ours": self.ours, "peer": peer, "peer_name": peer_name,
            "ratio": self.ratio(), "goal": self.goal_text(), "met": self.is_met(),
        })
    }

    /// Returns the figure as cells of a table for people.
    fn cells(&self) -> [String; 6] {
        let spread = |spread: &Spread| match *spread {
            Spread { min, median, max } if min < max => {
                format!("{} ({}–{})", short(median), short(min), short(max))
            }
            Spread { median, .. } => short(median),
        };
        let peer = match &self.peer {
            Peer::None => "–".to_owned(),
            Peer::Measured(name, measured) => format!("{} {name}", spread(measured)),
            Peer::Stated(name, number) => format!("{} {name}", short(*number)),
        };
        let ratio = self.ratio().map_or_else(|| "–".to_owned(), |ratio| format!("{ratio}×"));
        let goal = match (self.goal_text(), self.is_met()) {
            (Some(goal), Some(true)) => format!("{goal}: met"),
            (Some(goal), _) => format!("{goal}: NOT MET"),
            (None, _) => "–".to_owned(),
        };
        [self.name.clone(), spread(&self.ours), self.unit.to_owned(), peer, ratio, goal]
    }
}

/// Writes a number with as many decimals as somebody wants to read.
fn short(value: f64) -> String {
    if value.abs() >= 100.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}

/// Returns figures as a table for people: the median, and least and greatest in brackets.
pub fn table(figures: &[Figure]) -> String {
    let head = ["what", "ours", "unit", "peer", "ratio", "goal"].map(str::to_owned);
    let rows: Vec<[String; 6]> = std::iter::once(head).chain(figures.iter().map(Figure::cells)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..6).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', width + 2 - cell.chars().count()));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_round_or_the_mean_of_the_middle_two() {
        assert_eq!(Spread::of(&[]), None);
        assert_eq!(Spread::of(&[7.0]), Some(Spread { min: 7.0, median: 7.0, max: 7.0 }));
        assert_eq!(Spread::of(&[9.0, 1.0, 2.0]), Some(Spread { min: 1.0, median: 2.0, max: 9.0 }));
        assert_eq!(Spread::of(&[4.0, 1.0, 2.0, 9.0]), Some(Spread { min: 1.0, median: 3.0, max: 9.0 }));
    }

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let hundred: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!(percentile(&hundred, 50), Some(50.0));
        assert_eq!(percentile(&hundred, 99), Some(99.0));
        assert_eq!(percentile(&[3.0], 99), Some(3.0));
        assert_eq!(percentile(&[], 99), None);
    }

    #[test]
    fn a_figure_is_one_object_with_the_agreed_keys() {
        let figure = Figure::of("callbacks", "/s", &[1200.0, 1300.0, 1100.0]).unwrap();
        let figure = figure.against("fastapi", &[100.0]).unwrap().with_goal(Goal::Times(12.0));
        let expected = json!({
            "name": "callbacks", "unit": "/s", "ours": {"min": 1100.0, "median": 1200.0, "max": 1300.0},
            "peer": {"min": 100.0, "median": 100.0, "max": 100.0}, "peer_name": "fastapi", "ratio": 12.0,
            "goal": "ratio >= 12", "met": true,
        });
        assert_eq!(figure.json(), expected);
        let keys: Vec<_> = figure.json().as_object().unwrap().keys().cloned().collect();
        assert_eq!(keys.len(), 8);
    }

    #[test]
    fn a_goal_is_judged_by_the_median() {
        let figure = |rounds: &[f64], goal| Figure::of("idle", "MB", rounds).unwrap().with_goal(goal);
        assert_eq!(figure(&[59.0, 60.0, 90.0], Goal::AtMost(60.0)).is_met(), Some(true));
        assert_eq!(figure(&[59.0, 61.0, 62.0], Goal::AtMost(60.0)).is_met(), Some(false));
        assert_eq!(figure(&[59.0], Goal::None).is_met(), None);
        let both = figure(&[50.0], Goal::LessAndAtMost(60.0));
        assert_eq!(both.is_met(), Some(false), "without a peer it is not less");
        assert_eq!(both.clone().against("fastapi", &[40.0]).unwrap().is_met(), Some(false));
        assert_eq!(both.against("fastapi", &[51.0]).unwrap().is_met(), Some(true));
        let stated = figure(&[30.0], Goal::None).against_stated("advertised", 3000.0);
        assert_eq!(stated.json()["peer"], json!(3000.0));
        assert_eq!(stated.ratio(), Some(0.01));
    }

    #[test]
    fn the_table_says_which_goal_is_not_met() {
        let met = Figure::of("first-lead", "ms", &[300.0]).unwrap().with_goal(Goal::AtMost(500.0));
        let missed = Figure::of("idle", "MB", &[70.0]).unwrap().with_goal(Goal::AtMost(60.0));
        let text = table(&[met, missed]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines[1].ends_with("<= 500 ms: met"), "{text}");
        assert!(lines[2].ends_with("<= 60 MB: NOT MET"), "{text}");
    }
}
