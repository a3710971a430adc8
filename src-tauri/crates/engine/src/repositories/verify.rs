//! Whether a checkout may deliver code to a run, by the rules of pipelines.

use crate::error::{Error, Result};
use crate::wire::CheckoutState;

/// What keeps a checkout's code from being fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// It belongs to no registered repository.
    NoRepository,
    /// It has changes that are in no commit.
    Uncommitted,
    /// Its commit is not in the repository.
    Unpushed,
}

/// What a run may rely on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Repository that code can be fetched from.
    pub repository: Option<String>,
    /// Why it cannot, where that is worth a warning: one sentence.
    pub warning: Option<String>,
}

/// Returns the first thing that keeps a checkout's code from being fetched.
pub fn obstacle(state: &CheckoutState) -> Option<Obstacle> {
    if state.repository.is_none() {
        Some(Obstacle::NoRepository)
    } else if state.uncommitted || state.untracked {
        Some(Obstacle::Uncommitted)
    } else if state.unpushed || !state.usable {
        Some(Obstacle::Unpushed)
    } else {
        None
    }
}

/// Checks a checkout before a run. Where images are needed and some step's code can come from nowhere else (`required`), an
/// obstacle is an error; otherwise changes that stay at home are worth a warning, and a checkout of nothing is not.
pub fn verify(state: &CheckoutState, required: bool, images_needed: bool) -> Result<Verified> {
    let Some(obstacle) = obstacle(state) else {
        return Ok(Verified {
            repository: state.repository.clone(),
            warning: None,
        });
    };
    let name = state.repository.as_deref().unwrap_or_default();
    let what = match obstacle {
        Obstacle::NoRepository => "there is no code repository active at your current source root".to_owned(),
        Obstacle::Uncommitted => {
            format!("the checkout of the code repository {name} has uncommitted changes")
        }
        Obstacle::Unpushed => format!("the checkout of the code repository {name} has unpushed changes"),
    };
    if required && images_needed {
        return Err(Error::refused(
            format!("a step's code can only come from a code repository, and {what}"),
            state.reason.clone(),
        ));
    }
    let warning = (obstacle != Obstacle::NoRepository)
        .then(|| format!("no code is fetched from a code repository for this run: {what}"));
    Ok(Verified {
        repository: None,
        warning,
    })
}

/// Returns the commit that a run records as its code: none when the checkout has changes, for then nobody can get exactly this
/// code back. A commit that is not pushed is recorded all the same.
pub fn recorded_commit(state: &CheckoutState) -> Option<&str> {
    match state.uncommitted || state.untracked {
        true => None,
        false => state.commit.as_deref(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(change: impl FnOnce(&mut CheckoutState)) -> CheckoutState {
        let mut state = CheckoutState {
            repository: Some("app".into()),
            folder: "/a".into(),
            subdirectory: String::new(),
            commit: Some("c".into()),
            branch: None,
            uncommitted: false,
            untracked: false,
            unpushed: false,
            usable: true,
            reason: "push the branch main".into(),
        };
        change(&mut state);
        state
    }

    #[test]
    fn an_obstacle_is_an_error_only_where_nothing_else_can_deliver() {
        let none = state(|state| state.repository = None);
        let dirty = state(|state| state.uncommitted = true);
        let new = state(|state| state.untracked = true);
        let unpushed = state(|state| state.unpushed = true);
        for (state, word, warned) in [
            (&none, "no code repository active", false),
            (&dirty, "uncommitted", true),
            (&new, "uncommitted", true),
            (&unpushed, "unpushed", true),
        ] {
            let error = verify(state, true, true).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
            for (required, images) in [(true, false), (false, true), (false, false)] {
                let verified = verify(state, required, images).unwrap();
                assert_eq!(verified.repository, None);
                assert_eq!(
                    verified.warning.is_some_and(|warning| warning.contains(word)),
                    warned,
                    "{word}"
                );
            }
        }
        let good = verify(&state(|_| ()), true, true).unwrap();
        assert_eq!((good.repository.as_deref(), good.warning), (Some("app"), None));
    }

    #[test]
    fn a_run_records_what_can_be_found_again() {
        assert_eq!(recorded_commit(&state(|state| state.unpushed = true)), Some("c"));
        assert_eq!(recorded_commit(&state(|state| state.uncommitted = true)), None);
        assert_eq!(recorded_commit(&state(|state| state.untracked = true)), None);
    }
}
