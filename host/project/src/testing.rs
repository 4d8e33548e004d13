//! What tests of several kinds of projects look at.

/// What a project becomes, with its notes and refusals.
pub(crate) struct Translated {
    pub text: String,
    pub notes: Vec<String>,
    pub refusals: Vec<String>,
    pub outputs: Vec<(String, Option<String>)>,
}

impl Translated {
    #[track_caller]
    pub fn has(&self, part: &str) -> &Self {
        assert!(
            self.text.contains(part),
            "{part} is not in\n{}\n{:#?}\n{:#?}",
            self.text,
            self.notes,
            self.refusals
        );
        self
    }

    #[track_caller]
    pub fn notes(&self, part: &str) -> &Self {
        assert!(
            self.notes.iter().any(|note| note.contains(part)),
            "{part} is not in {:#?}",
            self.notes
        );
        self
    }

    #[track_caller]
    pub fn refuses(&self, part: &str) -> &Self {
        assert!(
            self.refusals.iter().any(|refusal| refusal.contains(part)),
            "{part} is not in {:#?}",
            self.refusals
        );
        self
    }
}
