//! Code that is made from a source, such as a bundle, again and again: from what, and how that went the last time.
//!
//! On failure to make it, environments that start fail with the reason. Those that run go on.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

/// The source of code that is made from it again and again. Clones share what is known about it.
#[derive(Debug, Clone)]
pub struct MadeFrom {
    /// The folder of the source.
    pub source: PathBuf,
    state: Arc<RwLock<Making>>,
}

/// How the code was made last.
#[derive(Debug, Default)]
struct Making {
    problem: Option<String>,
    inputs: Vec<PathBuf>,
}

impl MadeFrom {
    /// A source from which nothing has been made yet.
    pub fn new(source: PathBuf) -> Self {
        Self {
            source,
            state: Arc::default(),
        }
    }

    /// The code has been made from these files.
    pub fn succeeded(&self, inputs: Vec<PathBuf>) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        *state = Making {
            problem: None,
            inputs,
        };
    }

    /// The code could not be made: environments that start from now on fail with this text.
    pub fn failed(&self, problem: String) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.problem = Some(problem);
    }

    /// Why the code could not be made, if it could not.
    pub fn problem(&self) -> Option<String> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.problem.clone()
    }

    /// The files that the code was made from when that last succeeded.
    pub fn inputs(&self) -> Vec<PathBuf> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.inputs.clone()
    }
}

impl PartialEq for MadeFrom {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for MadeFrom {}
