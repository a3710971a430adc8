//! What each choice of an update would do to the data.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use crate::data::{DataStore, Digest};
use crate::datums::enumerate::{Enumerated, enumerate};
use crate::datums::heads::{at_heads, base, head_of};
use crate::datums::records::{self, PipelineRecord};
use crate::error::Result;
use crate::recipe::datum::spec::Spec;
use crate::recipe::datum::transformation::{BUILT, SOURCE};
use crate::wire::{ChoiceCost, DatumCounts, UpdateChoice};

/// What is known of the data of a pipeline before it is submitted.
#[derive(Clone, Debug)]
pub(super) struct Counted {
    /// Datums of the inputs that the user named.
    pub(super) data: Enumerated,
    /// How often each choice processes what.
    pub(super) choices: Vec<ChoiceCost>,
    /// How long a datum took on the average, of those that were processed.
    pub(super) each_ms: Option<u64>,
    /// Digests that the code's inputs have now, by name.
    pub(super) code: BTreeMap<String, String>,
}

impl Counted {
    /// Counts the datums of a spec as the user wrote it (`spec`) and as it runs (`runs`). `code_changed` says whether code
    /// that is an input would differ.
    pub(super) fn of(
        store: &Arc<DataStore>,
        spec: &Spec,
        runs: &Spec,
        before: Option<&PipelineRecord>,
        code_changed: bool,
    ) -> Result<Option<Self>> {
        let Some(input) = &spec.input else { return Ok(None) };
        let data = enumerate(store, input, &head_of(store))?;
        let total = data.datums.len() as u64;
        let found = match before {
            Some(before) => Known::of(store, runs, before)?,
            None => Known::default(),
        };
        let (known, removed) = (found.known.min(total), found.removed);
        let new = total - known;
        let is_pinned = before.is_some_and(|before| !before.pinned.is_empty());
        let counts = |choice| {
            let again = match choice {
                UpdateChoice::ReprocessAll => true,
                UpdateChoice::CodeAsInput => code_changed || is_pinned,
                UpdateChoice::NewDataOnly => false,
            };
            DatumCounts {
                total,
                new,
                reused: if again { 0 } else { known },
                redo: if again { known } else { 0 },
                removed,
            }
        };
        let all = [
            UpdateChoice::CodeAsInput,
            UpdateChoice::NewDataOnly,
            UpdateChoice::ReprocessAll,
        ];
        let choices = all.map(|choice| ChoiceCost {
            choice,
            datums: Some(counts(choice)),
        });
        Ok(Some(Self {
            data,
            choices: choices.into(),
            each_ms: found.each_ms,
            code: found.code,
        }))
    }

    /// Returns the counts of a choice.
    pub(super) fn with(&self, choice: UpdateChoice) -> Option<DatumCounts> {
        let one = self.choices.iter().find(|one| one.choice == choice)?;
        one.datums
    }
}

/// What was processed before.
#[derive(Default)]
struct Known {
    /// Datums that have results.
    known: u64,
    /// Datums of the last job that are gone.
    removed: u64,
    each_ms: Option<u64>,
    code: BTreeMap<String, String>,
}

impl Known {
    fn of(store: &Arc<DataStore>, runs: &Spec, before: &PipelineRecord) -> Result<Self> {
        let all = at_heads(store, runs)?;
        let hashes = all.hashes(&before.hashed_with());
        let found = records::processed(store, &before.name, &hashes)?;
        let times: Vec<u64> = found.iter().flatten().map(|result| result.duration_ms).collect();
        let known = times.len() as u64;
        let now: HashSet<&Digest> = hashes.iter().collect();
        let base = base(store, &before.name)?;
        let code = all.whole(&[SOURCE, BUILT]).into_iter();
        Ok(Self {
            known,
            removed: base.iter().filter(|hash| !now.contains(hash)).count() as u64,
            each_ms: (known > 0).then(|| times.iter().sum::<u64>() / known.max(1)),
            code: code.map(|(name, digest)| (name, digest.to_string())).collect(),
        })
    }
}
