//! Which datums of a job have to be handed out, given the jobs before it: counts, no content.
//!
//! A job that has all datums of the one before it needs only those that were added. Once one is missing, every datum is
//! handed out again, because the output has to be put together anew; results that are stored serve there too. What an
//! unfinished job before it has as well is held back until that one ended, so that nothing is processed twice.

use std::collections::HashMap;
use std::hash::Hash;

/// How often each datum is there: equal ones may be several.
type Counts<H> = HashMap<H, usize>;

/// Jobs of one pipeline in their order, and the datums of the last one that succeeded.
#[derive(Debug)]
pub struct Chain<H> {
    base: Counts<H>,
    links: Vec<Link<H>>,
}

/// A job that has not ended.
#[derive(Debug)]
struct Link<H> {
    job: String,
    datums: Vec<H>,
    counts: Counts<H>,
    /// By place: whether it was handed out.
    given: Vec<bool>,
    /// Whether known datums may be passed over.
    skips: bool,
}

/// What a job may do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Process the datums at these places.
    Process(Vec<usize>),
    /// Wait until a job before it ended.
    Wait,
    /// Nothing more: all others were processed before.
    Done,
}

impl<H: Clone + Eq + Hash> Chain<H> {
    /// Returns the chain after a job that succeeded with these datums.
    pub fn after(base: &[H]) -> Self {
        Self {
            base: counts(base),
            links: Vec::new(),
        }
    }

    /// Appends a job. Without `skips`, everything is handed out at once.
    pub fn add(&mut self, job: &str, datums: Vec<H>, skips: bool) {
        self.links.push(Link {
            job: job.to_owned(),
            counts: counts(&datums),
            given: vec![false; datums.len()],
            datums,
            skips,
        });
    }

    /// Returns whether no job is in it.
    pub fn is_idle(&self) -> bool {
        self.links.is_empty()
    }

    /// Returns what a job may do next; each place is handed out once.
    pub fn next(&mut self, job: &str) -> Next {
        let Some(at) = self.links.iter().position(|link| link.job == job) else {
            return Next::Done;
        };
        let (before, rest) = self.links.split_at_mut(at);
        let Some(link) = rest.first_mut() else {
            return Next::Done;
        };
        let places = link.eligible(before, &self.base);
        if !places.is_empty() {
            for place in &places {
                link.given[*place] = true;
            }
            return Next::Process(places);
        }
        match at {
            0 => Next::Done,
            _ => Next::Wait,
        }
    }

    /// Ends a job that succeeded; `rescued` are the places that count as not done.
    pub fn succeed(&mut self, job: &str, rescued: &[usize]) {
        if let Some(link) = self.take(job) {
            self.base = link.counts;
            for datum in rescued.iter().filter_map(|place| link.datums.get(*place)) {
                if let Some(count) = self.base.get_mut(datum) {
                    *count = count.saturating_sub(1);
                }
            }
            self.base.retain(|_, count| *count > 0);
        }
    }

    /// Ends a job that did not succeed: it changes nothing for those after it.
    pub fn fail(&mut self, job: &str) {
        drop(self.take(job));
    }

    /// Returns the datums of the last job that succeeded, each as often as it is there, in no order.
    pub fn base(&self) -> Vec<H> {
        let repeated = |(datum, count): (&H, &usize)| std::iter::repeat_n(datum.clone(), *count);
        self.base.iter().flat_map(repeated).collect()
    }

    fn take(&mut self, job: &str) -> Option<Link<H>> {
        let at = self.links.iter().position(|link| link.job == job)?;
        Some(self.links.remove(at))
    }
}

impl<H: Clone + Eq + Hash> Link<H> {
    /// Returns the places that can be handed out now.
    fn eligible(&self, before: &[Self], base: &Counts<H>) -> Vec<usize> {
        let open = (0..self.datums.len()).filter(|place| !self.given[*place]);
        if !self.skips {
            return open.collect();
        }
        let parent = before.last().map_or(base, |link| &link.counts);
        let only_adds = parent
            .iter()
            .all(|(datum, count)| self.counts.get(datum).is_some_and(|own| own >= count));
        let mut known = if only_adds { parent.clone() } else { Counts::new() };
        let mut places = Vec::new();
        for place in open {
            let datum = &self.datums[place];
            if let Some(count) = known.get_mut(datum).filter(|count| **count > 0) {
                *count -= 1;
                continue;
            }
            if !before.iter().any(|link| link.counts.contains_key(datum)) {
                places.push(place);
            }
        }
        places
    }
}

fn counts<H: Clone + Eq + Hash>(datums: &[H]) -> Counts<H> {
    let mut counts = Counts::with_capacity(datums.len());
    for datum in datums {
        *counts.entry(datum.clone()).or_default() += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn datums(text: &str) -> Vec<char> {
        text.chars().collect()
    }

    fn given(chain: &mut Chain<char>, job: &str, of: &str) -> String {
        match chain.next(job) {
            Next::Process(places) => places.iter().map(|place| datums(of)[*place]).collect(),
            Next::Wait => "wait".to_owned(),
            Next::Done => "done".to_owned(),
        }
    }

    #[test]
    fn only_what_was_added_is_processed_until_something_is_missing() {
        let mut chain = Chain::after(&datums("a"));
        chain.add("1", datums("abc"), true);
        assert_eq!(given(&mut chain, "1", "abc"), "bc");
        assert_eq!(given(&mut chain, "1", "abc"), "done");
        chain.succeed("1", &[]);
        chain.add("2", datums("ac"), true);
        assert_eq!(given(&mut chain, "2", "ac"), "ac", "b is gone");
    }

    #[test]
    fn what_a_job_before_it_works_on_is_held_back_and_a_failed_one_leaves_it() {
        let mut chain = Chain::after(&[]);
        chain.add("1", datums("ab"), true);
        chain.add("2", datums("abc"), true);
        assert_eq!(given(&mut chain, "1", "ab"), "ab");
        assert_eq!(given(&mut chain, "2", "abc"), "c");
        assert_eq!(given(&mut chain, "2", "abc"), "wait");
        chain.fail("1");
        assert_eq!(given(&mut chain, "2", "abc"), "ab");
        chain.succeed("2", &[1]);
        let mut base = chain.base();
        base.sort_unstable();
        assert_eq!(base, ['a', 'c'], "b was rescued, so it is tried again");
    }

    #[test]
    fn equal_datums_count_as_often_as_they_are_there() {
        let mut chain = Chain::after(&datums("ab"));
        chain.add("1", datums("aba"), true);
        assert_eq!(given(&mut chain, "1", "aba"), "a");
    }
}
