//! Tests that do not end alike on Linux and in the guest, and the reasons for it.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use toml_edit::DocumentMut;

use super::run::{Outcome, Outcomes};
use crate::tables::{self, text_of};

/// A suite and a test of it.
type Test = (String, String);

/// One test's difference.
#[derive(Debug)]
pub(super) struct Difference {
    pub(super) linux: Option<Outcome>,
    /// By numbers of vCPUs.
    pub(super) guest: BTreeMap<u16, Option<Outcome>>,
    pub(super) reason: Option<String>,
}

/// Why a test may end differently.
#[derive(Clone, Debug)]
struct Reason {
    text: String,
    /// It does not always: chance has a part in it, on Linux too.
    sometimes: bool,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Differences {
    reasons: BTreeMap<Test, Reason>,
    found: BTreeMap<Test, Difference>,
    /// How often a test ended as on Linux.
    same: u64,
    /// Reasons that nothing needs.
    stale: Vec<Test>,
}

impl Differences {
    /// The reasons that `[[difference]]` gives, before anything has run.
    pub(super) fn read(document: &DocumentMut) -> Result<Self> {
        let mut reasons = BTreeMap::new();
        for table in tables::all(document, "difference") {
            let test = (text_of(table, "suite")?, text_of(table, "test")?);
            let sometimes = table.get("sometimes").and_then(|item| item.as_bool()).unwrap_or(false);
            let reason = Reason { text: text_of(table, "reason")?, sometimes };
            if reasons.insert(test.clone(), reason).is_some() {
                bail!("{} {} has two reasons", test.0, test.1);
            }
        }
        Ok(Self { reasons, ..Self::default() })
    }

    /// Compares a run in the guest with the one on Linux.
    pub(super) fn compare(&mut self, suite: &str, smp: u16, linux: &Outcomes, guest: &Outcomes) {
        let names: std::collections::BTreeSet<&String> = linux.keys().chain(guest.keys()).collect();
        for name in names {
            let (there, here) = (linux.get(name).copied(), guest.get(name).copied());
            if there == here {
                self.same += 1;
                continue;
            }
            let test = (suite.to_owned(), name.clone());
            let reason = self.reasons.get(&test).map(|reason| reason.text.clone());
            let difference = self.found.entry(test);
            let difference =
                difference.or_insert_with(|| Difference { linux: there, guest: BTreeMap::new(), reason });
            difference.guest.insert(smp, here);
        }
    }

    /// Every reason must be needed, but those that sometimes are: called when everything has run.
    pub(super) fn forget_none_that_is_not_needed(&mut self) {
        let always = self.reasons.iter().filter(|(_, reason)| !reason.sometimes);
        self.stale =
            always.map(|(test, _)| test).filter(|test| !self.found.contains_key(*test)).cloned().collect();
    }

    /// How often a test ended as it should, and how many must be looked at.
    pub(super) fn count(&self) -> (u64, u64) {
        let explained = self.found.values().filter(|difference| difference.reason.is_some());
        let explained: usize = explained.map(|difference| difference.guest.len()).sum();
        (self.same + explained as u64, self.unexplained().len() as u64)
    }

    /// What must be looked at, one line each.
    pub(super) fn unexplained(&self) -> Vec<String> {
        let without = self.found.iter().filter(|(_, difference)| difference.reason.is_none());
        let without = without.map(|((suite, test), difference)| {
            format!("{suite}: {test} {}, and there is no reason", shown(difference))
        });
        let stale = self.stale.iter().map(|(suite, test)| {
            format!("{suite}: {test} ends as on Linux: take its [[difference]] out of suites.toml")
        });
        without.chain(stale).collect()
    }

    /// All that were found.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Test, &Difference)> {
        self.found.iter()
    }
}

/// `passes on Linux, fails in the guest (1, 4 vCPUs)`.
pub(super) fn shown(difference: &Difference) -> String {
    let end =
        |outcome: &Option<Outcome>| outcome.map_or("is not there".to_owned(), |outcome| outcome.to_string());
    let guest: Vec<String> = difference
        .guest
        .iter()
        .map(|(smp, outcome)| format!("{} in the guest ({smp} vCPU)", end(outcome)))
        .collect();
    format!("{} on Linux, {}", end(&difference.linux), guest.join(", "))
}

#[cfg(test)]
mod tests;
